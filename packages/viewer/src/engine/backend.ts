import { type BundleModel, type BundlePrediction, Random } from '@septum/core'

/** What computes a model: WebAssembly on the processor, or the graphics card. */
export type Backend = 'wasm' | 'webgpu'

/** What is used, and why, for people. */
export interface BackendReport {
  readonly backend: Backend
  readonly reason: string
}

/** Largest difference of a probability that passes for rounding: the two add up in different orders, in 32 bits. */
export const TOLERANCE = 1e-3

/** WebGPU must be this much faster, or it is not worth a second copy of the model. */
export const LEAST_GAIN = 1.1

/** Masks that the trial draws of a model that samples. */
const SAMPLES = 2

/** Runs of the trial: the first compiles shaders and counts for none. */
const RUNS = 3

export interface Trial {
  /** Of the fastest run. */
  readonly seconds: number
  readonly prediction: Pick<BundlePrediction, 'probabilities' | 'tokens'>
}

/** A disc in noise: the same for every trial, and with edges, which noise alone has not. */
export function trialImage(channels: number, size: readonly number[]): Float32Array {
  const random = new Random(20)
  const plane = size.slice(-2) as [number, number]
  const pixels = plane[0] * plane[1]
  const radius = Math.min(...plane) / 4
  return Float32Array.from({ length: channels * size.reduce((a, b) => a * b, 1) }, (_, i) => {
    const at = i % pixels
    const [y, x] = [Math.floor(at / plane[1]) - plane[0] / 2, (at % plane[1]) - plane[1] / 2]
    return 0.3 * random.uniform() + (Math.hypot(y, x) < radius ? 0.5 : 0.1)
  })
}

/** Runs a model on the fixed image. @param now seconds */
export async function tryModel(model: BundleModel, now: () => number): Promise<Trial> {
  const { channels, size } = model.manifest
  const image = trialImage(channels, size.trained)
  let prediction: BundlePrediction | undefined
  let seconds = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS; run++) {
    const began = now()
    prediction = await model.predict(image, size.trained, { samples: SAMPLES, seed: 0 })
    if (run > 0) seconds = Math.min(seconds, now() - began)
  }
  return { seconds, prediction: prediction! }
}

/** Whether WebGPU may be used: equal tokens, equal probabilities, and faster. */
export function judge(wasm: Trial, webgpu: Trial, leastGain = LEAST_GAIN): BackendReport {
  const times = `${shown(webgpu.seconds)} against ${shown(wasm.seconds)} on the processor`
  const difference = largestDifference(wasm.prediction, webgpu.prediction)
  if (!sameTokens(wasm.prediction, webgpu.prediction))
    return { backend: 'wasm', reason: 'WebGPU draws other masks from the same seed on this machine.' }
  if (!(difference <= TOLERANCE)) {
    const much = Number.isFinite(difference) ? ` by up to ${difference.toPrecision(2)}` : ''
    return { backend: 'wasm', reason: `WebGPU gives other probabilities on this machine${much}.` }
  }
  if (webgpu.seconds * leastGain > wasm.seconds)
    return { backend: 'wasm', reason: `WebGPU gives the same, but is not faster here: ${times}.` }
  return { backend: 'webgpu', reason: `WebGPU passed its test: the same result, ${times}.` }
}

function largestDifference(a: Trial['prediction'], b: Trial['prediction']): number {
  const [x, y] = [a.probabilities.data, b.probabilities.data]
  if (x.length !== y.length) return Number.POSITIVE_INFINITY
  let most = 0
  for (let i = 0; i < x.length; i++) {
    const difference = Math.abs(x[i]! - y[i]!)
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY
    if (difference > most) most = difference
  }
  return most
}

function sameTokens({ tokens: a }: Trial['prediction'], { tokens: b }: Trial['prediction']): boolean {
  const flat = (tokens: typeof a) => (tokens ?? []).flat().map((drawn) => drawn.join())
  const [x, y] = [flat(a), flat(b)]
  return x.length === y.length && x.every((drawn, i) => drawn === y[i])
}

const shown = (seconds: number): string =>
  seconds < 1 ? `${Math.max(1, Math.round(1000 * seconds))} ms` : `${seconds.toFixed(1)} s`

export interface WebGpu {
  /** Null where the browser has no adapter; its name for people. @throws where WebGPU is not there at all. */
  adapter(): Promise<string | null>
  /** Loads the runtime for WebGPU and opens the model with it. */
  open(): Promise<BundleModel>
}

export interface Chosen {
  readonly report: BackendReport
  /** The model on WebGPU, where it passed. */
  readonly model?: BundleModel
}

/**
 * Tries WebGPU beside the opened model. Whatever goes wrong, WebAssembly is used and the reason is told.
 * @param leastGain how much faster it must be. @param now seconds
 */
export async function chooseBackend(
  wasm: BundleModel,
  webgpu: WebGpu,
  leastGain = LEAST_GAIN,
  now: () => number = () => performance.now() / 1000,
): Promise<Chosen> {
  const stay = (reason: string): Chosen => ({ report: { backend: 'wasm', reason } })
  let model: BundleModel | undefined
  try {
    const adapter = await webgpu.adapter()
    if (adapter === null) return stay('This browser has no graphics adapter for WebGPU.')
    model = await webgpu.open()
    const report = judge(await tryModel(wasm, now), await tryModel(model, now), leastGain)
    if (report.backend === 'webgpu')
      return { report: { ...report, reason: `${report.reason} ${adapter}`.trim() }, model }
    await model.release()
    return { report }
  } catch (error) {
    await model?.release().catch(() => {})
    const why = error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'unknown reason'
    return stay(`WebGPU does not run this model here (${why}).`)
  }
}
