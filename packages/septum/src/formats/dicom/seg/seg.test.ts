import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MedicalImage, SeptumError } from '@septum/core'
import { afterAll, describe, expect, it } from 'vitest'
import { Dataset } from '../dataset.js'
import { readDicom } from '../read.js'
import { defaultCodes } from './codes.js'
import { fromDicomLab, toDicomLab } from './colour.js'
import { decimal } from './dataset.js'
import { encodeDicomSeg, readDicomSeg, type SegOptions, segLabels, writeDicomSeg } from './index.js'
import { copiedTags } from './source-series.js'
import { textOf } from './text.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'septum-seg-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** The outside judges, where they are installed. */
const python = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import pydicom, numpy']).status === 0,
)
const verifier = spawnSync('dciodvfy', ['-version']).error === undefined

interface Judged {
  readonly tags: string[]
  readonly patient: string
  readonly study: string
  readonly reference: string
  readonly series: string
  readonly instances: string[]
  readonly orientation: number[]
  readonly spacing: number[]
  readonly segments: { label: string; category: string; type: string; lab: number[] }[]
  readonly frames: {
    segment: number
    position: number[]
    instance: string
    frame: number
    pixels: number[]
  }[]
}

function judge(file: string): Judged {
  return JSON.parse(
    execFileSync(python!, [fixture('check_seg.py'), file], { maxBuffer: 2 ** 26, encoding: 'utf8' }),
  ) as Judged
}

