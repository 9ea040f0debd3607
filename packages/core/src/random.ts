import { SeptumError } from './error.js'

/** Round multipliers and key increments of Philox4x32 (Salmon et al. 2011, table 2). */
const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85
const ROUNDS = 10

const TWO_32 = 2 ** 32
/** Two draws a block and a 32-bit block counter. */
const MAX_POSITION = 2 ** 33
/** The seed takes 53 of the 64 key bits; how the streams are encoded takes the next three. */
const MODE_SHIFT = 21
const MODE_HASHED = 4

/** Upper 32 bits of the product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const low = a0 * b1 + (middle & 0xffff)
  return (a1 * b1 + (middle >>> 16) + (low >>> 16)) >>> 0
}

/**
 * One Philox4x32-10 block: a bijection of the 128-bit counter for each 64-bit key
 * (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * @param counter four unsigned 32-bit words. @param key two unsigned 32-bit words.
 * @param out receives four unsigned 32-bit words; may be `counter`.
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array): void {
  let c0 = counter[0]!
  let c1 = counter[1]!
  let c2 = counter[2]!
  let c3 = counter[3]!
  let k0 = key[0]!
  let k1 = key[1]!
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(MULTIPLIER_0, c0)
    const low0 = Math.imul(MULTIPLIER_0, c0)
    const high1 = mulHigh(MULTIPLIER_1, c2)
    const low1 = Math.imul(MULTIPLIER_1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  out[0] = c0
  out[1] = c1
  out[2] = c2
  out[3] = c3
}

/** All that a `Random` is: enough to continue it elsewhere. */
export interface RandomState {
  readonly seed: number
  readonly streams: readonly number[]
  readonly position: number
}

/**
 * Counter-based random numbers: a draw is a function of (seed, streams, position) and of nothing else,
 * so that any part of a program can make its own draws in any order.
 *
 * Streams name what the draws are for, e.g. (case, sample, class). Up to three streams below 2^32 are
 * written into the counter as they are: two different tuples (also of different length) never share a
 * block. More or larger streams are hashed to 96 bits. Every draw consumes exactly one position.
 *
 * @example new Random(7, caseIndex, sampleIndex).uniform()
 */
export class Random {
  readonly seed: number
  readonly streams: readonly number[]
  private readonly key = new Uint32Array(2)
  private readonly counter = new Uint32Array(4)
  private readonly block = new Uint32Array(4)
  private blockIndex = -1
  private next = 0

  /**
   * @param seed whole number in [0, 2^53). @param streams whole numbers in [0, 2^53).
   * @throws SeptumError `random-seed` for anything else.
   */
  constructor(seed: number, ...streams: number[]) {
    for (const value of [seed, ...streams]) {
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new SeptumError(
          'random-seed',
          `${value} cannot seed random numbers`,
          'Give whole numbers from 0 to 9007199254740991 as seed and streams.',
        )
      }
    }
    this.seed = seed
    this.streams = streams
    const exact = streams.length <= 3 && streams.every((stream) => stream < TWO_32)
    const mode = exact ? streams.length : MODE_HASHED
    this.key[0] = seed % TWO_32
    this.key[1] = Math.floor(seed / TWO_32) | (mode << MODE_SHIFT)
    this.counter.set(exact ? streams : digest(streams), 1)
  }

  /** A generator that continues exactly where `state` was taken. */
  static from(state: RandomState): Random {
    const random = new Random(state.seed, ...state.streams)
    random.position = state.position
    return random
  }

  get state(): RandomState {
    return { seed: this.seed, streams: [...this.streams], position: this.next }
  }

  /** Index of the next draw, 0 to 2^33. Setting it is free: nothing in between is computed. */
  get position(): number {
    return this.next
  }

  set position(value: number) {
    if (!Number.isInteger(value) || value < 0 || value > MAX_POSITION) throw exhausted(value)
    this.next = value
  }

  /** Uniform in [0, 1), 53 random bits. */
  uniform(): number {
    const word = this.advance()
    return ((this.block[word]! >>> 5) * 0x4000000 + (this.block[word + 1]! >>> 6)) / 2 ** 53
  }

  /** Uniform whole number in [0, n), 1 <= n <= 2^32; no value is favoured by more than 2^-21. */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) {
      throw new SeptumError(
        'random-range',
        `Cannot draw a whole number below ${n}`,
        'Give a whole number from 1 to 4294967296.',
      )
    }
    return Math.floor(this.uniform() * n)
  }

  /**
   * Standard normal by Box and Muller's transform of one draw (|x| < 6.7). The last bits follow the
   * JavaScript engine's logarithm and cosine; all other draws are the same everywhere.
   */
  normal(): number {
    const word = this.advance()
    const radius = Math.sqrt(-2 * Math.log((this.block[word]! + 1) / TWO_32))
    return radius * Math.cos((2 * Math.PI * this.block[word + 1]!) / TWO_32)
  }

  /** A copy of `items` in random order (Fisher and Yates), length - 1 draws. */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items]
    for (let last = copy.length - 1; last > 0; last--) {
      const other = this.int(last + 1)
      const kept = copy[last]!
      copy[last] = copy[other]!
      copy[other] = kept
    }
    return copy
  }

  /** Makes `block` hold the next draw. @returns index of its first word, 0 or 2. */
  private advance(): number {
    const position = this.next
    if (position >= MAX_POSITION) throw exhausted(position)
    const index = Math.floor(position / 2)
    if (index !== this.blockIndex) {
      this.counter[0] = index
      philox4x32(this.counter, this.key, this.block)
      this.blockIndex = index
    }
    this.next = position + 1
    return (position % 2) * 2
  }
}

/** Chains Philox blocks over the streams; three of the four words go into the counter. */
function digest(streams: readonly number[]): Uint32Array {
  const chain = new Uint32Array(4)
  const key = Uint32Array.of(streams.length, MODE_HASHED)
  for (const [index, stream] of streams.entries()) {
    chain[0] = chain[0]! ^ (stream % TWO_32)
    chain[1] = chain[1]! ^ Math.floor(stream / TWO_32)
    chain[2] = chain[2]! ^ index
    philox4x32(chain, key, chain)
  }
  return chain.subarray(0, 3)
}

function exhausted(position: number): SeptumError {
  return new SeptumError(
    'random-position',
    `Random numbers have no position ${position}`,
    'Give a whole number from 0 to 8589934591, or another stream.',
  )
}
