import { freemem } from 'node:os'
import { type BundleManifest, type BundleModel, SeptumError } from '@septum/core'
import type { ImageHeader } from '../formats/index.js'
import { mapCount } from './planes.js'
import { asSize3, viewSize } from './view.js'

/** What running a model costs, measured. */
export interface ModelCost {
  /** Bytes that one window (or one row of samples) adds. */
  readonly windowBytes: number
  /** Seconds of one window. */
  readonly windowSeconds: number
}

/** Bytes that this process may still take: of the machine, or of the control group that it runs in. */
export function availableBytes(): number {
  return process.availableMemory?.() ?? freemem()
}

/** Runtimes keep what they once took, so that a smaller growth of the process proves nothing. */
const LEAST_FACTOR = 16

/**
 * Runs a model once on an empty window of its trained size and measures time and growth of the process.
 * @throws SeptumError `bundle-graph` for a model that cannot run.
 */
export async function measureModel(model: BundleModel): Promise<ModelCost> {
  const { channels, size, model: graphs } = model.manifest
  const samples = size.trained.reduce((product, side) => product * side, channels)
  const image = new Float32Array(samples)
  const before = process.memoryUsage.rss()
  const start = performance.now()
  if (graphs.kind === 'mask') await model.logits!(image, [1, channels, ...size.trained])
  else await model.predict(image, size.trained, { samples: 1 })
  const windowSeconds = (performance.now() - start) / 1000
  const peak = Math.max(process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024)
  return { windowBytes: Math.max(peak - before, LEAST_FACTOR * 4 * samples), windowSeconds }
}

const bytesOf: Readonly<Record<string, number>> = {
  bit: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  float64: 8,
}

export interface CaseNeeds {
  /** Hypotheses that are kept. */
  readonly samples: number
  readonly maps: boolean
}

/** Bytes that one case takes beside the models themselves; an upper estimate from its header. */
export function caseBytes(
  header: ImageHeader,
  manifests: readonly BundleManifest[],
  needs: CaseNeeds,
): number {
  const size = header.shape.slice(1)
  const [depth, height, width] = asSize3(size)
  const total = depth * height * width
  const pixels = height * width
  // The file's samples, twice while it is decoded, and once more as float32 where channels are converted.
  let bytes = header.shape[0]! * total * (2 * (bytesOf[header.sampleType] ?? 4) + 4)
  let classes = 1
  for (const manifest of manifests) {
    classes = manifest.classes.length
    const view = viewSize(manifest, size, header.geometry)
    const viewPixels = view[1] * view[2]
    const sampling = manifest.model.kind === 'next-scale'
    const layers = sampling ? classes * needs.samples : mapCount(manifest)
    const slab = manifest.dimensions === 3 ? manifest.size.trained[0]! : 1
    // Values in range on the own grid and, resampled, on the model's; sums of windows; planes under way.
    bytes += 4 * manifest.channels * (total + view[0] * viewPixels)
    bytes += 4 * (layers + 1) * viewPixels * (slab + 1) + 4 * layers * 3 * (pixels + viewPixels)
  }
  // Labels and hypotheses, numbers of components, maps, and the encoded file.
  bytes += total * (1 + needs.samples + 6) + (needs.maps ? 4 * total * classes * 4 : 0) + 2 * total
  return bytes
}

/** Windows run together hold at most so many samples of an image: more brings a CPU nothing. */
const BATCH_SAMPLES = 2 ** 18

/** Share of the free memory that is planned with. */
const SHARE = 0.8

export interface RunPlan {
  /** Windows, or rows of samples, run together. */
  readonly batch: number
  /** Bytes that the case is expected to take. */
  readonly bytes: number
}

/**
 * Chooses how many windows are run together, and refuses a case that would not fit, before it is read.
 * @throws SeptumError `predict-memory`.
 */
export function planRun(
  header: ImageHeader,
  manifests: readonly BundleManifest[],
  costs: readonly ModelCost[],
  needs: CaseNeeds,
  available: number,
  wanted?: number,
): RunPlan {
  const fixed = caseBytes(header, manifests, needs)
  const largest = Math.max(...costs.map(({ windowBytes }) => windowBytes))
  const room = available * SHARE - fixed
  const trained = manifests[0]!.size.trained.reduce((product, side) => product * side, 1)
  const most = Math.max(1, Math.floor(BATCH_SAMPLES / trained))
  const batch = wanted ?? Math.max(1, Math.min(most, Math.floor(room / largest)))
  const bytes = fixed + batch * largest
  if (bytes > available * SHARE) {
    const gigabytes = (value: number) => `${(value / 2 ** 30).toFixed(value < 2 ** 30 ? 2 : 1)} GiB`
    throw new SeptumError(
      'predict-memory',
      `The image needs about ${gigabytes(bytes)} of memory, ${gigabytes(available)} are free`,
      needs.maps || needs.samples > 1
        ? 'Leave out --maps, draw fewer --samples, or use a machine with more memory.'
        : 'Use a machine with more memory, or cut the image.',
    )
  }
  return { batch, bytes }
}
