import type { FolderDataset, Stored } from '../datasets/index.js'

/** A picture to segment, with what its raters marked where that is known. */
export interface Picture {
  readonly name: string
  readonly patient: string
  readonly height: number
  readonly width: number
  readonly channels: number
  /** [C, H, W] in [0, 1]. */
  readonly image: Float32Array
  /** [R, H, W] label values; null without a reference. */
  readonly masks: Uint8Array | null
  /** Samples as the file holds them, for runs with a preprocessing. */
  readonly stored?: Stored
  /** Labels of each class, where classes are regions. */
  readonly regions?: FolderDataset['regions']
}

type Named = Pick<Picture, 'name' | 'patient'>

/** @param stored of shape [C, H, W] */
export function pictureFrom(
  { name, patient }: Named,
  stored: Stored,
  { regions }: Pick<FolderDataset, 'regions'> = {},
): Picture {
  const [height, width] = stored.size as readonly [number, number]
  const { image, masks } = stored
  return {
    name,
    patient,
    height,
    width,
    channels: image.length / (height * width),
    image: shownValues(stored),
    masks: masks.length > 0 ? masks : null,
    stored,
    ...(regions ? { regions } : {}),
  }
}

/** Values in [0, 1]: divided by the largest of the format, or by what occurs where that is unknown. */
export function shownValues({ image, maxValue }: Pick<Stored, 'image' | 'maxValue'>): Float32Array {
  const [low, high] = maxValue > 1 ? [0, maxValue] : rangeOf(image)
  const scale = 1 / Math.max(1e-8, high - low)
  // `Float32Array.from` would lay a list of all samples between, which for a volume is long.
  const out = new Float32Array(image.length)
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, (image[i]! - low) * scale))
  return out
}

/** From smallest to largest value; 0 to 1 where all lie between. */
function rangeOf(image: Stored['image']): readonly [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < image.length; i++) {
    low = Math.min(low, image[i]!)
    high = Math.max(high, image[i]!)
  }
  return low >= 0 && high <= 1 ? [0, 1] : [low, high]
}
