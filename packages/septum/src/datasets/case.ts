import { type ImageGeometry, type ImageSamples, SeptumError } from '@septum/core'
import { readCaseImage } from './case-image.js'
import { readCaseMasks } from './case-masks.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'
import { readKnownPicture } from './known-picture.js'
import { type Preprocessing, preprocess, type ValueMap } from './preprocess/index.js'
import { type Foreground, findForeground } from './sampling/foreground.js'

/** A case in memory: in the samples that its files hold, or preprocessed. */
export interface DecodedCase {
  /** [C, ...size] with the data set's channels. */
  readonly image: ImageSamples
  /** Divides image values into [0, 1]; 1 after preprocessing. */
  readonly maxValue: number
  /** [R, ...size] labels; all zero where a rater marked nothing, empty when the case has no masks. */
  readonly masks: Uint8Array
  /** [H, W] or [D, H, W]. */
  readonly size: readonly number[]
  /** Present after preprocessing: how each channel came about; values are used as they are. */
  readonly preprocessed?: readonly ValueMap[]
  readonly geometry?: ImageGeometry
  /** Where foreground lies, if that was asked for. */
  readonly foreground?: Foreground
}

/** What decoding needs to know of a data set: plain data, for another thread. */
export type DecodingDataset = Pick<FolderDataset, 'coding' | 'raters' | 'imageChannels'> & {
  readonly description: Pick<FolderDataset['description'], 'maxValue'>
}

/** Plain data too. */
export interface DecodeSettings {
  readonly preprocessing?: Preprocessing | null
  /** Finds the places of foreground, for patch sampling. */
  readonly foreground?: boolean
  /** Cases without masks come with none instead of being an error. */
  readonly unlabelled?: boolean
}

/** Adds what was under way, and the case, to an error. */
async function staged<T>(stage: string, entry: SegmentationCase, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SeptumError)) throw error
    const place = { ...error.place, file: error.place.file ?? entry.images[0]!.file, case: entry.name }
    const message = `${error.message}, while ${stage}`
    throw new SeptumError(error.code, message, error.hint, place, { cause: error })
  }
}

/**
 * Decodes image and masks of a case and preprocesses them.
 * @throws SeptumError with case, file and what was under way; `case-unlabelled` when it has no mask.
 */
export async function loadCase(
  dataset: DecodingDataset,
  entry: SegmentationCase,
  { preprocessing = null, foreground = false, unlabelled = false }: DecodeSettings = {},
): Promise<DecodedCase> {
  const { imageChannels, description } = dataset
  if (entry.masks.length === 0 && !unlabelled) {
    throw new SeptumError(
      'case-unlabelled',
      'The case has no mask to train on or compare with',
      'Leave unlabelled cases out of this part of the split.',
      { case: entry.name, file: entry.images[0]!.file },
    )
  }
  const [{ data, maxValue, geometry }, masks] = await Promise.all([
    staged('reading the image', entry, () => knownImage(entry) ?? readCaseImage(entry)),
    entry.masks.length === 0 || unlabelled
      ? new Uint8Array(0)
      : staged('reading the masks', entry, () => readCaseMasks(dataset, entry)),
  ])
  const stored = {
    image: entry.shape[0] === imageChannels ? data : repeatGrey(data, imageChannels),
    maxValue: description.maxValue ?? maxValue,
    masks,
    size: entry.shape.slice(1),
    ...(geometry ? { geometry } : {}),
  }
  const decoded = preprocessing
    ? await staged('preprocessing it', entry, () => preprocess(stored, preprocessing))
    : stored
  return foreground ? withForeground(decoded) : decoded
}

/** The case with the places of its foreground; itself when it has no masks. */
export function withForeground(decoded: DecodedCase): DecodedCase {
  if (decoded.masks.length === 0) return decoded
  const samples = decoded.size.reduce((product, side) => product * side, 1)
  return { ...decoded, foreground: findForeground(decoded.masks, samples) }
}

const knownImage = ({ images }: SegmentationCase) =>
  images.length === 1 ? readKnownPicture(images[0]!) : undefined

function repeatGrey(data: ImageSamples, channels: number): ImageSamples {
  const out = new (data.constructor as new (size: number) => ImageSamples)(data.length * channels)
  for (let channel = 0; channel < channels; channel++) out.set(data, channel * data.length)
  return out
}

/** Bytes that a decoded case occupies. */
export const bytesOf = ({ image, masks, foreground }: DecodedCase): number =>
  image.byteLength +
  masks.byteLength +
  (foreground?.places.reduce((sum, places) => sum + places.byteLength, 0) ?? 0)
