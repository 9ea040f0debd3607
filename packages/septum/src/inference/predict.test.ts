import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BundleModel, fromAffineRas, silentReporter } from '@septum/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readDicomSeg, readImage, segLabels, writeDicomSeg, writeImage, writePng } from '../formats/index.js'
import { openBundleFolder } from './bundles.js'
import { findInputs } from './input/find.js'
import { type BundlePredictRequest, predictBundles } from './predict.js'
import { expected, planeBundle, samplingModel, volumeBundle } from './testing.js'

const dicomFixture = (name: string) =>
  fileURLToPath(new URL(`../formats/dicom/fixtures/${name}`, import.meta.url))

let root: string
let data: string
let out: string
let count = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'septum-predict-'))
  data = join(root, 'data')
  await mkdir(data)
  const [height, width] = expected.picture.shape as [number, number]
  const values = Uint8Array.from(expected.picture.values)
  for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
    const turned = values.map((value) => (value + 20 * i) % 256)
    await writePng(join(data, `${name}.png`), { data: turned, shape: [1, height, width] })
  }
})
beforeEach(() => {
  out = join(root, `out-${count++}`)
})
afterAll(() => rm(root, { recursive: true, force: true }))

const run = (request: Partial<BundlePredictRequest> = {}) =>
  predictBundles({
    bundles: [planeBundle],
    inputs: [data],
    out,
    threads: 1,
    reporter: silentReporter,
    signal: new AbortController().signal,
    ...request,
  })
const filesOf = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
const json = async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8'))

