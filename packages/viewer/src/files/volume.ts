import { type ImageGeometry, type MedicalImage, percentiles, SeptumError, type Vector3 } from '@septum/core'
import type { SourceSeries } from 'septum/browser'
import type { OpenPicture } from './picture.js'

export interface OpenVolume {
  readonly name: string
  /** [1, D, H, W], values as stored (of DICOM: rescaled). */
  readonly image: MedicalImage
  /** Sentences on what was assumed of the file. */
  readonly notes: readonly string[]
  /** Values that are shown as black and white at first. */
  readonly window: readonly [number, number]
  /** Smallest and largest value. */
  readonly range: readonly [number, number]
  /** What a DICOM segmentation of it refers to. */
  readonly dicom?: SourceSeries
  /** Name of the image on the server, where it came from there. */
  readonly reference?: string
}

/** A plane of the body: across, from the front, from the side. */
export type Plane = 'axial' | 'coronal' | 'sagittal'

/** @throws SeptumError `viewer-series` for several volumes in one file. */
export function openVolume(
  name: string,
  image: MedicalImage,
  rest: Pick<OpenVolume, 'notes' | 'dicom' | 'reference'> & { readonly window?: readonly [number, number] },
): OpenVolume {
  const [channels] = image.shape
  if (channels !== 1) {
    throw new SeptumError(
      'viewer-series',
      `The file holds ${channels} volumes or colours, the page shows one of grey values`,
      'Save one of them as a file of its own, or use `septum predict`.',
      { file: name },
    )
  }
  const range = rangeOf(image.data)
  return { ...rest, name, image, range, window: rest.window ?? robustWindow(image.data, range) }
}

/** [D, H, W] */
export const volumeSize = ({ image }: OpenVolume): readonly [number, number, number] =>
  image.shape.slice(1) as unknown as readonly [number, number, number]

/** Spacing [z, y, x]; null for files that do not say. */
export const volumeSpacing = ({ image }: OpenVolume): readonly [number, number, number] | null =>
  (image.geometry?.spacingMm as readonly [number, number, number] | undefined) ?? null

/** The plane of the body that slices across an array axis show: that of the world axis nearest to its direction. */
export function planeAcross({ image }: OpenVolume, axis: 0 | 1 | 2): Plane {
  const directions = image.geometry?.directions ?? standard
  // Each axis of the body once, the clearest first: an oblique volume must not name two planes alike.
  const pairs = directions
    .flatMap((direction, own) => direction.map((part, world) => ({ own, world, part: Math.abs(part) })))
    .sort((a, b) => b.part - a.part)
  const names: (Plane | undefined)[] = []
  const taken = new Set<number>()
  for (const { own, world } of pairs) {
    if (names[own] || taken.has(world)) continue
    names[own] = (['sagittal', 'coronal', 'axial'] as const)[world]!
    taken.add(world)
  }
  return names[axis]!
}

const standard: readonly Vector3[] = [
  [0, 0, 1],
  [0, 1, 0],
  [1, 0, 0],
]

/** Places the samples where a file says nothing: 1 mm apart, for display only. */
export const shownGeometry = ({ image }: OpenVolume): ImageGeometry =>
  image.geometry ?? { spacingMm: [1, 1, 1], originMm: [0, 0, 0], directions: standard }

/** One stored slice as a picture that knows its place. @param z from 0. */
export function sliceOf(volume: OpenVolume, z: number): OpenPicture {
  const { data, geometry, maxValue } = volume.image
  const [, height, width] = volumeSize(volume)
  const plane = data.slice(z * height * width, (z + 1) * height * width)
  const place = geometry && {
    spacingMm: geometry.spacingMm.slice(1),
    originMm: geometry.originMm.map(
      (mm, axis) => mm + z * geometry.spacingMm[0]! * geometry.directions[0]![axis]!,
    ) as unknown as Vector3,
    directions: geometry.directions.slice(1),
  }
  return {
    name: `${volume.name}, slice ${z + 1}`,
    image: { data: plane, shape: [1, height, width], maxValue, ...(place && { geometry: place }) },
    raters: [],
    window: volume.window,
    ...(volume.dicom && { dicom: volume.dicom }),
  }
}

function rangeOf(data: MedicalImage['data']): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (value < low) low = value
    if (value > high) high = value
  }
  return low <= high ? [low, high] : [0, 1]
}

/** Enough for a window that a person will move anyway. */
const windowSamples = 50_000

/** Without the half percent of values at each end: air, metal, noise. */
function robustWindow(
  data: MedicalImage['data'],
  range: readonly [number, number],
): readonly [number, number] {
  const step = Math.max(1, Math.floor(data.length / windowSamples))
  const some = Float32Array.from({ length: Math.ceil(data.length / step) }, (_, i) => data[i * step]!)
  const [low, high] = percentiles(some.filter(Number.isFinite), [0.5, 99.5]) as [number, number]
  return low < high ? [low, high] : range[0] < range[1] ? range : [range[0], range[0] + 1]
}
