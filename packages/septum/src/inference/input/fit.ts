import { type MedicalImage, SeptumError } from '@septum/core'

/** What a model takes, for error messages and conversion. */
export interface Wanted {
  readonly dimensions: 2 | 3
  /** Channels of a file. */
  readonly channels: number
}

/**
 * Fits an image to a model as the toolkit's own prediction does: grey is repeated for a model of colours, colour becomes
 * luma (ITU-R BT.601) for a grey one.
 * @throws SeptumError `input-channels`; `input-dimensions` for a picture where the model takes volumes.
 */
export function fitToModel(
  image: MedicalImage,
  { dimensions, channels }: Wanted,
  file: string,
): MedicalImage {
  const { data, shape } = image
  if (dimensions === 3 && shape.length === 3) {
    throw new SeptumError(
      'input-dimensions',
      'The image is a single plane, the model takes volumes',
      'Give a volume: NIfTI, NRRD, MetaImage or a DICOM series.',
      { file },
    )
  }
  const own = shape[0]!
  if (own === channels) return image
  const samples = data.length / own
  const shaped = (values: Float32Array, count: number): MedicalImage => ({
    ...image,
    data: values,
    shape: [count, ...shape.slice(1)],
  })
  if (own === 1 && channels === 3) {
    const repeated = new Float32Array(3 * samples)
    for (let c = 0; c < 3; c++) repeated.set(data, c * samples)
    return shaped(repeated, 3)
  }
  if (own === 3 && channels === 1) {
    const luma = new Float32Array(samples)
    for (let i = 0; i < samples; i++) {
      luma[i] = 0.299 * data[i]! + 0.587 * data[samples + i]! + 0.114 * data[2 * samples + i]!
    }
    return shaped(luma, 1)
  }
  throw new SeptumError(
    'input-channels',
    `The image has ${own} channels, the model wants ${channels}`,
    'Give images of the kind that the model was trained on.',
    { file },
  )
}
