import { SeptumError } from '../error.js'
import { expNonPositive } from '../portable-exp.js'
import { cutTail, kthLargest, type TailCut } from './select.js'

export interface TokenFilter {
  /** Divides the logits; 0 takes the largest logit (the first of equal ones). Default 1. */
  readonly temperature?: number
  /** Keeps exactly so many of the largest logits, of equal ones the first. Default: all. */
  readonly topK?: number
  /**
   * Nucleus, in (0, 1]: of what top-k left, drops the tail of least likely tokens whose total probability
   * is at most 1 - topP, of equally likely ones the last; the best token always stays. Default 1.
   */
  readonly topP?: number
}

/** One logit in so many tells where about the k-th largest lies. */
const PROBE_STRIDE = 8

/**
 * Draws tokens from rows of logits: temperature, top-k, softmax, top-p, categorical draw (AR-Seg section 5,
 * VAR section 9.4). All buffers belong to the object, so that a draw allocates nothing; the result is a
 * function of logits and uniform number only, the same in every JavaScript engine.
 *
 * The reference keeps every logit that ties with the k-th largest; here exactly k stay, so that topK = 1
 * is the same as greedy.
 */
export class TokenDraw {
  private readonly temperature: number
  private readonly topK: number
  private readonly topP: number
  private readonly selection: Float32Array
  private readonly kept: Int32Array
  private readonly weights: Float64Array
  private readonly tail: Float64Array
  private readonly cut: TailCut = { threshold: 0, ties: 0 }
  private count = 0
  private total = 0

  /**
   * @param vocabulary number of logits in a row, V.
   * @throws SeptumError `token-filter` for values outside their range.
   */
  constructor(
    readonly vocabulary: number,
    filter: TokenFilter = {},
  ) {
    const { temperature = 1, topK = vocabulary, topP = 1 } = filter
    if (!(temperature >= 0 && temperature < Infinity)) {
      throw refused('temperature', temperature, 'a number of 0 or more')
    }
    if (!(Number.isInteger(topK) && topK >= 1)) throw refused('topK', topK, 'a whole number of 1 or more')
    if (!(topP > 0 && topP <= 1)) throw refused('topP', topP, 'a number above 0 and up to 1')
    this.temperature = temperature
    this.topK = Math.min(topK, vocabulary)
    this.topP = topP
    this.selection = new Float32Array(vocabulary)
    this.kept = new Int32Array(vocabulary)
    this.weights = new Float64Array(vocabulary)
    this.tail = new Float64Array(vocabulary)
  }

  /**
   * @param logits holds V logits from `offset` on; -Infinity is a token that cannot come.
   * @param uniform number in [0, 1).
   * @returns the token, in [0, V).
   * @throws SeptumError `logits-not-finite` for NaN, +Infinity or a row of -Infinity.
   */
  draw(logits: Float32Array, offset: number, uniform: number): number {
    this.filter(logits, offset)
    const target = uniform * this.total
    const last = this.count - 1
    let sum = 0
    for (let i = 0; i < last; i++) {
      sum += this.weights[i]!
      if (target < sum) return this.kept[i]!
    }
    // Rounding can leave the sum just below the target; the last token that has a weight takes the rest.
    let end = last
    while (end > 0 && this.weights[end] === 0) end--
    return this.kept[end]!
  }

  /** The probabilities [V] that `draw` draws from. @throws as `draw`. */
  probabilities(logits: Float32Array, offset = 0): Float64Array {
    this.filter(logits, offset)
    const result = new Float64Array(this.vocabulary)
    for (let i = 0; i < this.count; i++) result[this.kept[i]!] = this.weights[i]! / this.total
    return result
  }

