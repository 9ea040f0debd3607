import { type Reporter, SeptumError } from '@septum/core'
import { cutWindows } from '../datasets/window.js'
import type { RunConfig } from '../training/api.js'
import { openWorkplace, type Workplace } from '../training/workplace.js'
import type { VerificationImage } from './verify.js'

type Cases = Workplace['cases']['val']

/** What raters say of one class. */
export interface ClassReference {
  /** [...size]: what more than half of the raters mark. */
  readonly reference: Uint8Array
  /** [...size]: 0 where nothing may be scored; absent: everything counts. */
  readonly counted?: Uint8Array
}

/** An image as the network sees it, and what raters say of it. */
export interface LabelledImage extends VerificationImage {
  readonly classes: readonly ClassReference[]
}

/** Label of samples that no score may count. */
const IGNORED = 255

/**
 * The data set of a run.
 * @param dataset another place of it @param size of the network @throws SeptumError `export-data`
 */
export async function workplaceOf(
  config: RunConfig,
  size: readonly number[],
  dataset: string | undefined,
  reporter: Reporter,
): Promise<Workplace> {
  const data = { ...config.data, imageSize: [...size], ...(dataset === undefined ? {} : { path: dataset }) }
  try {
    return await openWorkplace(data, config.seed, reporter)
  } catch (cause) {
    if (!(cause instanceof SeptumError)) throw cause
    throw new SeptumError(
      'export-data',
      `The bundle cannot be compared with the trained model without images: ${cause.message}`,
      'Say where the data set of the run lies now with --dataset DIR.',
      cause.place,
      { cause },
    )
  }
}

/** Images as the network sees them: of the validation split, else of another one. */
export async function verificationImages(
  { cases, store, task }: Workplace,
  count: number,
): Promise<VerificationImage[]> {
  const pool = [...cases.val, ...cases.test, ...cases.train]
  const images: VerificationImage[] = []
  for (const entry of pool.slice(0, count)) {
    const { data, size } = centreOf(await store.get(entry, { unlabelled: true }), task.imageSize)
    images.push({ data, size })
  }
  return images
}

/** Images with their references, spread evenly over the cases. */
export async function labelledImages(
  { store, task }: Workplace,
  cases: Cases,
  count: number,
): Promise<LabelledImage[]> {
  const images: LabelledImage[] = []
  for (const entry of spread(cases, count)) {
    const { data, size, masks, raters } = centreOf(await store.get(entry), task.imageSize)
    const pixels = masks.length / raters
    const first = masks.subarray(0, pixels)
    const counted =
      task.ignores && first.includes(IGNORED) ? first.map((v) => (v === IGNORED ? 0 : 1)) : undefined
    const classes = task.classes.map((_, c): ClassReference => {
      const labels = new Set(task.regions?.[c] ?? [c + 1])
      const votes = new Uint16Array(pixels)
      for (let r = 0; r < raters; r++)
        for (let i = 0; i < pixels; i++) if (labels.has(masks[r * pixels + i]!)) votes[i]!++
      const reference = Uint8Array.from(votes, (n, i) => (2 * n > raters && counted?.[i] !== 0 ? 1 : 0))
      return { reference, ...(counted ? { counted } : {}) }
    })
    images.push({ data, size, classes })
  }
  return images
}

/** Images without references, spread evenly over the cases. */
export async function plainImages(
  { store, task }: Workplace,
  cases: Cases,
  count: number,
): Promise<VerificationImage[]> {
  const images: VerificationImage[] = []
  for (const entry of spread(cases, count)) {
    const { data, size } = centreOf(await store.get(entry, { unlabelled: true }), task.imageSize)
    images.push({ data, size })
  }
  return images
}

function spread(cases: Cases, count: number): Cases {
  if (cases.length <= count) return cases
  return Array.from({ length: count }, (_, i) => cases[Math.floor((i * cases.length) / count)]!)
}

type Decoded = Parameters<typeof cutWindows>[0][number]

/** The centre of an image and its masks, padded with 0 where it is smaller. */
function centreOf(decoded: Decoded, size: readonly number[]) {
  const start = size.map((side, i) => Math.floor((decoded.size[i]! - side) / 2))
  const [top, left] = start.slice(-2) as [number, number]
  const place = { top, left, ...(start.length === 3 ? { front: start[0]! } : {}) }
  const { images, masks, raters } = cutWindows([decoded], [place], size)
  const data = images instanceof Float32Array ? images : Float32Array.from(images, (v) => v / 255)
  return { data, size, masks, raters }
}

/** An image in a larger frame of another size, to see that a graph of any size keeps its word. */
export function reframed({ data, size }: VerificationImage, to: readonly number[]): VerificationImage {
  const samples = size.reduce((a, b) => a * b, 1)
  const channels = data.length / samples
  const wide = to.reduce((a, b) => a * b, 1)
  const out = new Float32Array(channels * wide)
  for (let i = 0; i < out.length; i++) {
    let rest = i % wide
    let from = 0
    let stride = 1
    for (let axis = size.length - 1; axis >= 0; axis--) {
      const at = rest % to[axis]!
      rest = Math.floor(rest / to[axis]!)
      from += (at % size[axis]!) * stride
      stride *= size[axis]!
    }
    out[i] = data[Math.floor(i / wide) * samples + from]!
  }
  return { data: out, size: to }
}