/** Lines of dciodvfy that say Error. */
function errorsOf(file: string): string[] {
  const { stderr, stdout } = spawnSync('dciodvfy', [file], { encoding: 'utf8' })
  return `${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('Error'))
}

const two: SegOptions['segments'] = [
  { label: 'Liver', colour: [255, 0, 0] },
  { label: 'unusual thing', algorithm: 'MANUAL', type: { value: '4147007', scheme: 'SCT', meaning: 'Mass' } },
]

/** Labels on the 5 x 4 x 6 series: 1 in slices 1 and 2, 2 in slice 4. */
function labels(): MedicalImage {
  const data = new Uint8Array(5 * 24)
  data.set([0, 1, 1, 0, 0, 1], 24)
  data.set([1], 2 * 24 + 23)
  data.set([2, 2, 0, 2], 4 * 24 + 7)
  return { data, shape: [1, 5, 4, 6], maxValue: 255 }
}

/** Probabilities of one class, most slices without any. */
function fractions(): MedicalImage {
  const data = new Float32Array(5 * 24)
  data.set([0.001, 0.002, 0.5, 1], 3 * 24 + 4)
  return { data, shape: [1, 5, 4, 6], maxValue: 1 }
}

const sources = ['series.zip', 'oblique.zip', 'tilt.zip', 'pet.zip']
const written = async (name: string, masks: MedicalImage, options: SegOptions) => {
  const file = join(dir, `${name.replace('.', '-')}.dcm`)
  await writeDicomSeg(file, masks, options)
  return file
}

describe('writing', () => {
  it.each(sources)('label masks on %s come back exactly', async (source) => {
    const file = await written(source, labels(), { source: fixture(source), segments: two })
    const image = await readDicom(fixture(source))
    const seg = await readDicomSeg(file, image)
    expect(segLabels(seg).data).toEqual(labels().data)
    expect(seg.masks.geometry).toEqual(image.geometry)
    expect(seg.segments).toMatchObject([
      { number: 1, label: 'Liver', algorithm: 'AUTOMATIC', colour: [255, 0, 0], type: { value: '10200004' } },
      { number: 2, label: 'unusual thing', algorithm: 'MANUAL', type: { meaning: 'Mass' } },
    ])
  })

  it('overlapping masks, one channel each, come back exactly', async () => {
    const data = new Uint8Array(2 * 120).fill(1, 30, 40).fill(1, 120 + 35, 120 + 50)
    const masks = { data, shape: [2, 5, 4, 6], maxValue: 1 }
    const source = fixture('series.zip')
    const file = await written('overlap', masks, { source, segments: two })
    const seg = await readDicomSeg(file, await readDicom(source))
    expect(seg.masks.data).toEqual(data)
    expect(() => segLabels(seg)).toThrow(SeptumError)
  })

  it('fractions come back within half of one of 255 steps', async () => {
    const source = fixture('series.zip')
    const file = await written('fractions', fractions(), {
      source,
      segments: [{ label: 'lung nodule' }],
      form: 'fractional',
    })
    const { masks, form } = await readDicomSeg(file, await readDicom(source))
    expect(form).toBe('fractional')
    const wanted = fractions().data
    masks.data.forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(0.5 / 255 + 1e-7)
    })
    // Frames that round to nothing are none: without the source only slice 3 is known.
    expect((await readDicomSeg(file)).masks.shape).toEqual([1, 1, 4, 6])
  })

  it('a single image and an enhanced multi-frame file can be the source', async () => {
    const flat = { data: new Uint8Array(120).fill(1, 7, 50), shape: [1, 12, 10], maxValue: 255 }
    const one = await written('one', flat, {
      source: fixture('explicit.dcm'),
      segments: [{ label: 'brain' }],
    })
    const image = await readDicom(fixture('explicit.dcm'))
    const back = await readDicomSeg(one, image)
    expect(back.masks.data).toEqual(flat.data)
    expect(back.masks.shape).toEqual([1, 12, 10])
    const deep = { data: new Uint8Array(480).fill(1, 100, 300), shape: [1, 4, 12, 10], maxValue: 255 }
    const enhanced = await written('enhanced', deep, {
      source: fixture('enhanced.dcm'),
      segments: [{ label: 'brain' }],
    })
    expect((await readDicomSeg(enhanced, await readDicom(fixture('enhanced.dcm')))).masks.data).toEqual(
      deep.data,
    )
  })

  it('masks without any foreground give one empty frame', async () => {
    const empty = { ...labels(), data: new Uint8Array(120) }
    const file = await written('empty', empty, { source: fixture('series.zip'), segments: two })
    const { masks } = await readDicomSeg(file, await readDicom(fixture('series.zip')))
    expect(masks.data.every((value) => value === 0)).toBe(true)
  })

  it('refuses masks that do not fit, naming no patient', async () => {
    const source = fixture('series.zip')
    const other = await readDicom(fixture('oblique.zip'))
    const wrong: [MedicalImage, Partial<SegOptions>][] = [
      [{ ...labels(), shape: [1, 4, 5, 6] }, {}],
      [{ ...labels(), geometry: other.geometry! }, {}],
      [labels(), { segments: [{ label: 'one' }] }],
      [labels(), { segments: [] }],
      [labels(), { segments: [{ label: '' }, { label: 'x' }] }],
      [
        { ...fractions(), data: new Float32Array(120).fill(1.5) },
        { form: 'fractional', segments: [{ label: 'a' }] },
      ],
    ]
    for (const [masks, options] of wrong) {
      const error = await encodeDicomSeg(masks, { source, segments: two, ...options }).catch(
        (e: unknown) => e,
      )
      expect(error).toMatchObject({ code: 'seg-masks' })
      expect((error as SeptumError).toLine()).not.toMatch(/planted|secret/i)
    }
    await expect(
      encodeDicomSeg(labels(), { source: fixture('cine.dcm'), segments: two }),
    ).rejects.toMatchObject({
      code: 'seg-source',
    })
    await expect(readDicomSeg(fixture('explicit.dcm'))).rejects.toMatchObject({ code: 'seg-format' })
  })
})

describe.skipIf(!python)('pydicom reads what was written', () => {
  it('frames, positions, references and codes', async () => {
    const source = fixture('series.zip')
    const file = await written('judged', labels(), { source, segments: two })
    const found = judge(file)
    // Numbers of fixtures/make_dicom.py: slice z has instance 5.(z + 1) and lies at z = 30 + 2.5 z.
    const root = '1.2.826.0.1.3680043.10.999.'
    expect(found).toMatchObject({
      patient: 'Planted^Secretname',
      study: `${root}2`,
      series: `${root}3`,
      reference: `${root}4`,
      instances: [1, 2, 3, 4, 5].map((number) => `${root}5.${number}`),
      orientation: [1, 0, 0, 0, 1, 0],
      spacing: [0.75, 0.5],
      segments: [
        { label: 'Liver', category: '123037004', type: '10200004' },
        { label: 'unusual thing', category: '85756007', type: '4147007', lab: [] },
      ],
    })
    const data = labels().data
    const plane = (slice: number, label: number) =>
      Array.from(data.subarray(slice * 24, slice * 24 + 24), (value) => Number(value === label))
    const frame = (segment: number, slice: number) => ({
      segment,
      position: [-10.5, 20.25, 30 + 2.5 * slice],
      instance: `${root}5.${slice + 1}`,
      frame: 0,
      pixels: plane(slice, segment),
    })
    expect(found.frames).toEqual([frame(1, 1), frame(1, 2), frame(2, 4)])
  })

  it('points at the frames of a multi-frame source', async () => {
    const deep = { data: new Uint8Array(480).fill(1, 130, 300), shape: [1, 4, 12, 10], maxValue: 255 }
    const file = await written('frames', deep, {
      source: fixture('enhanced.dcm'),
      segments: [{ label: 'brain' }],
    })
    // The file has its slices in the order 2, 0, 3, 1: slices 1 and 2 are its frames 4 and 1.
    expect(judge(file).frames.map(({ frame, position }) => [frame, position[2]])).toEqual([
      [4, 32.5],
      [1, 35],
    ])
  })

  it('copies only what is on the list, and no identity when told so', async () => {
    const source = fixture('series.zip')
    const file = await written('omitted', labels(), { source, segments: two, identity: 'omit' })
    expect(readFileSync(file).toString('latin1')).not.toMatch(/secret|planted|19440101|20200229/i)
    expect(judge(file).study).toBe('1.2.826.0.1.3680043.10.999.2')
    const whole = await written('whole', labels(), { source, segments: two })
    const { tags } = judge(whole)
    expect(copiedTags.filter((tag) => !tags.includes(tag))).toEqual([])
    expect(tags.filter((tag) => /Institution|Address|Age|Weight|Operators/.test(tag))).toEqual([])
    // The planted values that are off the list are nowhere in the file.
    expect(readFileSync(whole).toString('latin1')).not.toMatch(/Secret Hospital|Secret Road/)
  })
})

describe.skipIf(!verifier)('dciodvfy finds no error', () => {
  it.each(sources)('binary on %s', async (source) => {
    const file = await written(`verified-${source}`, labels(), { source: fixture(source), segments: two })
    expect(errorsOf(file)).toEqual([])
  })

  it('fractional, one image, multi-frame source, no identity, empty', async () => {
    const source = fixture('series.zip')
    const brain = [{ label: 'brain', colour: [1, 2, 3] as const }]
    const flat = { data: new Uint8Array(120).fill(1, 7, 50), shape: [1, 12, 10], maxValue: 255 }
    const deep = { data: new Uint8Array(480).fill(1, 130, 300), shape: [1, 4, 12, 10], maxValue: 255 }
    const files = [
      await written('v1', fractions(), { source, segments: brain, form: 'fractional' }),
      await written('v2', flat, { source: fixture('explicit.dcm'), segments: brain }),
      await written('v3', deep, { source: fixture('enhanced.dcm'), segments: brain }),
      await written('v4', labels(), { source, segments: two, identity: 'omit' }),
      await written('v5', { ...labels(), data: new Uint8Array(120) }, { source, segments: two }),
    ]
    for (const file of files) expect(errorsOf(file)).toEqual([])
  })

  it('would tell: a segmentation without its segments has errors', async () => {
    const bytes = await encodeDicomSeg(labels(), { source: fixture('series.zip'), segments: two })
    const broken = Buffer.from(bytes)
    // The segment sequence (0062,0002) becomes an unknown element.
    broken.writeUInt16LE(0x0003, broken.indexOf(Buffer.from([0x62, 0, 2, 0])) + 2)
    const file = join(dir, 'broken.dcm')
    writeFileSync(file, broken)
    expect(errorsOf(file).length).toBeGreaterThan(0)
  })
})

describe('parts', () => {
  it('colours: Lab of sRGB red by hand (L 54.29, a 80.81, b 69.89 under D50) and back', () => {
    // Lab values of sRGB red under D50 from Lindbloom's tables; scaled as PS3.3 C.10.7.1.1 says.
    const wanted = [(54.29 / 100) * 65535, ((80.81 + 128) / 255) * 65535, ((69.89 + 128) / 255) * 65535]
    toDicomLab([255, 0, 0]).forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(10)
    })
    expect(toDicomLab([255, 255, 255]).map((value) => Math.round(value / 100))).toEqual([655, 329, 329])
    for (const colour of [
      [0, 0, 0],
      [12, 200, 99],
      [255, 255, 255],
      [3, 4, 250],
    ] as const) {
      expect(fromDicomLab(toDicomLab(colour))).toEqual(colour)
    }
  })

  it.each([
    [0.1, '0.1'],
    [-130.00000000000003, '-130'],
    [1 / 3, '0.33333333333333'],
    [-1.23456789012345e-7, '-1.2345678901e-7'],
    [123456789.12345679, '123456789.123457'],
  ])('decimal strings have at most 16 characters: %f', (value, text) => {
    expect(decimal(value).length).toBeLessThanOrEqual(16)
    expect(Math.abs(Number(decimal(value)) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-9)
    expect(Number(decimal(value))).toBeCloseTo(Number(text), 8)
  })

  it.each([
    // Müller: ü is FC in ISO 8859-1 and C3 BC in UTF-8; Ж is B6 in ISO 8859-5.
    ['ISO_IR 100', '4dfc6c6c6572', 'Müller'],
    ['ISO_IR 192', '4dc3bc6c6c6572', 'Müller'],
    ['ISO_IR 144', 'b6', 'Ж'],
    ['', '4d756c6c6572', 'Muller'],
  ])('text in the character set %s', (set, hex, wanted) => {
    const bytes = Buffer.concat([Buffer.from(set.padEnd(12)), Buffer.from(hex, 'hex')])
    const dataset = new Dataset(bytes, true, 'file')
    dataset.add({ tag: 0x00080005, vr: 'CS', offset: 0, length: 12 })
    dataset.add({ tag: 0x00100010, vr: 'PN', offset: 12, length: bytes.length - 12 })
    expect(textOf(dataset, 'PatientName')).toBe(wanted)
  })

  it('codes follow words of the label', () => {
    expect(defaultCodes('liver_tumour').type.meaning).toBe('Neoplasm')
    expect(defaultCodes('Left ventricle').type.value).toBe('87878005')
    expect(defaultCodes('class 3')).toEqual({
      category: { value: '85756007', scheme: 'SCT', meaning: 'Tissue' },
      type: { value: '85756007', scheme: 'SCT', meaning: 'Tissue' },
    })
  })
})
