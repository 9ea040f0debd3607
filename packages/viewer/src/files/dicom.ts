import { SeptumError } from '@septum/core'
import {
  type ByteSource,
  brokenDicom,
  type CompressedDecoder,
  checkSize,
  chooseSeries,
  collectSeries,
  decodeOwnJpeg,
  looksLikeDicom,
  type PixelLayout,
  readSeries,
  type SourceSeries,
  sourceOfSeries,
  unsupportedDicom,
} from 'septum/browser'
import { readJpeg } from './jpeg.js'
import { mostVolumeBytes } from './limits.js'
import type { ReadImage } from './read-image.js'

export { looksLikeDicom }

export interface ReadDicom extends ReadImage {
  /** How the scanner would show it. */
  readonly window?: readonly [number, number]
  /** Absent where the files lack a place or an identifier. */
  readonly dicom?: SourceSeries
}

/**
 * Reads a DICOM series of files that a person opened: the largest one where there are several. Slices are ordered by
 * their place in the patient, by the code of the toolkit.
 * @param label names the series in errors. @throws SeptumError with a `dicom-` code.
 */
export async function readDicomFiles(files: readonly File[], label: string): Promise<ReadDicom> {
  const series = chooseSeries(await collectSeries(files.map(sourceOf), label), 'largest', label)
  const limits = { maxBytes: mostVolumeBytes }
  const { window, notes, ...image } = await readSeries(series, label, { limits }, decodeInPage)
  const dicom = await sourceOfSeries(series, label).catch((error: unknown) => {
    if (error instanceof SeptumError && error.code === 'seg-source') return undefined
    throw error
  })
  return {
    image,
    notes,
    ...(window && {
      window: [window.center - window.width / 2, window.center + window.width / 2] as const,
    }),
    ...(dicom && { dicom }),
  }
}

function sourceOf(file: File): ByteSource {
  return {
    file: file.name,
    head: async (count) => new Uint8Array(await file.slice(0, count).arrayBuffer()),
  }
}

/** Lossless and 12-bit JPEG by the toolkit, 8-bit JPEG by the browser; what needs another decoder is refused. */
const decodeInPage: CompressedDecoder = async (coding, bytes, layout, file) => {
  if (coding === 'jpeg-ls' || coding === 'jpeg-2000') {
    unsupportedDicom(
      file,
      coding === 'jpeg-ls' ? 'JPEG-LS, in the browser' : 'JPEG 2000, in the browser',
      'Let the server segment it, use `septum predict`, or convert it with gdcmconv --raw.',
    )
  }
  return decodeOwnJpeg(coding === 'jpeg-lossless', bytes, layout, file) ?? pictureOf(bytes, layout, file)
}

async function pictureOf(bytes: Uint8Array, layout: PixelLayout, file: string) {
  if (layout.photometric === 'RGB') {
    unsupportedDicom(file, 'JPEG of RGB colours, in the browser', 'Use `septum predict`.')
  }
  const { data, shape } = await readJpeg(bytes, file).catch((cause: unknown) =>
    brokenDicom(file, 'its JPEG data cannot be decoded', cause),
  )
  const [channels, rows, columns] = shape as [number, number, number]
  checkSize({ rows, columns, samples: layout.samples }, layout, file)
  const plane = (colour: number) => data.subarray((channels === 3 ? colour : 0) * rows * columns)
  const samples = new Uint8Array(layout.samples * rows * columns)
  for (let colour = 0; colour < layout.samples; colour++) {
    const from = plane(colour)
    for (let i = 0; i < rows * columns; i++) samples[i * layout.samples + colour] = from[i]!
  }
  return { samples, rgb: layout.samples === 3 }
}
