import { type BundleModel, type BundlePrecision, countBoth, diceFromCounts, packMask } from '@septum/core'
import type { LabelledImage } from '../images.js'

const SEED = 1

/** What a bundle gives for an image. */
export interface Answer {
  /** [classes, ...size] */
  readonly probabilities: Float32Array
  /** [classes, ...size], 0 or 1: of a model that samples, what more than half of the samples mark. */
  readonly mask: Float32Array
}

/** Runs a bundle on one image; equal numbers of an image draw equal random numbers. */
export async function answerOf(bundle: BundleModel, image: LabelledImage, index: number): Promise<Answer> {
  const { probabilities, samples } = await bundle.predict(image.data, image.size, {
    seed: SEED,
    imageStream: index,
  })
  const sampling = bundle.manifest.model.kind === 'next-scale'
  return {
    probabilities: probabilities.data,
    mask: sampling ? probabilities.data.map((p) => (p > 0.5 ? 1 : 0)) : samples.data,
  }
}

/** Dice of two masks; two empty ones agree fully. */
function dice(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [first, second] = [packMask(Uint8Array.from(a)), packMask(Uint8Array.from(b))]
  return diceFromCounts(countBoth(first, second), first.count, second.count)
}

export type Comparison = Pick<BundlePrecision, 'maxDifference' | 'meanDifference' | 'dice'>

/**
 * Means over images and classes: Dice of both bundles against the raters, of their masks with each other, and how far
 * their probabilities are apart.
 */
export function compareAnswers(
  images: readonly LabelledImage[],
  split: BundlePrecision['dice']['split'],
  single: readonly Answer[],
  reduced: readonly Answer[],
): Comparison {
  let [most, sum, samples, count] = [0, 0, 0, 0]
  const total = { single: 0, reduced: 0, agreement: 0 }
  for (const [i, { classes }] of images.entries()) {
    const [a, b] = [single[i]!, reduced[i]!]
    const pixels = a.mask.length / classes.length
    for (let k = 0; k < a.probabilities.length; k++) {
      const difference = Math.abs(a.probabilities[k]! - b.probabilities[k]!)
      if (!(difference <= most)) most = difference
      sum += difference
    }
    samples += a.probabilities.length
    for (const [c, { reference, counted }] of classes.entries()) {
      const part = ({ mask }: Answer) =>
        mask.subarray(c * pixels, (c + 1) * pixels).map((value, k) => (counted && !counted[k] ? 0 : value))
      const [own, other] = [part(a), part(b)]
      total.single += dice(own, reference)
      total.reduced += dice(other, reference)
      total.agreement += dice(own, other)
      count++
    }
  }
  return {
    maxDifference: most,
    meanDifference: sum / samples,
    dice: {
      images: images.length,
      split,
      single: total.single / count,
      reduced: total.reduced / count,
      agreement: total.agreement / count,
    },
  }
}