  /** Fills `kept` (ascending) and `weights` with the first `count` possible tokens, and `total`. */
  private filter(logits: Float32Array, offset: number): void {
    const size = this.vocabulary
    let best = -Infinity
    let bestToken = 0
    let valid = true
    for (let token = 0; token < size; token++) {
      const logit = logits[offset + token]!
      if (logit > best) {
        best = logit
        bestToken = token
      } else if (!(logit <= best)) valid = false
    }
    if (!valid || best === Infinity || best === -Infinity) throw notFinite(Math.floor(offset / size))
    if (this.temperature === 0 || this.topK === 1) {
      this.kept[0] = bestToken
      this.weights[0] = 1
      this.count = 1
      this.total = 1
      return
    }
    if (this.topK < size) this.keepLargest(logits, offset)
    else {
      for (let token = 0; token < size; token++) this.kept[token] = token
      this.count = size
    }
    let total = 0
    for (let i = 0; i < this.count; i++) {
      const weight = expNonPositive((logits[offset + this.kept[i]!]! - best) / this.temperature)
      this.weights[i] = weight
      total += weight
    }
    this.total = total
    if (this.topP < 1) this.keepNucleus()
  }

  private keepLargest(logits: Float32Array, offset: number): void {
    const { selection, kept, topK } = this
    const candidates = this.gatherCandidates(logits, offset)
    const least = kthLargest(selection, candidates, topK)
    // The k largest now come first, so that these are the places left for what ties with the least of them.
    let ties = 0
    for (let i = 0; i < topK; i++) if (selection[i] === least) ties++
    let count = 0
    for (let i = 0; count < topK; i++) {
      const token = kept[i]!
      const logit = logits[offset + token]!
      if (logit > least || (logit === least && ties-- > 0)) kept[count++] = token
    }
    this.count = count
  }

  /**
   * Narrows the row down to a little more than its k largest logits: all that reach a bound taken from the
   * order of a small part of the row. Fills `kept` (ascending) and `selection` with them; with the whole
   * row in the rare case that the bound was too high.
   */
  private gatherCandidates(logits: Float32Array, offset: number): number {
    const { selection, kept, topK, vocabulary } = this
    const probes = Math.floor(vocabulary / PROBE_STRIDE)
    const rank = Math.ceil((1.3 * topK) / PROBE_STRIDE) + 6
    let bound = -Infinity
    if (rank <= probes / 2) {
      for (let i = 0; i < probes; i++) selection[i] = logits[offset + i * PROBE_STRIDE]!
      bound = kthLargest(selection, probes, rank)
    }
    let count = 0
    for (let token = 0; token < vocabulary; token++) {
      const logit = logits[offset + token]!
      kept[count] = token
      selection[count] = logit
      count += Number(logit >= bound)
    }
    if (count >= topK) return count
    for (let token = 0; token < vocabulary; token++) {
      kept[token] = token
      selection[token] = logits[offset + token]!
    }
    return vocabulary
  }

  private keepNucleus(): void {
    const { kept, weights, tail, cut } = this
    const mass = (1 - this.topP) * this.total
    // Weights up to mass / count cannot exceed the mass together: all of them go, and need no ordering.
    const surely = mass / this.count
    let dropped = 0
    let candidates = 0
    for (let i = 0; i < this.count; i++) {
      const weight = weights[i]!
      tail[candidates] = weight
      const open = Number(weight > surely)
      candidates += open
      dropped += (1 - open) * weight
    }
    if (candidates > 0) cutTail(tail, candidates, Math.max(0, mass - dropped), cut)
    else {
      // All weights are equal and the mass is everything.
      for (let i = 0; i < this.count; i++) tail[i] = weights[i]!
      cutTail(tail, this.count, mass, cut)
    }
    let equal = 0
    for (let i = 0; i < this.count; i++) if (weights[i] === cut.threshold) equal++
    let ties = equal - cut.ties
    let count = 0
    let total = 0
    for (let i = 0; i < this.count; i++) {
      const weight = weights[i]!
      if (weight > cut.threshold || (weight === cut.threshold && ties-- > 0)) {
        kept[count] = kept[i]!
        weights[count++] = weight
        total += weight
      }
    }
    this.count = count
    this.total = total
  }
}

function refused(option: string, value: number, expected: string): SeptumError {
  return new SeptumError('token-filter', `${option} is ${value}`, `Give ${expected}.`, { option })
}

function notFinite(row: number): SeptumError {
  return new SeptumError(
    'logits-not-finite',
    `Row ${row} of the token logits has no finite largest value`,
    'The model diverged: train again from an earlier checkpoint.',
  )
}
