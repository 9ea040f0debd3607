import { type ImageGeometry, type MedicalImage, resample } from '@septum/core'
import { fillPolygon } from '../readers/fill-polygon.js'
import { groupNodules, type LidcNodule, type LidcOutline } from '../readers/lidc-annotations.js'
import { sliceIndex } from './slice-index.js'

/** Masks of a crop: reading sessions of a file. */
export const LIDC_READERS = 4

export interface CropOptions {
  /** Sides of a crop in pixels. */
  readonly size: number
  /** Distance of the crop's pixels; `native` keeps those of the CT. */
  readonly spacingMm: number | 'native'
  /** Hounsfield units that become 0 and 255. */
  readonly window: readonly [low: number, high: number]
  /** Readers who must have outlined the lesion in the slice. */
  readonly leastReaders: number
}

/** As the Hierarchical Probabilistic U-Net's crops; the window of those is not documented and this one is ours. */
export const cropDefaults: CropOptions = {
  size: 180,
  spacingMm: 0.5,
  window: [-1000, 400],
  leastReaders: 1,
}

/** One slice of one lesion. */
export interface LesionCrop {
  /** Number of the lesion in its series, from 0. */
  readonly lesion: number
  readonly slice: number
  readonly zMm: number
  /** [size, size], 0 to 255. */
  readonly image: Uint8Array
  /** [size, size] of 0 and 1 for each of four readers, empty for who marked nothing here. */
  readonly masks: readonly Uint8Array[]
  /** Readers whose mask is not empty. */
  readonly readers: number
}

export interface CutLesions {
  readonly lesions: number
  readonly crops: readonly LesionCrop[]
  /** Outlines at positions where the series has no slice; they are left out. */
  readonly lost: number
}

/**
 * Cuts a square out of every slice in which somebody outlined a lesion. Outlines of different readers are one lesion
 * where their boxes overlap (`groupNodules`). The square's pixel (size / 2, size / 2) lies on the CT's pixel next to
 * the centre of the box around all outlines of the lesion in that slice. The image is interpolated linearly, masks by
 * the nearest pixel; what lies outside the CT is as dark as the window begins.
 *
 * @param ct [1, D, H, W] with geometry, in Hounsfield units.
 * @throws SeptumError `image-geometry`.
 */
export function cutLesions(
  ct: MedicalImage,
  nodules: readonly LidcNodule[],
  options: CropOptions,
): CutLesions {
  const depth = ct.shape[1]!
  const groups = groupNodules(nodules)
  const crops: LesionCrop[] = []
  let lost = 0
  for (const [lesion, group] of groups.entries()) {
    const slices = new Map<number, { zMm: number; drawn: { reader: number; outline: LidcOutline }[] }>()
    for (const { reader, outlines } of group) {
      for (const outline of outlines) {
        const slice = sliceIndex(ct.geometry!, depth, outline.zMm)
        if (slice === undefined) {
          lost++
          continue
        }
        const entry = slices.get(slice) ?? { zMm: outline.zMm, drawn: [] }
        entry.drawn.push({ reader, outline })
        slices.set(slice, entry)
      }
    }
    for (const [slice, { zMm, drawn }] of [...slices].sort(([a], [b]) => a - b)) {
      const cut = cutSlice(ct, slice, drawn, options)
      if (cut.readers >= Math.max(1, options.leastReaders)) crops.push({ lesion, slice, zMm, ...cut })
    }
  }
  return { lesions: groups.length, crops, lost }
}

function cutSlice(
  { data, shape, geometry }: MedicalImage,
  slice: number,
  drawn: readonly { readonly reader: number; readonly outline: LidcOutline }[],
  { size, spacingMm, window: [low, high] }: CropOptions,
): Pick<LesionCrop, 'image' | 'masks' | 'readers'> {
  const [, , height = 0, width = 0] = shape
  const [, rowMm = 1, columnMm = 1] = geometry!.spacingMm
  const pixels = height * width
  const own: ImageGeometry = planeGeometry([rowMm, columnMm], [0, 0])
  const centre = boxCentre(drawn.map(({ outline }) => outline))
  const step = spacingMm === 'native' ? ([rowMm, columnMm] as const) : ([spacingMm, spacingMm] as const)
  const start = [
    centre.row * rowMm - Math.floor(size / 2) * step[0],
    centre.column * columnMm - Math.floor(size / 2) * step[1],
  ] as const
  const grid = { size: [size, size], geometry: planeGeometry(step, start) }

  // Floats: interpolated values are rounded once, when they become grey levels.
  const values = Float32Array.from(data.subarray(slice * pixels, (slice + 1) * pixels))
  const plane = { data: values, shape: [1, height, width], geometry: own, maxValue: 1 }
  const sampled = resample(plane, grid, 'linear', { fill: low }).data
  const image = Uint8Array.from(sampled, (value) => grey((value - low) / (high - low)))

  const masks = Array.from({ length: LIDC_READERS }, (_, reader) => {
    const outlines = drawn.filter((one) => one.reader === reader).map(({ outline }) => outline)
    if (outlines.length === 0) return new Uint8Array(size * size)
    const mask = { ...plane, data: drawOutlines(outlines, height, width), maxValue: 1 }
    return resample(mask, grid, 'nearest').data as Uint8Array
  })
  return { image, masks, readers: masks.filter((mask) => mask.includes(1)).length }
}

const grey = (share: number) => Math.floor(255 * Math.min(1, Math.max(0, share)) + 0.5)

/** Inclusions, then exclusions, which may be told before the outline that they lie in. */
function drawOutlines(outlines: readonly LidcOutline[], height: number, width: number): Uint8Array {
  const plane = new Uint8Array(height * width)
  for (const { inclusion, points } of [...outlines].sort(
    (a, b) => Number(b.inclusion) - Number(a.inclusion),
  )) {
    fillPolygon(points, [height, width], 'outside', (at) => {
      plane[at] = inclusion ? 1 : 0
    })
  }
  return plane
}

/** The pixel next to the centre of the box around all outlines, halves up. */
function boxCentre(outlines: readonly LidcOutline[]): { row: number; column: number } {
  const [xs, ys] = [0, 1].map((axis) => outlines.flatMap(({ points }) => points.map((point) => point[axis]!)))
  const middle = (values: readonly number[]) => {
    const [least, most] = values.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    )
    return Math.floor((least + most) / 2 + 0.5)
  }
  return { row: middle(ys!), column: middle(xs!) }
}

const planeGeometry = (
  [rowMm, columnMm]: readonly [number, number],
  [rowStart, columnStart]: readonly [number, number],
): ImageGeometry => ({
  spacingMm: [rowMm, columnMm],
  originMm: [columnStart, rowStart, 0],
  directions: [
    [0, 1, 0],
    [1, 0, 0],
  ],
})
