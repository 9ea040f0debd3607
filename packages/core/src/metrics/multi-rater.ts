import { type BitMask, countBoth } from './bit-mask.js'
import { assign } from './hungarian.js'
import { dice, diceFromCounts, type EmptyRule, iou, iouFromCounts } from './overlap.js'
import { countVotes, type VoteCounts, votedMask } from './votes.js'

/**
 * Scores of N sampled masks S_i against M rater masks Y_j of one image and one class. Overlaps of two
 * empty masks follow the `bothEmpty` rule, except in Soft-Dice, whose smoothing makes them 1.
 */
export interface MultiRaterScores {
  /** Squared generalised energy distance, 2 cross - sampleDiversity - raterDiversity, 0 (best) to 2. */
  readonly ged: number
  /** Mean of 1 - IoU over all pairs (S_i, Y_j). */
  readonly cross: number
  /** Mean of 1 - IoU over all N^2 ordered pairs of samples, i = i' included (the V-statistic). */
  readonly sampleDiversity: number
  /** The same of the raters, over M^2 pairs. */
  readonly raterDiversity: number
  /**
   * D-Persona's energy distance: both diversities over the pairs of different masks only. It reads
   * lower than `ged`, may be negative, and is NaN for one sample or one rater.
   */
  readonly gedWithoutDiagonal: number
  /** Mean IoU under the best one-to-one matching after repeating both sets to lcm(N, M) masks. */
  readonly hmIou: number
  /** Mean Dice of the mean maps cut at 0.1, 0.3, 0.5, 0.7, 0.9. */
  readonly softDice: number
  /** Coverage, the D_max (MDM) of CIMD and ATFM: mean over raters of the best sample's Dice. Grows with N. */
  readonly dMax: number
  /** Relevance, the `dice_max` of SeqSAM and D-Persona: mean over samples of the best rater's Dice. */
  readonly dMaxPerSample: number
  /** Mean Dice over all N M pairs (S_i, Y_j). */
  readonly dAvg: number
  /** Mean over raters of Dice(vote, Y_j), vote = pixels of more than half of the samples; SeqSAM's D_avg. */
  readonly dVote: number
  /** Mean Dice of the min(N, M) pairs of the best one-to-one matching without repeats (D-Persona). */
  readonly dMatch: number
  /** Mean over samples of Dice(S_i, majority), majority = pixels of more than half of the raters. */
  readonly perSampleDice: number
  /** The same with IoU. */
  readonly perSampleIou: number
  /** Dice of vote and majority. */
  readonly consensusDice: number
  /** IoU of vote and majority. */
  readonly consensusIou: number
}

export interface MultiRaterOptions {
  /** Default `perfect`. */
  readonly bothEmpty?: Exclude<EmptyRule, 'undefined'>
}

/** Cuts of the mean maps in Soft-Dice; a pixel passes where the mean is strictly above. */
export const SOFT_DICE_THRESHOLDS: readonly number[] = [0.1, 0.3, 0.5, 0.7, 0.9]
const SOFT_DICE_SMOOTHING = 1e-6

/**
 * All set-against-set scores of one image. Order within either set is irrelevant.
 * @throws SeptumError `mask-none` for an empty set, `mask-size` for unequal sizes.
 */
