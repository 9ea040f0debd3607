import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  axesToward,
  fromAffineRas,
  invertAxes,
  type MedicalImage,
  moveAxes,
  orientationCode,
  reorient,
} from '@septum/core'
import { afterAll, describe, expect, it } from 'vitest'
import { readImage, readImageHeader, writeImage } from '../registry.js'
import { affineError, problemOf, testFolder } from '../volume/testing.js'
import { encodeNifti } from './write.js'

interface Case {
  readonly name: string
  readonly extension: string
  readonly file: string
  /** Index order x, y, z, t. */
  readonly shape: readonly number[]
  readonly affine: readonly number[]
  readonly codes: string
  /** x fastest; null for colours. */
  readonly values: readonly number[] | null
  readonly channels?: readonly (readonly number[])[]
}

interface Oriented extends Case {
  readonly canonicalShape: readonly number[]
  readonly canonicalAffine: readonly number[]
  readonly canonicalValues: readonly number[]
}

/** Of fixtures/make.py: files and expectations of nibabel. */
const fixtures = JSON.parse(readFileSync(new URL('fixtures/cases.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Case[]
  readonly orientations: readonly Oriented[]
  readonly pair: {
    readonly header: string
    readonly image: string
    readonly affine: readonly number[]
    readonly values: readonly number[]
  }
}

const { dir, put, remove } = testFolder('nifti')
afterAll(remove)
const bytesOf = (text: string) => Buffer.from(text, 'base64')
/** What float32 headers and values may be off. */
const FLOAT32 = 1e-6

/** [C, D, H, W] or [C, H, W] of nibabel's x, y, z, t, ... */
function ourShape(shape: readonly number[], colours = 1): number[] {
  const channels = shape.slice(3).reduce((product, size) => product * size, colours)
  return [channels, ...shape.slice(0, 3).reverse()]
}

function expectValues(image: MedicalImage, values: readonly number[]): void {
  expect(image.data.length).toBe(values.length)
  const worst = values.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - image.data[i]!) / Math.max(1, Math.abs(value))),
    0,
  )
  expect(worst).toBeLessThan(FLOAT32)
}

describe('files of nibabel', () => {
  it.each(fixtures.cases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const file = put(`${name.replaceAll(/\W/g, '-')}${one.extension}`, bytesOf(one.file))
    const image = await readImage(file)
    expect(image.shape).toEqual(ourShape(one.shape, one.channels?.length))
    expect(affineError(image.geometry!, planar(one))).toBeLessThan(FLOAT32)
    expectValues(image, one.values ?? one.channels!.flat())
    const { shape, geometry, maxValue, format } = await readImageHeader(file)
    expect({ shape, geometry, maxValue }).toEqual({
      shape: image.shape,
      geometry: image.geometry,
      maxValue: image.maxValue,
    })
    expect(format).toMatch(/^NIfTI-[12]$/)
  })

  /** A plane keeps no third spacing. */
  function planar({ shape, affine }: Case): readonly number[] {
    if (shape.length > 2) return affine
    return affine.map((value, at) => (at === 10 ? Math.sign(value) : value))
  }

  it.each(['pair.hdr', 'pair.img'])('a pair, named by %s', async (name) => {
    put('pair.hdr', bytesOf(fixtures.pair.header))
    put('pair.img', bytesOf(fixtures.pair.image))
    const image = await readImage(join(dir, name))
    expectValues(image, fixtures.pair.values)
    expect(affineError(image.geometry!, fixtures.pair.affine)).toBeLessThan(FLOAT32)
  })

  it('a pair whose samples are compressed, and one without samples', async () => {
    const header = put('packed.hdr', bytesOf(fixtures.pair.header))
    put('packed.img.gz', gzipSync(bytesOf(fixtures.pair.image)))
    expectValues(await readImage(header), fixtures.pair.values)
    const error = await problemOf(readImage(put('lonely.hdr', bytesOf(fixtures.pair.header))))
    expect(error.place.file).toMatch(/lonely\.img$/)
  })

  it('keeps the stored type where nothing is scaled', async () => {
    const types = await Promise.all(
      fixtures.cases.slice(0, 24).map(async (one, i) => {
        const { data } = await readImage(put(`type${i}.nii`, bytesOf(one.file)))
        return [one.name.split(',')[0], data.constructor.name] as const
      }),
    )
    // Values of the 64-bit fixtures reach 2^40, beyond int32.
    expect(Object.fromEntries(types)).toEqual({
      uint8: 'Uint8Array',
      int8: 'Int8Array',
      uint16: 'Uint16Array',
      int16: 'Int16Array',
      uint32: 'Uint32Array',
      int32: 'Int32Array',
      int64: 'Float64Array',
      uint64: 'Float64Array',
      float32: 'Float32Array',
      float64: 'Float64Array',
    })
  })

  it('the unit micrometre becomes millimetres (nifti1.h: code 3)', async () => {
    const bytes = encodeNifti({
      data: new Uint8Array(8),
      shape: [1, 2, 2, 2],
      geometry: fromAffineRas([500, 0, 0, 1000, 0, 500, 0, 2000, 0, 0, 2500, 3000, 0, 0, 0, 1]),
      maxValue: 255,
    })
    bytes[123] = 3
    const { geometry } = await readImage(put('micro.nii', bytes))
    expect(geometry!.spacingMm).toEqual([2.5, 0.5, 0.5])
    expect(affineError(geometry!, [0.5, 0, 0, 1, 0, 0.5, 0, 2, 0, 0, 2.5, 3, 0, 0, 0, 1])).toBeLessThan(
      FLOAT32,
    )
  })
})

