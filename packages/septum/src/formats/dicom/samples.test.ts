import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readImage, readImageHeader } from '../registry.js'
import { readDicom } from './read.js'
import { readDicomSeg, segLabels, writeDicomSeg } from './seg/index.js'

interface Samples {
  readonly images: Record<
    string,
    { shape: number[]; sha256: string; min: number; max: number; mean: number; origin: number[] }
  >
  readonly segmentations: Record<
    string,
    {
      labels: string[]
      types: string[]
      most: number
      frames: { segment: number; position: number[]; sum: number; sha256: string }[]
    }
  >
}

/** Made with pydicom by fixtures/make_samples.py. */
const samples = JSON.parse(
  readFileSync(fileURLToPath(new URL('fixtures/samples.json', import.meta.url)), 'utf8'),
) as Samples
const root = fileURLToPath(new URL('../../../../../', import.meta.url))
const data = join(process.env.SEPTUM_DATA ?? join(root, '../shared/data'), 'dicom-samples')

/** SHA-256 of whole numbers as little-endian int32. */
function digest(values: ArrayLike<number>): string {
  return createHash('sha256')
    .update(new Uint8Array(Int32Array.from(values).buffer))
    .digest('hex')
}

describe.skipIf(!existsSync(data))('public samples', () => {
  it.each(Object.entries(samples.images))('%s has the values of pydicom', async (path, wanted) => {
    const image = await readDicom(join(data, path))
    expect([1, ...wanted.shape].slice(wanted.shape[0] === 1 ? 1 : 0)).toEqual(image.shape)
    expect(image.geometry!.originMm).toEqual(wanted.origin)
    expect(Array.from(image.data).reduce((a, b) => Math.min(a, b), Infinity)).toBe(wanted.min)
    expect(Array.from(image.data).reduce((a, b) => Math.max(a, b), -Infinity)).toBe(wanted.max)
    expect(digest(image.data)).toBe(wanted.sha256)
  })

  it('refuses a folder whose slices lie 202.5 mm apart once and 1.25 mm otherwise', async () => {
    await expect(readDicom(join(data, 'ct-4slice-seg/images'))).rejects.toMatchObject({
      code: 'dicom-slices-missing',
      message: '161 slices are missing: there are 202.500 mm instead of 1.250 mm between slices 1 and 2 of 4',
    })
  })

  it.each(Object.entries(samples.segmentations))('%s, frame by frame', async (path, wanted) => {
    const { segments, masks, form } = await readDicomSeg(join(data, path))
    expect(segments.map(({ label }) => label)).toEqual(wanted.labels)
    expect(segments.map(({ type }) => type?.value)).toEqual(wanted.types)
    expect(form).toBe(wanted.most > 1 || /fractional/.test(path) ? 'fractional' : 'binary')
    const [, slices, rows, columns] = masks.shape as [number, number, number, number]
    const { originMm, spacingMm } = masks.geometry
    const found: Record<string, string> = {}
    let foreground = 0
    for (const { segment, position, sha256, sum } of wanted.frames) {
      // These files' slices are axial: z tells the slice.
      const slice = Math.round((position[2]! - originMm[2]) / spacingMm[0]!)
      const offset = ((segment - 1) * slices + slice) * rows * columns
      const frame = Float64Array.from(masks.data.slice(offset, offset + rows * columns), (value) =>
        Math.round(value * wanted.most),
      )
      expect(digest(frame)).toBe(sha256)
      found[`${segment} ${slice}`] = sha256
      foreground += sum
    }
    expect(Object.keys(found)).toHaveLength(wanted.frames.length)
    const total = Array.from(masks.data).reduce((sum, value) => sum + Math.round(value * wanted.most), 0)
    expect(total).toBe(foreground)
  })

  it('puts a segmentation onto its source images', async () => {
    const source = await readDicom(join(data, 'ct-3slice-liver/images'))
    const seg = await readDicomSeg(join(data, 'ct-3slice-liver/masks/liver.dcm'), source)
    expect(seg.masks.shape).toEqual([1, 3, 512, 512])
    expect(seg.masks.geometry).toEqual(source.geometry)
    const frames = samples.segmentations['ct-3slice-liver/masks/liver.dcm']!.frames
    for (const { position, sum } of frames) {
      const slice = Math.round(position[2]! - source.geometry!.originMm[2])
      const plane = segLabels(seg).data.subarray(slice * 512 * 512, (slice + 1) * 512 * 512)
      expect(Array.from(plane).reduce((total, value) => total + value, 0)).toBe(sum)
    }
  })

  it('writes a real segmentation again: the same mask, and no error of dciodvfy where it is installed', async () => {
    const source = join(data, 'ct-3slice-liver/images')
    const { masks } = await readDicomSeg(
      join(data, 'ct-3slice-liver/masks/liver.dcm'),
      await readDicom(source),
    )
    const folder = mkdtempSync(join(tmpdir(), 'septum-samples-'))
    try {
      const file = join(folder, 'liver.dcm')
      await writeDicomSeg(file, masks, { source, segments: [{ label: 'liver' }] })
      expect((await readDicomSeg(file, await readDicom(source))).masks).toEqual(masks)
      const { error, stdout, stderr } = spawnSync('dciodvfy', [file], { encoding: 'utf8' })
      if (!error) expect(`${stdout}${stderr}`.match(/^Error.*/gm)).toBeNull()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses to put it onto other images, and to join what overlaps', async () => {
    const other = await readDicom(join(data, 'transfer-syntaxes/CT_small.dcm'))
    const file = join(data, 'ct-3slice-liver/masks/liver.dcm')
    await expect(readDicomSeg(file, other)).rejects.toMatchObject({ code: 'seg-grid' })
    const seg = await readDicomSeg(join(data, 'ct-4slice-seg/masks/seg_image_ct_binary_overlap.dcm'))
    expect(() => segLabels(seg)).toThrow(expect.objectContaining({ code: 'seg-overlap' }))
  })

  it('covers every sample file', () => {
    const all = readdirSync(join(data, 'transfer-syntaxes'))
    expect(Object.keys(samples.images)).toHaveLength(all.length + 1)
  })
})

describe.skipIf(!existsSync(data))('as one of the formats', () => {
  it('reads files, folders and segmentations by content', async () => {
    const folder = join(data, 'ct-3slice-liver/images')
    expect((await readImageHeader(folder)).shape).toEqual([1, 3, 512, 512])
    expect((await readImage(join(data, 'transfer-syntaxes/MR_small_RLE.dcm'))).shape).toEqual([1, 64, 64])
    const mask = await readImage(join(data, 'ct-3slice-liver/masks/liver.dcm'))
    expect(mask.shape).toEqual([1, 3, 512, 512])
    expect(new Set(mask.data)).toEqual(new Set([0, 1]))
    const overlap = join(data, 'ct-4slice-seg/masks/seg_image_ct_binary_overlap.dcm')
    expect((await readImage(overlap)).shape[0]).toBe(2)
    expect((await readImageHeader(overlap)).format).toBe('DICOM SEG')
  })
})