describe('pictures', () => {
  it('become masks and maps of their size, with statistics and a report', async () => {
    const result = await run()
    expect(result).toMatchObject({ cases: 4, skipped: 0, failures: [], samples: 0 })
    expect(await filesOf(out)).toEqual([
      ...['a.png', 'b.png', 'c.png', 'cases.jsonl', 'd.png'],
      ...['a', 'b', 'c', 'd'].flatMap((name) => [
        `probability/${name}.bright.png`,
        `probability/${name}.dark.png`,
      ]),
      ...['run.json', 'statistics.json'],
      ...['a', 'b', 'c', 'd'].flatMap((name) => [
        `uncertainty/${name}.bright.png`,
        `uncertainty/${name}.dark.png`,
      ]),
    ])
    const probability = await readImage(join(out, 'probability/a.bright.png'))
    expect(probability.shape).toEqual([1, 13, 21])
    probability.data.forEach((value, i) => {
      expect(Math.abs(value - 255 * expected.picture.sliding[i]!)).toBeLessThanOrEqual(0.501)
    })
    const { classes, cases } = await json('statistics.json')
    expect(classes.map(({ name, cases: all }: { name: string; cases: number }) => [name, all])).toEqual([
      ['bright', 4],
      ['dark', 4],
    ])
    const [bright] = cases[0].classes
    const marked = expected.picture.sliding.slice(0, 273).filter((p) => p > 0.5)
    expect(bright.samples).toBe(marked.length)
    expect(bright.meanProbability).toBeCloseTo(marked.reduce((sum, p) => sum + p, 0) / marked.length, 5)
    expect(bright).not.toHaveProperty('areaMm2')
    expect(await json('run.json')).toMatchObject({
      cases: 4,
      failed: [],
      models: [{ name: 'plane', method: 'mean' }],
    })
  })

  it('are not done twice; changed ones, missing files and other settings are', async () => {
    await run()
    const before = await readFile(join(out, 'statistics.json'), 'utf8')
    expect(await run()).toMatchObject({ cases: 0, skipped: 4 })
    expect(await readFile(join(out, 'statistics.json'), 'utf8')).toBe(before)
    await rm(join(out, 'b.png'))
    expect(await run()).toMatchObject({ cases: 1, skipped: 3 })
    const later = new Date(Date.now() + 5000)
    await utimes(join(data, 'c.png'), later, later)
    expect(await run()).toMatchObject({ cases: 1, skipped: 3 })
    expect(await run({ overlap: 0.25 })).toMatchObject({ cases: 4, skipped: 0 })
    expect(await run({ overlap: 0.25, overwrite: true })).toMatchObject({ cases: 4, skipped: 0 })
  })

  it('go on after a kill in the middle of a line', async () => {
    const controller = new AbortController()
    let finished = 0
    const stopped = run({
      signal: controller.signal,
      onCase: async () => {
        if (++finished === 2) controller.abort()
        return []
      },
    })
    await expect(stopped).rejects.toThrow(/abort/i)
    await writeFile(
      join(out, 'cases.jsonl'),
      `${await readFile(join(out, 'cases.jsonl'), 'utf8')}\n{"case":"c","fi`,
    )
    const again = await run({ onCase: async () => [] })
    expect(again).toMatchObject({ cases: 2, skipped: 2 })
    expect((await json('statistics.json')).cases.map((item: { case: string }) => item.case)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ])
    expect((await run({ onCase: async () => [] })).skipped).toBe(4)
  })

  it('in shards give together what one run gives', async () => {
    const whole = join(root, 'whole')
    await run({ out: whole })
    const shards = [1, 2, 3].map((index) => run({ shard: { index, count: 3 } }))
    expect((await Promise.all(shards)).map(({ cases }) => cases)).toEqual([2, 1, 1])
    await run({ shard: { index: 1, count: 3 } })
    const masks = (await filesOf(whole)).filter((name) => name.endsWith('.png'))
    expect((await filesOf(out)).filter((name) => name.endsWith('.png'))).toEqual(masks)
    for (const name of masks)
      expect(await readFile(join(out, name))).toEqual(await readFile(join(whole, name)))
    const plain = ({ cases }: { cases: { seconds: number }[] }) =>
      cases.map(({ seconds: _, ...rest }) => rest)
    expect(plain(await json('statistics.json'))).toEqual(
      plain(JSON.parse(await readFile(join(whole, 'statistics.json'), 'utf8'))),
    )
  })

  it('that are bad are listed, and cost the others nothing', async () => {
    const mixed = join(root, 'mixed')
    await mkdir(mixed)
    await copyFile(join(data, 'a.png'), join(mixed, 'good.png'))
    await writeFile(join(mixed, 'text.png'), 'no picture')
    await writeFile(join(mixed, 'empty.png'), '')
    await writeFile(join(mixed, 'cut.png'), (await readFile(join(data, 'b.png'))).subarray(0, 60))
    const lines: string[] = []
    const result = await run({
      inputs: [mixed],
      reporter: { ...silentReporter, warn: (line) => lines.push(line) },
    })
    expect(result.cases).toBe(1)
    expect(result.failures.map(({ case: name, code }) => [name, code])).toEqual([
      ['cut', 'picture-broken'],
      ['empty', 'picture-empty'],
      ['text', expect.stringMatching(/^(picture|image)-format$/)],
    ])
    expect(lines.length).toBe(3)
    expect((await json('run.json')).failed.length).toBe(3)
    // A failed case is tried again.
    await copyFile(join(data, 'c.png'), join(mixed, 'text.png'))
    expect(await run({ inputs: [mixed] })).toMatchObject({ cases: 1, skipped: 1 })
  })

  it('too large for the memory are refused before they are read', async () => {
    const manifest = samplingModel().manifest
    const large: BundleModel = { ...samplingModel(), manifest }
    const result = await run({ samples: 2 ** 40, open: async () => large })
    expect(result.failures.map(({ code }) => code)).toEqual(Array(4).fill('predict-memory'))
    expect(result.failures[0]!.message).toMatch(/needs about .* GiB of memory/)
  })
})

