import type { BundleManifest, ImageGeometry, MedicalImage } from '@septum/core'
import { type Preprocessing, preprocess, preprocessedSize } from '../datasets/preprocess/index.js'
import { type AxisTaps, resizePlanes, respacedAxis, type Size3, stretchedAxis } from './grid/axis.js'

/** An image as a model sees it, and the way back to the image's own grid. */
export interface View {
  /** [channels, ...size] float32. */
  readonly image: Float32Array
  readonly size: Size3
  /** From the model's grid to the image's, along z, y, x. */
  readonly back: readonly [AxisTaps, AxisTaps, AxisTaps]
}

/** What of a manifest says how its model sees an image. */
export type Seen = Pick<BundleManifest, 'preprocessing' | 'size'>

/** [H, W] or [D, H, W] as [D, H, W]. */
export const asSize3 = (size: readonly number[]): Size3 =>
  (size.length === 3 ? size : [1, ...size]) as unknown as Size3

/** The manifest's rules in the form of the toolkit's preprocessing. */
export function rulesOf({ preprocessing }: Pick<BundleManifest, 'preprocessing'>): Preprocessing {
  const { channels, spacingMm, interpolation } = preprocessing
  // A copy: the toolkit's own type is not readonly.
  return structuredClone({ channels, spacingMm, interpolation }) as Preprocessing
}

/** Channels that a file must bring: windows make several of one. */
export function fileChannels({
  channels,
  preprocessing,
}: Pick<BundleManifest, 'channels' | 'preprocessing'>): number {
  const rules = preprocessing.channels
  const [first] = rules
  if (rules.length > 1 || !first) return rules.length
  return channels / (first.kind === 'windows' ? first.windows.length : 1)
}

/** Size that the model sees of an image. @param size [H, W] or [D, H, W]. */
export function viewSize(
  manifest: Seen,
  size: readonly number[],
  geometry: ImageGeometry | undefined,
): Size3 {
  const spaced = asSize3(preprocessedSize(size, geometry, rulesOf(manifest)))
  if (manifest.preprocessing.fit === 'crop') return spaced
  const { trained } = manifest.size
  return [...spaced.slice(0, 3 - trained.length), ...trained] as unknown as Size3
}

/**
 * Brings an image to the values, the spacing and, where the model was trained on stretched images, the size that the
 * model expects: what training did. Volumes for a model of planes stay stacks of planes.
 * @param image with as many channels as `fileChannels` says. @throws SeptumError of `preprocess`.
 */
export function viewOf(manifest: Seen, { data, shape, geometry, maxValue }: MedicalImage): View {
  const size = shape.slice(1)
  const spaced = preprocess(
    {
      image: data,
      maxValue: manifest.preprocessing.maxValue ?? maxValue,
      masks: new Uint8Array(),
      size,
      ...(geometry && { geometry }),
    },
    rulesOf(manifest),
  )
  const from = asSize3(spaced.size)
  const to = viewSize(manifest, size, geometry)
  const own = asSize3(size)
  const back = own.map((side, axis): AxisTaps => {
    const at = axis - (3 - size.length)
    const [ownMm, spacedMm] = [geometry?.spacingMm[at], spaced.geometry?.spacingMm[at]]
    if (to[axis] !== from[axis]) return stretchedAxis(to[axis]!, side)
    return ownMm && spacedMm ? respacedAxis(from[axis]!, side, spacedMm, ownMm) : stretchedAxis(side, side)
  })
  return { image: stretch(spaced.image, from, to), size: to, back: back as unknown as View['back'] }
}

/** Linear along the three axes, half-pixel centres. */
function stretch(image: Float32Array, from: Size3, to: Size3): Float32Array {
  const planes = image.length / (from[1] * from[2])
  const flat = resizePlanes(image, planes, stretchedAxis(from[1], to[1]), stretchedAxis(from[2], to[2]))
  if (from[0] === to[0]) return flat
  // Along z a volume is [channels, D, H * W]: planes of D rows.
  const pixels = to[1] * to[2]
  return resizePlanes(
    flat,
    flat.length / (from[0] * pixels),
    stretchedAxis(from[0], to[0]),
    stretchedAxis(pixels, pixels),
  )
}
