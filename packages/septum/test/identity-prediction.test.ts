import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { orientationCode, silentReporter, toAffineRas } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readImage, writeImage } from '../src/formats/index.js'
import { predictBundles } from '../src/inference/index.js'

const at = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
/** Of fixtures/make_identity.py: a phantom of distinct values in 48 axis orientations and 4 oblique ones, by nibabel. */
const { shape, orientations } = JSON.parse(readFileSync(at('phantom.json'), 'utf8')) as {
  readonly shape: readonly [number, number, number]
  readonly orientations: readonly {
    readonly codes: string
    readonly affine: readonly number[]
    readonly file: string
  }[]
}
const values = Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => i)
const OBLIQUE = 48

const dir = mkdtempSync(join(tmpdir(), 'septum-identity-'))
afterAll(() => rmSync(dir, { recursive: true }))

type Writer = (affine: readonly number[]) => Uint8Array
const columns = (affine: readonly number[]) =>
  [0, 1, 2, 3].map((column) => [0, 1, 2].map((row) => affine[4 * row + column]!))
const text = (lines: readonly string[]) => Buffer.concat([Buffer.from(lines.join('\n')), Buffer.from(values)])

/** NRRD by its specification (teem.sourceforge.net/nrrd/format.html): columns of the RAS affine as space directions. */
const nrrd: Writer = (affine) => {
  const [x, y, z, origin] = columns(affine).map((column) => `(${column.join(',')})`)
  return text([
    'NRRD0005',
    'type: uchar',
    'dimension: 3',
    `sizes: ${shape.join(' ')}`,
    'space: right-anterior-superior',
    `space directions: ${x} ${y} ${z}`,
    `space origin: ${origin}`,
    'encoding: raw\n\n',
  ])
}

/** MetaImage (itk.org/Wiki/MetaIO): unit directions row by row, in LPS: the first two coordinates of RAS negated. */
const metaImage: Writer = (affine) => {
  const [x, y, z, origin] = columns(affine).map(([r, a, s]) => [-r!, -a!, s!])
  const spacing = [x!, y!, z!].map((column) => Math.hypot(...column))
  const matrix = [x!, y!, z!].flatMap((column, i) => column.map((value) => value / spacing[i]!))
  return text([
    'ObjectType = Image',
    'NDims = 3',
    'BinaryData = True',
    'BinaryDataByteOrderMSB = False',
    `TransformMatrix = ${matrix.join(' ')}`,
    `Offset = ${origin!.join(' ')}`,
    `ElementSpacing = ${spacing.join(' ')}`,
    `DimSize = ${shape.join(' ')}`,
    'ElementType = MET_UCHAR',
    'ElementDataFile = LOCAL\n',
  ])
}

const formats: Readonly<Record<string, (one: (typeof orientations)[number]) => Uint8Array>> = {
  nii: ({ file }) => Buffer.from(file, 'base64'),
  nrrd: ({ affine }) => nrrd(affine),
  mha: ({ affine }) => metaImage(affine),
}
const nameOf = (index: number) => `case${`${index}`.padStart(2, '0')}`

describe.each(Object.keys(formats))('%s: read, predict with the identity, write', (extension) => {
  const [inputs, out] = [join(dir, extension), join(dir, `${extension}-out`)]
  beforeAll(async () => {
    mkdirSync(inputs)
    for (const [index, one] of orientations.entries())
      writeFileSync(join(inputs, `${nameOf(index)}.${extension}`), formats[extension]!(one))
    // Windows of 4 x 4 x 4 in volumes of 7 x 6 x 5: every mask is put together from several.
    const result = await predictBundles({
      bundles: [at('identity')],
      inputs: [inputs],
      out,
      threads: 1,
      reporter: silentReporter,
      signal: new AbortController().signal,
    })
    expect(result).toMatchObject({ cases: orientations.length, failures: [] })
  }, 120_000)

  it('48 axis orientations are all there', () => {
    expect(new Set(orientations.slice(0, OBLIQUE).map(({ codes }) => codes)).size).toBe(48)
  })

  it.each(orientations.map(({ codes }, index) => [codes, index] as const))(
    '%s (%i): the input comes back, voxel for voxel and in its place',
    async (codes, index) => {
      const { affine } = orientations[index]!
      const image = await readImage(join(inputs, `${nameOf(index)}.${extension}`))
      const mask = await readImage(join(out, `${nameOf(index)}.nii.gz`))
      expect(orientationCode(mask.geometry!)).toBe(codes)
      expect(mask.shape).toEqual([1, shape[2], shape[1], shape[0]])
      expect([...mask.data]).toEqual(values)
      expect([...image.data]).toEqual(values)
      // And in the format that it came in.
      const again = join(dir, `again.${extension}`)
      await writeImage(again, mask)
      const back = await readImage(again)
      expect([...back.data]).toEqual(values)
      const scale = Math.max(...affine.map(Math.abs))
      for (const { geometry } of [image, mask, back]) {
        toAffineRas(geometry!).forEach((value, k) => {
          expect(Math.abs(value - affine[k]!)).toBeLessThanOrEqual(1e-5 * scale)
        })
      }
    },
  )
})

const python = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import nibabel']).status === 0,
)
if (!python)
  process.stderr.write('skipped: predicted masks are judged by nibabel only where it is installed\n')

const judge = `
import json, sys, nibabel as nib
found = []
for name in sys.argv[1:]:
    image = nib.load(name)
    found.append({'values': image.get_fdata().ravel('F').tolist(), 'affine': image.affine.ravel().tolist()})
print(json.dumps(found))
`

it.skipIf(!python)('nibabel finds the phantom in every predicted mask', () => {
  for (const extension of Object.keys(formats)) {
    const files = orientations.map((_, index) => join(dir, `${extension}-out`, `${nameOf(index)}.nii.gz`))
    const all = JSON.parse(
      execFileSync(python!, ['-c', judge, ...files], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
    ) as { values: number[]; affine: number[] }[]
    expect(all).toHaveLength(52)
    for (const [index, found] of all.entries()) {
      expect(found.values).toEqual(values)
      const { affine } = orientations[index]!
      const scale = Math.max(...affine.map(Math.abs))
      found.affine.forEach((value, k) => {
        expect(Math.abs(value - affine[k]!)).toBeLessThanOrEqual(1e-5 * scale)
      })
    }
  }
})
