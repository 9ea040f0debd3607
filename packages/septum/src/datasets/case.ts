import { SeptumError } from '@septum/core'
import { decodePicture } from '../formats/index.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'
import { decodeLabels } from './mask-coding.js'

/** A case in memory, in the samples that its files hold. */
export interface DecodedCase {
  /** [C, H, W] with the data set's channels. */
  readonly image: Uint8Array | Uint16Array
  /** Divides image values into [0, 1]. */
  readonly maxValue: number
  /** [R, H, W] labels; all zero where a rater marked nothing. */
  readonly masks: Uint8Array
  readonly size: readonly [number, number]
}

/**
 * Decodes image and masks of a case.
 * @throws SeptumError with case and file; `case-unlabelled` when it has no mask.
 */
export async function loadCase(dataset: FolderDataset, entry: SegmentationCase): Promise<DecodedCase> {
  const { coding, raters, imageChannels, description } = dataset
  const { height, width } = entry.image.header
  const pixels = height * width
  if (entry.masks.length === 0) {
    throw new SeptumError(
      'case-unlabelled',
      'The case has no mask to train on or compare with',
      'Leave unlabelled cases out of this part of the split.',
      { case: entry.name, file: entry.image.file },
    )
  }
  try {
    const [image, ...drawn] = await Promise.all(
      [entry.image, ...entry.masks].map((picture) => picture && decodePicture(picture.file, picture.header)),
    )
    const masks = new Uint8Array(raters.length * pixels)
    for (const [index, mask] of drawn.entries()) {
      const source = entry.masks[index]
      if (!mask || !source) continue
      const out = coding.kind === 'bits' ? masks : masks.subarray(index * pixels, (index + 1) * pixels)
      decodeLabels(mask, source.header.format === 'jpeg', coding, out, source.file)
    }
    const { data, maxValue } = image!
    const channels = data.length / pixels
    return {
      image: channels === imageChannels ? data : repeatGrey(data, imageChannels),
      maxValue: description.maxValue ?? maxValue,
      masks,
      size: [height, width],
    }
  } catch (error) {
    if (!(error instanceof SeptumError)) throw error
    const place = { ...error.place, case: entry.name }
    throw new SeptumError(error.code, error.message, error.hint, place, { cause: error })
  }
}

function repeatGrey(data: Uint8Array | Uint16Array, channels: number): Uint8Array | Uint16Array {
  const out =
    data instanceof Uint16Array
      ? new Uint16Array(data.length * channels)
      : new Uint8Array(data.length * channels)
  for (let channel = 0; channel < channels; channel++) out.set(data, channel * data.length)
  return out
}

/** Bytes that a decoded case occupies. */
export const bytesOf = ({ image, masks }: DecodedCase): number => image.byteLength + masks.byteLength
