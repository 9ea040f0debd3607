import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { unzipSync } from 'fflate'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readImage } from '../../septum/src/formats/index.js'
import { openBundleFolder } from '../../septum/src/inference/bundles.js'
import { noCleaning, segmentImage } from '../../septum/src/inference/segment.js'
import { launch, noChromium, textOf, type Visit, visit } from './browser.js'
import { fixtures, inferenceFixtures, openSite, type Site } from './site.js'

interface Expected {
  readonly shape: readonly [number, number, number]
  /** First three rows, by nibabel. */
  readonly affine: readonly number[]
  readonly labels: string
  readonly millilitres: readonly number[]
  readonly areas: readonly (readonly number[])[]
}
const volumes = join(fixtures, 'volumes')
const expected: Readonly<Record<'oblique' | 'block', Expected>> = JSON.parse(
  readFileSync(join(volumes, 'expected.json'), 'utf8'),
)
const dicom = fileURLToPath(new URL('../../septum/src/formats/dicom/fixtures/', import.meta.url))
const labelsOf = ({ labels }: Expected) => [...gunzipSync(Buffer.from(labels, 'base64'))]
const verifier = spawnSync('dciodvfy', ['-version']).error === undefined
const numbersOf = (text: string) =>
  (text.match(/[\d.,]+/g) ?? []).map((part) => Number(part.replace(',', '')))