describe('models that sample', () => {
  it('write the hypotheses; draws depend on the place in the list, not on the shard', async () => {
    const models: ReturnType<typeof samplingModel>[] = []
    const open = async () => {
      const model = samplingModel()
      models.push(model)
      return model
    }
    expect(await run({ open, samples: 2, seed: 3 })).toMatchObject({ cases: 4, samples: 2 })
    expect((await filesOf(join(out, 'samples'))).slice(0, 3)).toEqual(['a/001.png', 'a/002.png', 'b/001.png'])
    await run({ open, samples: 2, seed: 3, out: join(out, 'part'), shard: { index: 2, count: 3 } })
    const streams = models.map(({ calls }) => [
      ...new Set(calls.filter(({ seed }) => seed === 3).map(({ imageStream }) => imageStream)),
    ])
    expect(streams).toEqual([[0, 1, 2, 3], [1]])
  })
})

describe('volumes', () => {
  const volume = {
    data: Float32Array.from(expected.volume.values),
    shape: [1, ...expected.volume.shape],
    // RAS, 2 mm: the model's own spacing, so that NumPy's windows are those of the toolkit.
    geometry: fromAffineRas([-2, 0, 0, 30, 0, 2, 0, -20, 0, 0, 2, 5, 0, 0, 0, 1]),
    maxValue: 1,
  }

  it('become NIfTI on their own grid', async () => {
    const file = join(root, 'scan.nii.gz')
    await writeImage(file, volume)
    expect(await run({ bundles: [volumeBundle], inputs: [file], maps: true })).toMatchObject({ cases: 1 })
    expect(await filesOf(out)).toEqual([
      'cases.jsonl',
      'probability/scan.nii.gz',
      'run.json',
      'scan.nii.gz',
      'statistics.json',
      'uncertainty/scan.nii.gz',
    ])
    const mask = await readImage(join(out, 'scan.nii.gz'))
    expect(mask.shape).toEqual(volume.shape)
    expect(mask.geometry!.spacingMm).toEqual([2, 2, 2])
    expect(mask.geometry!.originMm).toEqual(volume.geometry.originMm)
    expect([...mask.data]).toEqual(expected.volume.sliding.map((p) => (p > 0.5 ? 1 : 0)))
    const probability = await readImage(join(out, 'probability/scan.nii.gz'))
    probability.data.forEach((value, i) => {
      expect(value).toBeCloseTo(expected.volume.sliding[i]!, 5)
    })
    const [item] = (await json('statistics.json')).cases
    const marked = expected.volume.sliding.filter((p) => p > 0.5).length
    expect(item.classes[0]).toMatchObject({ samples: marked, volumeMm3: marked * 8 })
  })

  it('cannot be segmented where the model takes volumes and a picture is given', async () => {
    const result = await run({ bundles: [volumeBundle], inputs: [join(data, 'a.png')] })
    expect(result.failures).toMatchObject([{ case: 'a', code: 'input-dimensions' }])
  })
})

