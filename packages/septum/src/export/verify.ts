import {
  type BundleModel,
  type BundleVerification,
  NextScaleBundle,
  type NextScaleEngine,
  type NextScaleGraphs,
  type SampledMasks,
  SeptumError,
  sampleMasks,
} from '@septum/core'
import { type Tensor, tensor } from '@septum/torch'
import type { BundleParts, SegmentationModel } from '../methods/method.js'

/** Largest difference from the trainer that a bundle may have. */
export const tolerance = 1e-4

/** Samples that are drawn for each class of each image. */
const SAMPLES = 2
const SEED = 1

/** A real image as the network sees it: [C, ...size]. */
export interface VerificationImage {
  readonly data: Float32Array
  readonly size: readonly number[]
}

export interface VerifyRequest {
  readonly trainer: SegmentationModel
  readonly parts: BundleParts
  readonly bundle: BundleModel
  readonly images: readonly VerificationImage[]
  readonly signal?: AbortSignal
}

/** What was found; `engine` names the runtime. */
export type Verified = Omit<BundleVerification, 'engine' | 'tolerance'>

/**
 * Compares a bundle with the trained model on images. One mask: probabilities. Sampling: logits of all scales and
 * mask logits under equal tokens, and then the tokens that both draw with one seed.
 */
export async function verify(request: VerifyRequest): Promise<Verified> {
  const { parts, bundle, trainer, images, signal } = request
  let maxDifference = 0
  let compared = 0
  let unlike = 0
  for (const [index, image] of images.entries()) {
    signal?.throwIfAborted()
    const channels = bundle.manifest.channels
    const input = tensor(image.data, { shape: [1, channels, ...image.size] })
    try {
      if (bundle instanceof NextScaleBundle && parts.engine && parts.model.kind === 'next-scale') {
        const engines = { model: parts.model, trainer: parts.engine, bundle }
        const found = await compareSampling(engines, input, image, index)
        maxDifference = larger(maxDifference, found.difference)
        compared += found.compared
        unlike += found.unlike
      } else {
        const wanted = await trainer.predict(input, {
          samples: 1,
          seed: SEED,
          firstImage: index,
          rule: 'vote',
          stages: false,
        })
        const { probabilities } = await bundle.predict(image.data, image.size)
        maxDifference = larger(maxDifference, difference(wanted.probabilities.data, probabilities.data))
      }
    } finally {
      input.free()
    }
  }
  return { images: images.length, maxDifference, ...(compared > 0 ? { tokens: { compared, unlike } } : {}) }
}

interface Engines {
  readonly model: NextScaleGraphs
  readonly trainer: NextScaleEngine<unknown, unknown, Tensor>
  readonly bundle: NextScaleBundle
}

async function compareSampling(
  { model, trainer, bundle }: Engines,
  input: Tensor,
  image: VerificationImage,
  index: number,
): Promise<{ difference: number; compared: number; unlike: number }> {
  const { engine } = bundle
  const shape = [bundle.manifest.channels, ...image.size]
  const [left, right] = [await trainer.encode(input), await engine.encode({ data: image.data, shape })]
  const { sampling } = model
  const result = { difference: 0, compared: 0, unlike: 0 }
  try {
    for (const classIndex of bundle.manifest.classes.keys()) {
      const options = {
        samples: SAMPLES,
        seed: SEED,
        imageStream: index,
        classIndex,
        temperature: sampling.temperature,
        topK: sampling.topK ?? undefined,
        topP: sampling.topP,
        guidance: sampling.guidance,
      }
      const drawn = await sampleMasks(trainer, left, options)
      const own = await sampleMasks(engine, right, options)
      for (const [row, tokens] of drawn.tokens.entries()) {
        for (const [t, token] of tokens.entries()) {
          result.compared++
          if (own.tokens[row]![t] !== token) result.unlike++
        }
      }
      const followed = [
        await follow(trainer, left, classIndex, drawn),
        await follow(engine, right, classIndex, drawn),
      ]
      for (const [i, values] of followed[0]!.entries())
        result.difference = larger(result.difference, difference(values, followed[1]![i]!))
    }
  } finally {
    await trainer.releaseCondition(left)
    await engine.releaseCondition(right)
  }
  return result
}

/** Logits of all scales and of the masks when an engine is given the tokens that were drawn. */
async function follow<Condition, State, Image>(
  engine: NextScaleEngine<Condition, State, Image>,
  condition: Condition,
  classIndex: number,
  drawn: SampledMasks,
): Promise<Float32Array[]> {
  const state = await engine.begin(condition, SAMPLES, classIndex)
  try {
    const seen: Float32Array[] = []
    let at = 0
    for (const [k, side] of engine.scales.entries()) {
      const logits = await engine.logits(state, k)
      seen.push(logits.slice())
      const count = side * side
      const tokens = new Int32Array(SAMPLES * count)
      for (const [row, all] of drawn.tokens.entries()) tokens.set(all.subarray(at, at + count), row * count)
      await engine.accept(state, k, tokens)
      at += count
    }
    seen.push((await engine.decode(state)).data)
    return seen
  } finally {
    await engine.release(state)
  }
}

/** The larger of two differences; one that is no number stays. */
const larger = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)

/** Largest absolute difference; NaN where one of them has other lengths or values that are no numbers. */
function difference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!)
    if (!(d <= largest)) largest = d
    if (Number.isNaN(d)) return d
  }
  return largest
}

/** @throws SeptumError `export-differs` */
export function requireEqual({ maxDifference, images }: Verified): void {
  if (maxDifference <= tolerance) return
  throw new SeptumError(
    'export-differs',
    `On ${images} images the exported model differs from the trained one by up to ${maxDifference.toPrecision(2)}, more than ${tolerance}; no bundle was written`,
    'After very few steps values inside a network can be so large that rounding shows: train on and export again. Otherwise please report it with the method and its options.',
  )
}
