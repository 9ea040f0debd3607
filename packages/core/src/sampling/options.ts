import { SeptumError } from '../error.js'
import { TokenDraw } from './token-draw.js'

/** How far a call of `sampleMasks` is. */
export interface SamplingProgress {
  /** Scales of the present batch whose tokens are drawn, 1 to `scales`. */
  readonly scale: number
  readonly scales: number
  /** Index of the first sample of the present batch, and the number of its samples. */
  readonly firstSample: number
  readonly rows: number
}

export interface SamplingOptions {
  /** Number of masks to draw, N. Default 1. */
  readonly samples?: number
  /** Index of the first one: samples 4 to 7 alone equal the last four of samples 0 to 7. Default 0. */
  readonly firstSample?: number
  /** Whole number in [0, 2^53). Default 0. */
  readonly seed?: number
  /** Names the image, so that one seed draws differently for different images. Default 0. */
  readonly imageStream?: number
  /** Foreground class, from 0. Default 0. */
  readonly classIndex?: number
  /** One temperature, or one for each scale, coarse to fine; 0 is greedy. Default 1. */
  readonly temperature?: number | readonly number[]
  /** Number of likeliest tokens kept, see `TokenFilter`. Default: all. */
  readonly topK?: number
  /** Nucleus in (0, 1], see `TokenFilter`. Default 1. */
  readonly topP?: number
  /** Takes the likeliest token everywhere, so that all samples are equal. Default false. */
  readonly greedy?: boolean
  /** Strength of classifier-free guidance at the finest scale; 0 runs no unconditional pass. Default 0. */
  readonly guidance?: number
  /** Keeps the mask after every scale, of all samples or of the first so many. Default false. */
  readonly stages?: boolean | number
  /** Samples run together; fewer need less memory. Default: all. */
  readonly rowsPerBatch?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: SamplingProgress) => void
}

/** Options with every default filled in, checked against the engine. */
export interface SamplingPlan {
  readonly samples: number
  readonly firstSample: number
  readonly seed: number
  readonly imageStream: number
  readonly classIndex: number
  readonly guidance: number
  /** Number of samples whose stages are kept. */
  readonly staged: number
  readonly rowsPerBatch: number
  /** One for each scale. */
  readonly draws: readonly TokenDraw[]
  readonly signal: AbortSignal | undefined
  readonly onProgress: (progress: SamplingProgress) => void
}

/** @throws SeptumError `sampling-options` or `token-filter`. */
export function planSampling(options: SamplingOptions, scales: number, vocabulary: number): SamplingPlan {
  const { samples = 1, firstSample = 0, classIndex = 0, guidance = 0, rowsPerBatch = samples } = options
  const { temperature = 1, topK, topP, greedy = false, stages = false } = options
  requireWhole('samples', samples, 1)
  requireWhole('firstSample', firstSample, 0)
  requireWhole('classIndex', classIndex, 0)
  requireWhole('rowsPerBatch', rowsPerBatch, 1)
  if (typeof stages === 'number') requireWhole('stages', stages, 0)
  if (!(guidance >= 0 && guidance < Infinity)) throw refused('guidance', guidance, 'a number of 0 or more')
  const temperatures = typeof temperature === 'number' ? Array(scales).fill(temperature) : temperature
  if (temperatures.length !== scales) {
    throw refused(
      'temperature',
      `a list of ${temperatures.length}`,
      `one number or ${scales}, one for each scale`,
    )
  }
  return {
    samples,
    firstSample,
    seed: options.seed ?? 0,
    imageStream: options.imageStream ?? 0,
    classIndex,
    guidance,
    staged: Math.min(samples, typeof stages === 'number' ? stages : stages ? samples : 0),
    rowsPerBatch,
    draws: temperatures.map(
      (each) => new TokenDraw(vocabulary, { temperature: greedy ? 0 : each, topK, topP }),
    ),
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
  }
}

function requireWhole(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw refused(option, value, `a whole number of ${least} or more`)
  }
}

function refused(option: string, value: number | string, expected: string): SeptumError {
  return new SeptumError('sampling-options', `${option} is ${value}`, `Give ${expected}.`, { option })
}