export function multiRaterScores(
  samples: readonly BitMask[],
  raters: readonly BitMask[],
  options: MultiRaterOptions = {},
): MultiRaterScores {
  const rule = options.bothEmpty ?? 'perfect'
  const sampleVotes = countVotes(samples)
  const raterVotes = countVotes(raters)
  const vote = votedMask(sampleVotes, 0.5)
  const majority = votedMask(raterVotes, 0.5)
  const pairs = pairTable(samples, raters, rule)
  const cross = 1 - average(pairs.iou)
  const within = pairDistances(samples, rule)
  const between = pairDistances(raters, rule)
  const matched = assign(
    pairs.dice.map((value) => 1 - value),
    samples.length,
    raters.length,
  )
  return {
    ged: 2 * cross - within.all - between.all,
    cross,
    sampleDiversity: within.all,
    raterDiversity: between.all,
    gedWithoutDiagonal: 2 * cross - within.different - between.different,
    hmIou: matchedMean(pairs.iou, samples.length, raters.length),
    softDice: softDiceOfVotes(sampleVotes, raterVotes),
    dMax: meanOfBest(pairs.dice, raters.length, samples.length, 1, raters.length),
    dMaxPerSample: meanOfBest(pairs.dice, samples.length, raters.length, raters.length, 1),
    dAvg: average(pairs.dice),
    dVote: average(raters.map((rater) => dice(vote, rater, rule))),
    dMatch: 1 - matched.cost / Math.min(samples.length, raters.length),
    perSampleDice: average(samples.map((sample) => dice(sample, majority, rule))),
    perSampleIou: average(samples.map((sample) => iou(sample, majority, rule))),
    consensusDice: dice(vote, majority, rule),
    consensusIou: iou(vote, majority, rule),
  }
}

/**
 * Mean, over the five thresholds, of the Dice of {mean sample > t} and {mean rater > t}, smoothed by 1e-6
 * (BerDiff, D-Persona). Samples are hard masks, so that means are multiples of 1/N and 1/M.
 */
export function softDice(samples: readonly BitMask[], raters: readonly BitMask[]): number {
  return softDiceOfVotes(countVotes(samples), countVotes(raters))
}

function softDiceOfVotes(samples: VoteCounts, raters: VoteCounts): number {
  let total = 0
  for (const threshold of SOFT_DICE_THRESHOLDS) {
    const a = votedMask(samples, threshold)
    const b = votedMask(raters, threshold)
    total += (2 * countBoth(a, b) + SOFT_DICE_SMOOTHING) / (a.count + b.count + SOFT_DICE_SMOOTHING)
  }
  return total / SOFT_DICE_THRESHOLDS.length
}

/** IoU and Dice of every sample (row) with every rater (column). */
function pairTable(samples: readonly BitMask[], raters: readonly BitMask[], rule: EmptyRule) {
  const iouTable = new Float64Array(samples.length * raters.length)
  const diceTable = new Float64Array(iouTable.length)
  let index = 0
  for (const sample of samples) {
    for (const rater of raters) {
      const both = countBoth(sample, rater)
      iouTable[index] = iouFromCounts(both, sample.count, rater.count, rule)
      diceTable[index++] = diceFromCounts(both, sample.count, rater.count, rule)
    }
  }
  return { iou: iouTable, dice: diceTable }
}

/** Mean 1 - IoU inside a set, over all ordered pairs and over the pairs of different masks. */
function pairDistances(masks: readonly BitMask[], rule: EmptyRule): { all: number; different: number } {
  let different = 0
  let same = 0
  for (const [i, a] of masks.entries()) {
    same += 1 - iouFromCounts(a.count, a.count, a.count, rule)
    for (let j = 0; j < i; j++) different += 2 * (1 - iou(a, masks[j]!, rule))
  }
  const n = masks.length
  return { all: (different + same) / (n * n), different: n > 1 ? different / (n * (n - 1)) : Number.NaN }
}

/** Optimal mean of the table's values when both sets are repeated to their least common multiple. */
function matchedMean(table: Float64Array, rows: number, columns: number): number {
  const size = (rows / divisor(rows, columns)) * columns
  const cost = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    const row = (i % rows) * columns
    for (let j = 0; j < size; j++) cost[i * size + j] = 1 - table[row + (j % columns)]!
  }
  return 1 - assign(cost, size, size).cost / size
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

/** Mean over `groups` of the largest of their `members` values, found at group * step + member * stride. */
function meanOfBest(
  table: Float64Array,
  groups: number,
  members: number,
  step: number,
  stride: number,
): number {
  let total = 0
  for (let group = 0; group < groups; group++) {
    let best = 0
    for (let member = 0; member < members; member++) {
      best = Math.max(best, table[group * step + member * stride]!)
    }
    total += best
  }
  return total / groups
}

function average(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]!
  return total / values.length
}
