import { type Reporter, SeptumError } from '@septum/core'
import { cutWindows } from '../datasets/window.js'
import type { RunConfig } from '../training/api.js'
import { openWorkplace, type Workplace } from '../training/workplace.js'
import type { VerificationImage } from './verify.js'

export interface VerificationData {
  readonly workplace: Workplace
  readonly images: VerificationImage[]
}

/**
 * Images of the data set of a run, as its network sees them: of the validation split, else of another one.
 * @param size of the network
 * @throws SeptumError `export-data` when the data set cannot be opened
 */
export async function verificationImages(
  config: RunConfig,
  {
    size,
    dataset,
    count,
    reporter,
  }: {
    readonly size: readonly number[]
    /** Another place of the data set. */
    readonly dataset?: string
    readonly count: number
    readonly reporter: Reporter
  },
): Promise<VerificationData> {
  const data = { ...config.data, imageSize: [...size], ...(dataset === undefined ? {} : { path: dataset }) }
  let workplace: Workplace
  try {
    workplace = await openWorkplace(data, config.seed, reporter)
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
  const { cases, store } = workplace
  const pool = [...cases.val, ...cases.test, ...cases.train]
  const images: VerificationImage[] = []
  for (const entry of pool.slice(0, count)) {
    const decoded = await store.get(entry, { unlabelled: true })
    images.push(windowOf(decoded, size))
  }
  return { workplace, images }
}

type Decoded = Parameters<typeof cutWindows>[0][number]

/** The centre of an image, padded with 0 where it is smaller. */
function windowOf(decoded: Decoded, size: readonly number[]): VerificationImage {
  const start = size.map((side, i) => Math.floor((decoded.size[i]! - side) / 2))
  const [top, left] = start.slice(-2) as [number, number]
  const place = { top, left, ...(start.length === 3 ? { front: start[0]! } : {}) }
  const { images } = cutWindows([decoded], [place], size)
  return { data: images instanceof Float32Array ? images : Float32Array.from(images, (v) => v / 255), size }
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
