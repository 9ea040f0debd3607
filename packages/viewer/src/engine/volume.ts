import { type BundleModel, SeptumError } from '@septum/core'
import { fileChannels, fitToModel, noCleaning, segmentImage, viewSize, windowsOf } from 'septum/browser'
import type { VolumeRequest, VolumeResult } from './messages.js'

/** As `septum predict`: neighbours share half of a window. */
const overlap = 0.5
/** Samples of the input that are run together: more brings a processor nothing and progress comes in larger steps. */
const batchSamples = 2 ** 18
/** Hypotheses that a page keeps, in voxels of all of them. */
const mostHypothesisVoxels = 300_000_000

/**
 * Segments a volume with an opened bundle, plane by plane or in blocks, by the code of `septum predict`: resampled to the
 * model's spacing, sliding windows, labels on the volume's own grid.
 * @throws SeptumError `viewer-too-large` for more hypotheses than fit in a page; of preprocessing and bundle.
 */
export async function runVolume(
  bundle: BundleModel,
  { image, samples, seed }: VolumeRequest,
  onProgress: (done: number, total: number) => void,
): Promise<VolumeResult> {
  const started = performance.now()
  const { manifest } = bundle
  const sampling = manifest.model.kind === 'next-scale'
  const voxels = image.shape.slice(1).reduce((product, side) => product * side, 1)
  if (sampling && voxels * samples > mostHypothesisVoxels) {
    throw new SeptumError(
      'viewer-too-large',
      `${samples} masks of the whole volume do not fit in a page`,
      'Draw fewer masks, segment one slice, or use `septum predict`.',
    )
  }
  const wanted = { dimensions: manifest.dimensions, channels: fileChannels(manifest) }
  const fitted = fitToModel(image, wanted, '')
  const seen = viewSize(manifest, image.shape.slice(1), image.geometry)
  const total = windowsOf(bundle, seen, { window: 'trained', overlap }).starts.length
  const window = manifest.size.trained.reduce((product, side) => product * side, 1)
  let done = 0
  onProgress(0, total)
  const {
    size,
    labels,
    samples: hypotheses,
    statistics,
  } = await segmentImage([bundle], fitted, {
    ...{ samples, seed, imageStream: 0, overlap, window: 'trained', maps: false, cleaning: noCleaning },
    flips: [false, false, false],
    batch: sampling ? samples : Math.max(1, Math.min(8, Math.floor(batchSamples / window))),
    onWindows: (count) => {
      done += count
      onProgress(done, total)
    },
  })
  const seconds = (performance.now() - started) / 1000
  return { size, labels, hypotheses, statistics, seconds, seed }
}
