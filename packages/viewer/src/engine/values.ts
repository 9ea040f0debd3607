import { type BundleManifest, type MedicalImage, SeptumError } from '@septum/core'
import { fileChannels, fitToModel, viewOf } from 'septum/browser'

/** What of a manifest decides the values that a network sees. */
export type Values = Pick<BundleManifest, 'channels' | 'preprocessing' | 'size'>

/** A picture in the values and at the spacing of a model; stretching to its size comes later. */
export type PictureView = ReturnType<typeof viewOf>

/**
 * The network's input values of a picture, the same numbers as in training: grey is repeated for a colour model, colour
 * becomes luma, and a picture that says how large its pixels are is resampled to the model's spacing.
 * @throws SeptumError `viewer-channels` when the model wants another kind of image; those of preprocessing.
 */
export function networkInput(image: MedicalImage, manifest: Values): PictureView {
  const { channels, preprocessing } = manifest
  const wanted = fileChannels({ channels, preprocessing })
  try {
    const fitted = fitToModel(image, { dimensions: 2, channels: wanted }, '')
    return viewOf({ size: manifest.size, preprocessing: { ...preprocessing, fit: 'crop' } }, fitted)
  } catch (error) {
    if (!(error instanceof SeptumError) || error.code !== 'input-channels') throw error
    throw new SeptumError(
      'viewer-channels',
      error.message,
      'Open an image of the kind that the model was trained on.',
    )
  }
}
