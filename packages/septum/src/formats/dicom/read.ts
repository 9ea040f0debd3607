import type { ImageHeader } from '../format.js'
import { openCollection } from './archive.js'
import { decodeCompressed } from './pixels/compressed.js'
import { chooseSeries, collectSeries, type Series, type SeriesSummary, summaries } from './series.js'
import { type DicomImage, type DicomOptions, planVolume, readSeries } from './volume.js'

/**
 * Reads DICOM: a file, or a series below a folder or in a zip archive.
 *
 * Slices are ordered by their position along the slice normal. Grey values are rescaled with the slope and intercept
 * of their slice; MONOCHROME1 is mirrored so that larger is brighter, except for physical units; colours become RGB.
 *
 * @returns shape [C, H, W] for one image, [C, D, H, W] for several; C is 1 for grey, 3 for RGB, or the number of
 * phases of a time series. Geometry when the files have one.
 * @throws SeptumError with a code that begins with `dicom-`, `archive-` or `picture-`; see docs/errors.md.
 */
export async function readDicom(path: string, options: DicomOptions = {}): Promise<DicomImage> {
  return withSeries(path, options, (series) => readSeries(series, path, options, decodeCompressed))
}

/** What `readDicom` would give, without decoding a sample. @throws SeptumError as `readDicom`. */
export async function readDicomHeader(path: string, options: DicomOptions = {}): Promise<ImageHeader> {
  return withSeries(path, options, async (series) => {
    const { image, stack, layout, notes } = await planVolume(series, path, options)
    const { signed, float, bitsAllocated } = layout
    return {
      format: 'DICOM',
      shape: image.shape,
      ...(stack.geometry && { geometry: stack.geometry }),
      maxValue: image.maxValue,
      sampleType:
        bitsAllocated === 1 ? 'bit' : `${float ? 'float' : signed ? 'int' : 'uint'}${bitsAllocated}`,
      notes,
    }
  })
}

/** Opens a path and does some work with the one series that is meant. */
export async function withSeries<T>(
  path: string,
  { series = 'only' }: DicomOptions,
  work: (series: Series) => Promise<T>,
): Promise<T> {
  const collection = await openCollection(path)
  try {
    return await work(chooseSeries(await collectSeries(collection.sources, path), series, path))
  } finally {
    collection.close()
  }
}

/** Lists the series below a path: a DICOM file, a folder or a zip. @throws SeptumError as `collectSeries`. */
export async function listDicomSeries(path: string): Promise<readonly SeriesSummary[]> {
  const collection = await openCollection(path)
  try {
    return summaries(await collectSeries(collection.sources, path))
  } finally {
    collection.close()
  }
}