describe.skipIf(noChromium)('volumes in Chromium', () => {
  let site: Site
  let browser: Browser
  let visited: Visit
  let page: Page

  beforeAll(async () => {
    ;[site, browser] = await Promise.all([openSite(), launch()])
    visited = await visit(browser, site.url)
    page = visited.page
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** What is on the canvas: the name, the voxel of the crosshair, whether labels are shown. */
  const drawn = () => page.getAttribute('#volume-stage', 'data-drawn')
  const choose = async (model: string) => {
    await page.selectOption('#model-list', `models/${model}/`)
    await page.waitForSelector('#progress', { state: 'hidden' })
  }
  const open = async (name: string) => {
    await page.setInputFiles('#image-file', join(volumes, `${name}.nii.gz`))
    await expect.poll(drawn, { timeout: 20_000 }).toContain(`${name}.nii.gz`)
  }
  const segmentAll = async () => {
    await page.click('#run')
    await page.waitForSelector('#volume-exports:not([hidden])', { timeout: 60_000 })
    await expect.poll(drawn, { timeout: 20_000 }).toContain('marked')
  }
  const download = async (selector: string) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)])
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
  }
  const rows = () =>
    page.$$eval('#volume-rows tr', (all) =>
      all.map((row) => [...row.children].map((cell) => cell.firstChild!.textContent ?? '')),
    )
  /** Share of the canvas that is neither black nor grey: what a mask colours. */
  const coloured = () =>
    page.evaluate(async () => {
      const canvas = document.querySelector<HTMLCanvasElement>('#volume-canvas')!
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')!
      // WebGL empties its canvas after a frame: it is copied in the frame that draws it.
      window.dispatchEvent(new Event('resize'))
      await new Promise(requestAnimationFrame)
      copy.drawImage(canvas, 0, 0)
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
      let count = 0
      for (let i = 0; i < data.length; i += 4) {
        if (
          Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!) >
          60
        )
          count++
      }
      return count / (data.length / 4)
    })

  it('loads what draws volumes only when one is opened', async () => {
    const loaded = () => page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name))
    expect((await loaded()).some((name) => name.endsWith('viewer-view.js'))).toBe(false)
    // What the page needs to begin with, but for the runtime as it is published, at most 400 kB packed.
    const scripts = (await loaded()).filter((name) => name.endsWith('.js'))
    const packed = scripts.map(
      (name) => gzipSync(readFileSync(join(site.folder, new URL(name).pathname))).length,
    )
    expect(scripts.some((name) => name.endsWith('viewer.js'))).toBe(true)
    expect(packed.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(400_000)
    await choose('plane')
    await open('oblique')
    expect((await loaded()).some((name) => name.endsWith('viewer-view.js'))).toBe(true)
  })

  it('shows size, spacing and plane of the file', async () => {
    await page.click('#about-volume summary')
    const facts = await textOf(page, '#volume-facts')
    expect(facts).toContain('24 × 30 × 10 voxels')
    expect(facts).toContain('1.5 × 2 × 3 mm')
    expect(facts).toContain('axial')
    expect(await textOf(page, '#slice-text')).toBe('Axial slice 6 of 10')
    // The value under the crosshair as nibabel has it: voxel [12, 15, 5].
    const raw = gunzipSync(readFileSync(join(volumes, 'oblique.nii.gz'))).subarray(352)
    expect(await textOf(page, '#slice-value')).toBe(`Value ${raw[(5 * 30 + 15) * 24 + 12]}`)
  })

  it('scrolls through the slices by keys and slider, of every plane', async () => {
    await page.focus('#volume-stage')
    await page.keyboard.press('PageUp')
    await expect.poll(drawn).toContain('6,15,12')
    await page.keyboard.press('PageDown')
    await page.keyboard.press('PageDown')
    await expect.poll(() => textOf(page, '#slice-text')).toBe('Axial slice 5 of 10')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowDown')
    await expect.poll(drawn).toContain('4,16,11')
    await page.click('#layouts label:has(input[value=coronal])')
    await expect.poll(() => textOf(page, '#slice-text')).toBe('Coronal slice 17 of 30')
    await page.focus('#volume-stage')
    await page.keyboard.press('Shift+ArrowUp')
    await expect.poll(() => textOf(page, '#slice-text')).toBe('Coronal slice 27 of 30')
    await page.press('#slice', 'Home')
    await expect.poll(() => textOf(page, '#slice-text')).toBe('Coronal slice 1 of 30')
    await page.click('#layouts label:has(input[value=sagittal])')
    await expect.poll(() => textOf(page, '#slice-text')).toBe('Sagittal slice 12 of 24')
    await page.click('#layouts label:has(input[value=planes])')
  })

  it('a click puts the crosshair where it was made', async () => {
    const before = await drawn()
    const box = (await page.locator('#volume-canvas').boundingBox())!
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height * 0.4)
    await expect.poll(drawn).not.toBe(before)
  })

  it('segments plane by plane: labels, millilitres and areas as NumPy has them', async () => {
    const before = await coloured()
    await segmentAll()
    expect(await coloured()).toBeGreaterThan(before + 0.02)
    const { millilitres, areas } = expected.oblique
    const slice = Number((await textOf(page, '#slice-text')).match(/slice (\d+)/)![1]) - 1
    for (const [index, [, whole, area]] of (await rows()).entries()) {
      expect(numbersOf(whole!)[0]).toBeCloseTo(millilitres[index]!, 1)
      const wanted = areas[index]![slice]!
      if (wanted === 0) expect(area).toBe('empty')
      else expect(Math.abs(numbersOf(area!)[0]! - wanted)).toBeLessThan(0.6)
    }
    const numbers = JSON.parse((await download('#save-volume-numbers')).bytes.toString())
    expect(numbers.classes.map((each: { volumeMm3: number }) => each.volumeMm3 / 1000)).toEqual(
      millilitres.map((each) => expect.closeTo(each, 5)),
    )
    expect(numbers.slices[0].areas.map((each: { areaMm2: number }) => each.areaMm2)).toEqual(
      areas[0]!.map((each) => expect.closeTo(each, 3)),
    )
    expect(numbers.notice).toBe('Research use only')
  })

  it('saves the mask as NIfTI on the grid of the file', async () => {
    const { name, bytes } = await download('#save-volume')
    expect(name).toBe('oblique-mask.nii.gz')
    const nifti = gunzipSync(bytes)
    const { shape, affine } = expected.oblique
    expect([0, 1, 2, 3].map((i) => nifti.readInt16LE(40 + 2 * i))).toEqual([3, ...shape.toReversed()])
    const rows = Array.from({ length: 12 }, (_, i) => nifti.readFloatLE(280 + 4 * i))
    affine.forEach((value, i) => {
      expect(rows[i]).toBeCloseTo(value, 4)
    })
    expect([...nifti.subarray(352)]).toEqual(labelsOf(expected.oblique))
  })

  it('opacity and contrast follow the sheet', async () => {
    await page.click('#display summary')
    const strong = await coloured()
    await page.fill('#opacity', '0')
    await expect.poll(coloured).toBeLessThan(strong)
    await page.click('#display-reset')
    await page.keyboard.press('Escape')
  })

  it('segments in blocks with a model of volumes, and a model of volumes refuses a slice', async () => {
    await choose('volume')
    await open('block')
    await segmentAll()
    expect([...gunzipSync((await download('#save-volume')).bytes).subarray(352)]).toEqual(
      labelsOf(expected.block),
    )
    await page.keyboard.press('v')
    await page.click('#run')
    await expect
      .poll(() => textOf(page, '#problem-message'))
      .toContain('segments volumes, not single pictures')
    await page.click('#problem-close')
    await page.keyboard.press('v')
    await expect.poll(drawn).toContain('marked')
  })

  it('resamples to the spacing of the model: the labels of Node', async () => {
    await open('thick')
    await segmentAll()
    const saved = gunzipSync((await download('#save-volume')).bytes).subarray(352)
    const model = await openBundleFolder(join(inferenceFixtures, 'volume'), 1)
    const node = await segmentImage([model], await readImage(join(volumes, 'thick.nii.gz')), {
      ...{ samples: 1, seed: 0, imageStream: 0, overlap: 0.5, window: 'trained', batch: 1, maps: false },
      ...{ flips: [false, false, false], cleaning: noCleaning },
    })
    await model.release()
    expect(node.statistics[0]!.samples).toBeGreaterThan(100)
    expect([...saved]).toEqual([...node.labels])
  })

  it('looks at one slice as at a picture, with the size of its pixels', async () => {
    await choose('next-scale')
    await open('oblique')
    await page.click('#scenes label:has(input[value=slice])')
    await expect.poll(() => textOf(page, '#run')).toBe('Segment slice')
    await page.click('#run')
    await page.waitForSelector('#exports:not([hidden])')
    await expect.poll(() => textOf(page, '#blend-text')).toBe('8 of 8 blended')
    expect(await textOf(page, '#area')).toContain('mm²')
    await page.click('#views label:has(input[value=growth])')
    await expect.poll(() => textOf(page, '#scale-text')).toContain('Scale 4 of 4')
    const { name, bytes } = await download('#save-nifti')
    expect(name).toBe('oblique-slice-6-mask.nii.gz')
    const nifti = gunzipSync(bytes)
    // The slice's own place: index (0, 0, 5) of the volume's affine.
    const { affine } = expected.oblique
    for (const row of [0, 4, 8]) {
      expect(nifti.readFloatLE(280 + 4 * (row + 3))).toBeCloseTo(affine[row + 3]! + 5 * affine[row + 2]!, 3)
    }
    await page.keyboard.press('PageUp')
    await expect.poll(() => textOf(page, '#slice-text')).toBe('Axial slice 7 of 10')
    await expect.poll(() => page.isVisible('#exports')).toBe(false)
    await page.keyboard.press('v')
    await expect.poll(drawn).toContain('6,15,12')
  })

  describe('NRRD and MetaImage', () => {
    const { shape, affine } = expected.oblique
    const samples = () => gunzipSync(readFileSync(join(volumes, 'oblique.nii.gz'))).subarray(352)
    // Columns of nibabel's affine are steps of the axes to right, anterior, superior; both formats count to left and
    // posterior instead.
    const lps = (column: number) => [-affine[column]!, -affine[4 + column]!, affine[8 + column]!]
    const sizes = shape.toReversed().join(' ')
    const nrrd = (encoding: string, body: Uint8Array | string, dataFile?: string) => {
      const fields = [
        ...['NRRD0004', 'type: uchar', 'dimension: 3', 'space: left-posterior-superior', `sizes: ${sizes}`],
        `space directions: ${[0, 1, 2].map((axis) => `(${lps(axis)})`).join(' ')}`,
        ...[`space origin: (${lps(3)})`, `encoding: ${encoding}`, 'endian: little'],
        ...(dataFile ? [`data file: ${dataFile}`] : []),
      ]
      return Buffer.concat([Buffer.from(`${fields.join('\n')}\n\n`), Buffer.from(body as Uint8Array)])
    }
    const meta = (packed: boolean, dataFile: string, body: Uint8Array | string) => {
      const steps = [0, 1, 2].map((axis) => Math.hypot(...lps(axis)))
      const turned = [0, 1, 2].flatMap((axis) => lps(axis).map((part) => part / steps[axis]!))
      const fields = [
        ...['ObjectType = Image', 'NDims = 3', 'BinaryData = True', 'BinaryDataByteOrderMSB = False'],
        ...[`CompressedData = ${packed ? 'True' : 'False'}`, `TransformMatrix = ${turned.join(' ')}`],
        ...[`Offset = ${lps(3).join(' ')}`, `ElementSpacing = ${steps.join(' ')}`, `DimSize = ${sizes}`],
        ...['ElementType = MET_UCHAR', `ElementDataFile = ${dataFile}\n`],
      ]
      return Buffer.concat([Buffer.from(fields.join('\n')), Buffer.from(body as Uint8Array)])
    }
    const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer })

    it.each([
      ['raw.nrrd', () => [file('raw.nrrd', nrrd('raw', samples()))]],
      ['packed.nrrd', () => [file('packed.nrrd', nrrd('gzip', gzipSync(samples())))]],
      ['raw.mha', () => [file('raw.mha', meta(false, 'LOCAL', samples()))]],
      ['packed.mha', () => [file('packed.mha', meta(true, 'LOCAL', deflateSync(samples())))]],
      [
        'apart.mhd',
        () => [file('apart.raw', Buffer.from(samples())), file('apart.mhd', meta(false, 'apart.raw', ''))],
      ],
      [
        'apart.nhdr',
        () => [file('apart.nhdr', nrrd('gzip', '', './apart.gz')), file('apart.gz', gzipSync(samples()))],
      ],
    ])('%s has the labels and the place of NumPy and nibabel', async (name, files) => {
      await choose('plane')
      await page.setInputFiles('#image-file', files())
      await expect.poll(drawn, { timeout: 20_000 }).toContain(name)
      await segmentAll()
      const nifti = gunzipSync((await download('#save-volume')).bytes)
      expect([...nifti.subarray(352)]).toEqual(labelsOf(expected.oblique))
      affine.forEach((value, i) => {
        expect(nifti.readFloatLE(280 + 4 * i)).toBeCloseTo(value, 4)
      })
    })

    it.each([
      ['alone.mhd', () => meta(false, 'alone.raw', ''), 'lies apart from its samples'],
      ['text.nrrd', () => nrrd('ascii', samples().join(' ')), 'stored as text'],
      ['short.nrrd', () => nrrd('raw', samples().subarray(0, 500)), 'cannot be decoded'],
      ['no-gzip.nrrd', () => nrrd('gzip', samples()), 'cannot be decoded'],
    ])('%s is refused with a sentence and what to do', async (name, content, sentence) => {
      await page.setInputFiles('#image-file', file(name, content()))
      await expect.poll(() => textOf(page, '#problem-message')).toContain(sentence)
      expect((await textOf(page, '#problem-hint')).length).toBeGreaterThan(15)
      await page.click('#problem-close')
    })
  })

  it('a run over a volume can be stopped', async () => {
    await page.evaluate(() => {
      document.querySelector<HTMLButtonElement>('#run')!.click()
      document.querySelector<HTMLButtonElement>('#cancel')!.click()
    })
    await expect.poll(() => page.isVisible('#progress')).toBe(false)
    expect(await page.isVisible('#problem')).toBe(false)
    await expect.poll(() => page.isVisible('#volume-exports')).toBe(false)
  })

  describe('DICOM', () => {
    const own = join(volumes, 'series.zip')
    const series = (zip: string) =>
      Object.entries(unzipSync(readFileSync(zip))).map(([file, bytes]) => ({
        ...{ name: file.split('/').at(-1)!, mimeType: 'application/dicom', buffer: Buffer.from(bytes) },
      }))

    it('a series is put into order, and its mask saved as a segmentation that dciodvfy accepts', async () => {
      await choose('plane')
      await page.setInputFiles('#image-file', series(own))
      await expect.poll(drawn, { timeout: 20_000 }).toContain('10 DICOM files')
      await segmentAll()
      const { name, bytes } = await download('#save-volume-dicom')
      expect(name).toBe('10-DICOM-files-seg.dcm')
      const folder = await mkdtemp(join(tmpdir(), 'septum-viewer-seg-'))
      try {
        const file = join(folder, name)
        await writeFile(file, bytes)
        if (verifier) {
          const { stdout, stderr } = spawnSync('dciodvfy', [file], { encoding: 'utf8' })
          expect(`${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('Error'))).toEqual([])
        }
        // The labels of Node on the same series.
        const model = await openBundleFolder(join(inferenceFixtures, 'plane'), 1)
        const node = await segmentImage([model], await readImage(own), {
          ...{ samples: 1, seed: 0, imageStream: 0, overlap: 0.5, window: 'trained', batch: 1, maps: false },
          ...{ flips: [false, false, false], cleaning: noCleaning },
        })
        await model.release()
        expect(new Set(node.labels).size).toBeGreaterThan(1)
        const nifti = gunzipSync((await download('#save-volume')).bytes)
        expect([...nifti.subarray(352)]).toEqual([...node.labels])
        const { readDicomSeg, segLabels } = await import('../../septum/src/formats/dicom/index.js')
        const seg = segLabels(await readDicomSeg(file, await readImage(own)))
        expect([...seg.data]).toEqual([...node.labels])
      } finally {
        await rm(folder, { recursive: true })
      }
    })

    it('a folder of a series is opened whole', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'septum-viewer-series-'))
      try {
        const inside = join(folder, 'case-7')
        await mkdir(inside)
        await writeFile(join(inside, 'notes.txt'), 'no image')
        for (const { name, buffer } of series(own)) await writeFile(join(inside, name), buffer)
        await page.setInputFiles('#image-folder', inside)
        await expect.poll(drawn, { timeout: 20_000 }).toContain('case-7')
        expect(await textOf(page, '#slice-text')).toBe('Axial slice 6 of 10')
      } finally {
        await rm(folder, { recursive: true })
      }
    })

    it('missing slices are said', async () => {
      await page.setInputFiles('#image-file', series(join(dicom, 'missing.zip')))
      await expect.poll(() => textOf(page, '#problem-message')).toContain('slices are missing')
    })

    it('a compressed file that the page cannot unpack is refused with a way out', async () => {
      await page.setInputFiles('#image-file', join(dicom, 'jpeg-2000.dcm'))
      await expect.poll(() => textOf(page, '#problem-message')).toContain('JPEG 2000')
      expect(await textOf(page, '#problem-hint')).toContain('septum predict')
    })

    it.each(['explicit', 'jpeg-lossless-1', 'jpeg-baseline', 'jpeg-colour', 'cine-rle'])(
      '%s is shown',
      async (name) => {
        await page.setInputFiles('#image-file', join(dicom, `${name}.dcm`))
        await expect
          .poll(() =>
            page.$eval('#image-list', (list) => (list as HTMLSelectElement).selectedOptions[0]?.text),
          )
          .toBe(`${name}.dcm`)
        expect(await page.isVisible('#problem')).toBe(false)
      },
    )
  })

  const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/gzip', buffer })
  const plain = () => gunzipSync(readFileSync(join(volumes, 'oblique.nii.gz')))
  it.each([
    [
      'cut.nii.gz',
      () => readFileSync(join(volumes, 'oblique.nii.gz')).subarray(0, 2000),
      'cannot be decoded',
    ],
    ['short.nii', () => plain().subarray(0, 1000), 'cannot be decoded'],
    ['other.gz', () => gzipSync(Buffer.alloc(1000, 7)), 'neither a picture nor a volume'],
    [
      'series.nii',
      () => {
        const bytes = Buffer.concat([plain(), plain().subarray(352)])
        bytes.writeInt16LE(4, 40)
        bytes.writeInt16LE(2, 48)
        return bytes
      },
      'holds 2 volumes or colours',
    ],
    [
      'huge.nii',
      () => {
        const bytes = plain()
        for (const at of [42, 44, 46]) bytes.writeInt16LE(4000, at)
        return bytes
      },
      'would take 64.0 GB',
    ],
    [
      'flat.nii',
      () => {
        const bytes = plain()
        bytes.fill(0, 280, 312)
        return bytes
      },
      'span no 3 axes',
    ],
  ])('%s is refused with a sentence and what to do', async (name, content, sentence) => {
    await page.setInputFiles('#image-file', file(name, content()))
    await expect.poll(() => textOf(page, '#problem-message')).toContain(sentence)
    expect((await textOf(page, '#problem-hint')).length).toBeGreaterThan(15)
    await page.click('#problem-close')
    await expect.poll(() => page.isVisible('#problem')).toBe(false)
  })

  it('asks no other server, and breaks no rule of its content security policy', () => {
    expect(visited.elsewhere).toEqual([])
    expect(visited.complaints).toEqual([])
    expect(site.missing).toEqual([])
  })
})
