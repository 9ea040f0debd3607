import { describe, expect, it } from 'vitest'
import { entropyMap, fuseSamples, labelMap, varianceMap } from './consensus.js'
import { packMask } from './metrics/bit-mask.js'
import { softDice } from './metrics/multi-rater.js'
import { Random } from './random.js'

const logits = (...values: number[]) => Float32Array.from(values)

describe('fuseSamples', () => {
  it.each(['vote', 'mean'] as const)('returns the sample when there is one (%s)', (rule) => {
    const fused = fuseSamples([logits(3, -2, 0, 0.5)], rule)
    expect([...fused.mask]).toEqual([1, 0, 0, 1])
    expect([...fused.uncertainty.disagreement]).toEqual([0, 0, 0, 0])
  })

  it('counts votes: 4 samples, pixels marked by 0 to 4 of them', () => {
    const samples = [1, 2, 3, 4].map((least) =>
      Float32Array.from([0, 1, 2, 3, 4], (n) => (n >= least ? 9 : -9)),
    )
    const { probability, mask, uncertainty } = fuseSamples(samples)
    expect([...probability]).toEqual([0, 0.25, 0.5, 0.75, 1])
    // Exactly half is background.
    expect([...mask]).toEqual([0, 0, 0, 1, 1])
    expect([...uncertainty.variance]).toEqual([0, 0.75, 1, 0.75, 0])
    // H(1/4) = 2 - 3/4 log2(3) = 0.811278 bits.
    const entropy = [0, 0.811278, 1, 0.811278, 0]
    for (const [pixel, bits] of entropy.entries()) expect(uncertainty.entropy[pixel]).toBeCloseTo(bits, 6)
    // Of 6 pairs: 1*3, 2*2, 3*1 differ.
    expect([...uncertainty.disagreement]).toEqual([0, 0.5, Math.fround(4 / 6), 0.5, 0])
  })

  it('averages probabilities: sigmoid(ln 3) = 3/4, sigmoid(-ln 3) = 1/4', () => {
    const l = Math.log(3)
    const { probability, mask } = fuseSamples([logits(l, l, 50, -50), logits(l, -l, 50, -50)], 'mean')
    expect(probability[0]).toBeCloseTo(0.75, 6)
    expect(probability[1]).toBeCloseTo(0.5, 6)
    expect([...probability.slice(2)]).toEqual([1, expect.closeTo(0, 12)])
    expect([mask[0], mask[2], mask[3]]).toEqual([1, 1, 0])
  })

  it('does not depend on the order of the samples', () => {
    const random = new Random(3)
    const samples = Array.from({ length: 7 }, () => Float32Array.from({ length: 50 }, () => random.normal()))
    for (const rule of ['vote', 'mean'] as const) {
      expect(fuseSamples(random.shuffle(samples), rule)).toEqual(fuseSamples(samples, rule))
    }
  })

  it('refuses nothing, unequal sizes and NaN', () => {
    expect(() => fuseSamples([])).toThrow(/no mask/)
    expect(() => fuseSamples([logits(1), logits(1, 2)])).toThrow(/cannot be fused/)
    expect(() => fuseSamples([logits(1, Number.NaN)])).toThrow(/Pixel 1/)
  })
})

describe('labelMap', () => {
  it('takes the largest probability above one half, the first of equal ones', () => {
    const labels = labelMap([logits(0.6, 0.4, 0.9, 0.5, 0.7), logits(0.8, 0.45, 0.2, 0.5, 0.7)])
    expect([...labels]).toEqual([2, 0, 1, 0, 1])
    expect(() => labelMap([logits(1), logits(1, 0)])).toThrow(/equal size/)
    expect(labelMap([]).length).toBe(0)
  })
})

it('maps of uncertainty are 0 for sure and 1 for undecided pixels', () => {
  expect([...varianceMap(logits(0, 0.5, 1))]).toEqual([0, 1, 0])
  expect([...entropyMap(logits(0, 0.5, 1))]).toEqual([0, 1, 0])
})

it('Soft-Dice grows with the number of samples on ambiguous discs', () => {
  // Four raters draw discs of radius 5, 8, 8, 11; an ideal sampler draws raters at random.
  const side = 32
  const disc = (radius: number) =>
    Uint8Array.from({ length: side * side }, (_, i) => {
      const dy = Math.floor(i / side) - 15.5
      const dx = (i % side) - 15.5
      return dx * dx + dy * dy <= radius * radius ? 1 : 0
    })
  const raters = [5, 8, 8, 11].map((radius) => packMask(disc(radius)))
  const means = [1, 2, 4, 8, 16, 32].map((count) => {
    let total = 0
    for (let image = 0; image < 200; image++) {
      const random = new Random(1, image, count)
      const drawn = Array.from({ length: count }, () => raters[random.int(4)]!)
      total += softDice(drawn, raters)
    }
    return total / 200
  })
  for (let i = 1; i < means.length; i++) expect(means[i]! + 0.005).toBeGreaterThan(means[i - 1]!)
  expect(means.at(-1)! - means[0]!).toBeGreaterThan(0.05)
})