describe('DICOM', () => {
  it('a series becomes a DICOM segmentation that refers to it', async () => {
    const series = dicomFixture('series.zip')
    const image = await readImage(series)
    const middle = [...image.data].sort((a, b) => a - b)[image.data.length >> 1]!
    // Marks what is above the median; a graph of thresholds needs none of ONNX Runtime.
    const model: BundleModel = {
      ...(await openBundleFolder(planeBundle, 1)),
      manifest: JSON.parse(
        (await readFile(join(planeBundle, 'model.json'), 'utf8')).replace(
          '"kind": "scale"',
          '"kind": "none"',
        ),
      ),
      logits: async (images) =>
        Float32Array.from([...[...images].map((v) => v - middle - 0.5), ...images.map(() => -1)]),
      release: async () => {},
    }
    const wide = {
      ...model,
      manifest: { ...model.manifest, size: { trained: image.shape.slice(2), fixed: true, multipleOf: 1 } },
    }
    expect(await run({ inputs: [series], open: async () => wide, batch: 1 })).toMatchObject({
      cases: 1,
      failures: [],
    })
    const labels = segLabels(await readDicomSeg(join(out, 'series.dcm')))
    expect(labels.shape).toEqual([1, ...image.shape.slice(1)])
    expect([...labels.data]).toEqual([...image.data].map((value) => (value > middle ? 1 : 0)))
    const record = (await json('statistics.json')).cases[0]
    expect(record.classes[0].volumeMm3).toBeGreaterThan(0)
  })

  it('a folder keeps its images apart from its segmentations', async () => {
    const study = join(root, 'segmented')
    await mkdir(join(study, 'masks'), { recursive: true })
    await mkdir(join(study, 'images'), { recursive: true })
    const source = dicomFixture('explicit.dcm')
    const { shape } = await readImage(source)
    await copyFile(source, join(study, 'images', 'scan.dcm'))
    const masks = {
      data: new Uint8Array(shape[1]! * shape[2]!).fill(1),
      shape: [1, ...shape.slice(1)],
      maxValue: 255,
    }
    for (const name of ['one', 'two'])
      await writeDicomSeg(join(study, 'masks', `${name}.dcm`), masks, { source, segments: [{ label: 'x' }] })
    expect(await findInputs([study], 1)).toEqual([
      { name: 'scan', files: [join(study, 'images', 'scan.dcm')] },
    ])
    await rm(join(study, 'masks', 'two.dcm'))
    expect((await findInputs([study], 1)).length).toBe(1)
  })

  it('series of one name in the folders of several patients are told apart', async () => {
    const study = join(root, 'patients')
    for (const patient of ['a', 'b']) {
      await mkdir(join(study, patient, 'ct'), { recursive: true })
      await copyFile(dicomFixture('explicit.dcm'), join(study, patient, 'ct', 'scan.dcm'))
    }
    expect((await findInputs([study], 1)).map(({ name }) => name)).toEqual(['a-ct-scan', 'b-ct-scan'])
    // Where nothing collides the name stays short.
    expect((await findInputs([join(study, 'a')], 1)).map(({ name }) => name)).toEqual(['scan'])
  })

  it('folders of series are found, pictures inside are not', async () => {
    const study = join(root, 'study')
    for (const name of ['one', 'two']) {
      await mkdir(join(study, name), { recursive: true })
      for (const file of ['explicit.dcm', 'implicit.dcm'])
        await copyFile(dicomFixture(file), join(study, name, file))
    }
    await copyFile(join(data, 'a.png'), join(study, 'one', 'mask.png'))
    await copyFile(join(data, 'a.png'), join(study, 'own.png'))
    const names = (await findInputs([study], 1)).map(({ name }) => name)
    expect(names[0]).toBe('own')
    expect(names).not.toContain('mask')
    expect(names.length).toBeGreaterThanOrEqual(3)
  })
})

describe('inputs', () => {
  it('files of channels are one case for a model of as many', async () => {
    const folder = join(root, 'channels')
    await mkdir(folder)
    for (const name of ['x_0000', 'x_0001', 'y_0000', 'z'])
      await copyFile(join(data, 'a.png'), join(folder, `${name}.png`))
    expect((await findInputs([folder], 2)).map(({ name, files }) => [name, files.length])).toEqual([
      ['x', 2],
      ['y_0000', 1],
      ['z', 1],
    ])
    expect((await findInputs([folder], 1)).length).toBe(4)
  })

  it.each([
    ['input-missing', () => ['/no/such/image.png']],
    ['input-twice', () => [join(data, 'a.png'), join(data, 'a.png')]],
  ])('%s', async (code, inputs) => {
    await expect(run({ inputs: inputs() })).rejects.toMatchObject({ code })
    expect(existsSync(join(out, 'run.json'))).toBe(false)
  })

  it('models that do not agree make no ensemble', async () => {
    await expect(run({ bundles: [planeBundle, volumeBundle] })).rejects.toMatchObject({
      code: 'bundle-ensemble',
      place: { file: volumeBundle },
    })
    await expect(run({ cleaning: { keepLargest: ['liver'], least: {} } })).rejects.toMatchObject({
      code: 'predict-class',
    })
    await expect(run({ bundles: [join(root, 'nothing')] })).rejects.toMatchObject({ code: 'bundle-missing' })
  })
})
