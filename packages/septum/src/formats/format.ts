import type { ImageGeometry, MedicalImage } from '@septum/core'

/** What an image file says about itself before its samples are decoded. No name, id or date of a patient. */
export interface ImageHeader {
  /** Name of the format, e.g. `NIfTI`. */
  readonly format: string
  /** Shape that `read` will give: [C, H, W] or [C, D, H, W]. */
  readonly shape: readonly number[]
  /** Absent where the format keeps none. */
  readonly geometry?: ImageGeometry
  /** As `MedicalImage.maxValue`. */
  readonly maxValue: number
  /** Type of the samples in the file, e.g. `int16`. */
  readonly sampleType: string
  /** Sentences about what was assumed or converted, e.g. that a file names no orientation. */
  readonly notes: readonly string[]
}

/** What a reader may spend on one file. */
export interface ReadLimits {
  /** Bytes of the decoded samples. */
  readonly maxBytes: number
}

/** 2 GiB of decoded samples: a CT of 512 x 512 x 2048 as float32. */
export const readLimits: ReadLimits = { maxBytes: 2 ** 31 }

/** A file format. Content decides, then the extension; see `registry.ts`. */
export interface ImageFormat {
  /** `NIfTI`. */
  readonly name: string
  /** With dot, lower case; `.nii.gz` counts as one. */
  readonly extensions: readonly string[]
  /** Whether `recognises` may be asked about a folder, with an empty head. */
  readonly folders?: boolean
  /** @param head first 4096 bytes of the file, or all of a shorter one. */
  recognises(head: Uint8Array, file: string): boolean
  /** @throws SeptumError for a file that is damaged, too large or of an unsupported kind. */
  readHeader(file: string, limits: ReadLimits): Promise<ImageHeader>
  /** @throws SeptumError as `readHeader`, also for samples that are missing or damaged. */
  read(file: string, limits: ReadLimits): Promise<MedicalImage>
}