describe('48 axis orientations and 4 oblique ones', () => {
  it('are all there', () => {
    expect(new Set(fixtures.orientations.slice(0, 48).map(({ codes }) => codes)).size).toBe(48)
  })

  it.each(fixtures.orientations.map((one, i) => [one.codes, i, one] as const))(
    '%s (%i): read, to canonical as nibabel, back, write, read',
    async (codes, i, one) => {
      const image = await readImage(put(`oriented${i}.nii`, bytesOf(one.file)))
      expect(orientationCode(image.geometry!)).toBe(codes)
      const canonical = reorient(image, 'RAS')
      expect(canonical.shape).toEqual(ourShape(one.canonicalShape))
      expect([...canonical.data]).toEqual(one.canonicalValues)
      expect(affineError(canonical.geometry!, one.canonicalAffine)).toBeLessThan(1e-5)
      // The identity as prediction, then the way back.
      const back = moveAxes(canonical, invertAxes(axesToward(image.geometry!, 'RAS')))
      const file = join(dir, `written${i}.nii.gz`)
      await writeImage(file, back)
      const again = await readImage(file)
      expect([...again.data]).toEqual(one.values)
      expect(again.shape).toEqual(ourShape(one.shape))
      expect(affineError(again.geometry!, one.affine)).toBeLessThan(1e-5)
    },
  )
})

const python = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import nibabel']).status === 0,
)
if (!python) process.stderr.write('skipped: written NIfTI files are read back only with nibabel installed\n')

const readBack = `
import json, sys, nibabel as nib
result = []
for name in sys.argv[1:]:
    image = nib.load(name)
    header = image.header
    result.append({
        'shape': list(image.shape), 'dtype': image.get_data_dtype().name, 'values': image.get_fdata().ravel('F').tolist(),
        'sform': image.get_sform().ravel().tolist(), 'qform': image.get_qform().ravel().tolist(),
        'codes': [int(header['sform_code']), int(header['qform_code'])]})
print(json.dumps(result))
`

describe.skipIf(!python)('nibabel reads what was written', () => {
  const read = (files: readonly string[]) =>
    JSON.parse(
      execFileSync(python!, ['-c', readBack, ...files], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
    ) as {
      readonly shape: readonly number[]
      readonly dtype: string
      readonly values: readonly number[]
      readonly sform: readonly number[]
      readonly qform: readonly number[]
      readonly codes: readonly number[]
    }[]

  it('in all orientations: values, sform and qform', async () => {
    const files: string[] = []
    for (const [i, one] of fixtures.orientations.entries()) {
      const file = join(dir, `judge${i}.nii`)
      await writeImage(file, await readImage(put(`source${i}.nii`, bytesOf(one.file))))
      files.push(file)
    }
    const all = read(files)
    all.forEach((found, i) => {
      const one = fixtures.orientations[i]!
      expect(found.values).toEqual(one.values)
      expect(found.codes[0]).toBe(1)
      const scale = Math.max(...one.affine.map(Math.abs))
      for (const [code, form] of [
        [1, found.sform],
        [found.codes[1]!, found.qform],
      ] as const) {
        const worst = Math.max(...form.map((value, at) => Math.abs(value - one.affine[at]!)))
        if (code === 1) expect(worst).toBeLessThan(1e-5 * scale)
      }
    })
    // Half turns about a diagonal, such as LPI with exchanged axes, have no exact quaternion of float32.
    expect(all.filter(({ codes }) => codes[1] === 1).length).toBeGreaterThanOrEqual(40)
  })

  it('in all sample types, with channels, sheared, as a plane and without geometry', async () => {
    const sheared = fromAffineRas([2, 0.3, 0, 1, 0, 3, 0.4, 2, 0.1, 0, 4, 3, 0, 0, 0, 1])
    const values = [1, 2, 3, 4, 5, 6, 100, 127]
    const types = [
      Uint8Array,
      Int8Array,
      Uint16Array,
      Int16Array,
      Uint32Array,
      Int32Array,
      Float32Array,
      Float64Array,
    ]
    const images: MedicalImage[] = [
      ...types.map((type) => ({
        data: type.from(values),
        shape: [1, 2, 2, 2],
        geometry: sheared,
        maxValue: 1,
      })),
      { data: Float32Array.from(values), shape: [2, 1, 2, 2], geometry: sheared, maxValue: 1 },
      { data: Uint8Array.from(values), shape: [1, 2, 4], maxValue: 255 },
      { data: Uint8Array.from(values), shape: [2, 2, 2], maxValue: 255 },
    ]
    const files = images.map((_, i) => join(dir, `typed${i}.nii.gz`))
    for (const [i, image] of images.entries()) await writeImage(files[i]!, image)
    const found = read(files)
    expect(found.slice(0, 8).map(({ dtype }) => dtype)).toEqual(
      types.map((type) => type.name.replace('Array', '').toLowerCase()),
    )
    for (const { values: read } of found) expect(read).toEqual(values)
    // A sheared matrix has no quaternion: code 0.
    expect(found[0]!.codes).toEqual([1, 0])
    found[0]!.sform.forEach((value, at) => {
      expect(value).toBeCloseTo([2, 0.3, 0, 1, 0, 3, 0.4, 2, 0.1, 0, 4, 3, 0, 0, 0, 1][at]!, 6)
    })
    expect(found[8]!.shape).toEqual([2, 2, 1, 2])
    expect(found[9]!.shape).toEqual([4, 2])
    expect(found[9]!.codes).toEqual([0, 0])
    expect(found[10]!.shape).toEqual([2, 2, 1, 2])
  })
})

it('refuses an axis that NIfTI-1 cannot say', () => {
  const image = { data: new Uint8Array(40_000), shape: [1, 1, 40_000], maxValue: 255 }
  expect(() => encodeNifti(image)).toThrow(expect.objectContaining({ code: 'volume-write' }))
})
