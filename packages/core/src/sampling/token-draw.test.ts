import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { TokenDraw, type TokenFilter } from './token-draw.js'

const row = Float32Array.of(0.3, -1.2, 2.1, 0.9, -0.4, 1.7, -2.5, 0.05)

describe('probabilities', () => {
  // PyTorch in float64, VAR's rule: logits / T, below topk(k).min() -> -inf, ascending sort, softmax, cumsum <= 1 - p -> -inf.
  it.each<[TokenFilter, number[]]>([
    [
      {},
      [
        0.069030775, 0.015402848, 0.417611853, 0.125782273, 0.034279668, 0.279933596, 0.004197766,
        0.053761222,
      ],
    ],
    [
      { temperature: 0.5 },
      [0.017161604, 0.000854426, 0.628084417, 0.056978533, 0.004232, 0.28221652, 0.000063461, 0.010409039],
    ],
    [{ topK: 3 }, [0, 0, 0.507224331, 0.152773033, 0, 0.340002637, 0, 0]],
    [{ topP: 0.8 }, [0, 0, 0.507224331, 0.152773033, 0, 0.340002637, 0, 0]],
    [{ topP: 0.5 }, [0, 0, 0.59868766, 0, 0, 0.40131234, 0, 0]],
    [{ topP: 1e-9 }, [0, 0, 1, 0, 0, 0, 0, 0]],
    [{ temperature: 2, topK: 5, topP: 0.7 }, [0, 0, 0.422378921, 0.231806467, 0, 0.345814612, 0, 0]],
    [
      { temperature: 0.7, topK: 4, topP: 0.96 },
      [0.04196395, 0, 0.549077442, 0.098884626, 0, 0.310073982, 0, 0],
    ],
    [{ temperature: 0 }, [0, 0, 1, 0, 0, 0, 0, 0]],
    [{ topK: 1 }, [0, 0, 1, 0, 0, 0, 0, 0]],
  ])('%o equal the reference', (filter, expected) => {
    const actual = new TokenDraw(8, filter).probabilities(row)
    // Logits are float32 here: 1e-7 of rounding.
    for (const [i, p] of expected.entries()) expect(actual[i]).toBeCloseTo(p, 6)
  })

  it('keeps exactly k of tied logits, the first ones', () => {
    const tied = Float32Array.of(1, 2, 1, 2, 1, 0)
    expect([...new TokenDraw(6, { topK: 1 }).probabilities(tied)]).toEqual([0, 1, 0, 0, 0, 0])
    const four = new TokenDraw(6, { topK: 4 }).probabilities(tied)
    expect([...four].map((p) => p > 0)).toEqual([true, true, true, true, false, false])
  })

  it('drops the last of tied tokens from the nucleus', () => {
    // Four at 1/4: topP 0.5 drops a tail of at most 0.5.
    const actual = new TokenDraw(4, { topP: 0.5 }).probabilities(new Float32Array(4))
    expect([...actual]).toEqual([0.5, 0.5, 0, 0])
  })

  it('never gives a forbidden token a chance', () => {
    const some = Float32Array.of(-Infinity, 1, -Infinity, 1)
    expect([...new TokenDraw(4).probabilities(some)]).toEqual([0, 0.5, 0, 0.5])
    expect([...new TokenDraw(4, { topK: 3 }).probabilities(some)]).toEqual([0, 0.5, 0, 0.5])
    expect(new TokenDraw(4).draw(some, 0, 1 - 2 ** -53)).toBe(3)
    expect(new TokenDraw(4).draw(Float32Array.of(0, 1, -Infinity, -Infinity), 0, 1 - 2 ** -53)).toBe(1)
  })

  it('ignores a shift of all logits, however large', () => {
    // 0.25 steps are exact in float32 at 1e6.
    const low = Float32Array.of(0.25, 0.5, -1)
    const high = low.map((value) => value + 1e6)
    expect([...new TokenDraw(3).probabilities(high)]).toEqual([...new TokenDraw(3).probabilities(low)])
  })
})

describe('a row of 1024', () => {
  const random = new Random(21)
  const rows: Record<string, (token: number) => number> = {
    'bell-shaped': () => random.normal() * 3,
    'one sure token': (token) => (token === 700 ? 40 : random.normal()),
    'many ties': () => random.int(6),
    'all equal': () => 1,
    'mostly forbidden': (token) => (token % 40 ? -Infinity : random.normal()),
    // Every eighth logit, the part that is probed, is higher than all others.
    'misleading probes': (token) => (token % 8 ? random.normal() : 10 + random.normal()),
  }
  const filters = [{ topK: 2 }, { topK: 100 }, { topK: 900 }, { topP: 0.9 }, { topK: 300, topP: 0.6 }]

  it.each(Object.keys(rows))('filters %s as sorting does', (name) => {
    const logits = Float32Array.from({ length: 1024 }, (_, token) => rows[name]!(token))
    // Descending, the first of equal ones first.
    const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b)
    for (const { topK = 1024, topP = 1 } of filters) {
      const kept = order.slice(0, topK)
      const weights = kept.map((token) => Math.exp(logits[token]! - logits[order[0]!]!))
      const total = weights.reduce((sum, weight) => sum + weight)
      let tail = 0
      // 1e-9 keeps sums that equal the limit, as they do with ties, on the side of exact arithmetic.
      while (
        kept.length > 1 &&
        (tail + weights[kept.length - 1]!) / total <= 1 - topP + (topP < 1 ? 1e-9 : 0)
      ) {
        tail += weights[kept.length - 1]!
        kept.pop()
      }
      const actual = new TokenDraw(1024, { topK, topP }).probabilities(logits)
      const left = Array.from(actual.keys()).filter((token) => actual[token]! > 0)
      const expected = kept.filter((token) => logits[token]! > -Infinity).sort((a, b) => a - b)
      expect(left).toEqual(expected)
      const sum = weights.slice(0, kept.length).reduce((a, b) => a + b)
      for (const [i, token] of kept.entries()) expect(actual[token]).toBeCloseTo(weights[i]! / sum, 12)
    }
  })
})

describe('draw', () => {
  it('walks the cumulative probabilities in token order', () => {
    // Weights 1, 2, 1: cumulative 1/4, 3/4, 1.
    const draw = new TokenDraw(3)
    const logits = Float32Array.of(9, 9, 9, 0, Math.log(2), 0)
    expect([0, 0.2499, 0.2501, 0.7499, 0.7501, 0.9999].map((u) => draw.draw(logits, 3, u))).toEqual([
      0, 0, 1, 1, 2, 2,
    ])
  })

  it('has the frequencies of the distribution', () => {
    const draw = new TokenDraw(8, { temperature: 0.8, topK: 6, topP: 0.97 })
    const expected = draw.probabilities(row)
    const random = new Random(4)
    const counts = new Float64Array(8)
    const n = 100_000
    for (let i = 0; i < n; i++) counts[draw.draw(row, 0, random.uniform())]!++
    for (const [token, p] of expected.entries()) {
      // Five standard deviations of a binomial count.
      expect(Math.abs(counts[token]! / n - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / n))
    }
  })

  it('becomes greedy as the temperature falls', () => {
    const random = new Random(8)
    const logits = Float32Array.from({ length: 1024 }, () => random.normal())
    const best = logits.indexOf(Math.max(...logits))
    const cold = new TokenDraw(1024, { temperature: 1e-4 })
    for (let i = 0; i < 200; i++) expect(cold.draw(logits, 0, random.uniform())).toBe(best)
    expect(new TokenDraw(1024, { temperature: 0 }).draw(logits, 0, 0.999)).toBe(best)
  })
})

it.each<TokenFilter>([
  { temperature: -1 },
  { temperature: Number.NaN },
  { topK: 0 },
  { topK: 1.5 },
  { topP: 0 },
  { topP: 1.1 },
])('refuses %o', (filter) => {
  expect(() => new TokenDraw(4, filter)).toThrow(expect.objectContaining({ code: 'token-filter' }))
})

it.each([
  [[1, Number.NaN, 0]],
  [[Number.NaN, 1, 0]],
  [[1, Infinity, 0]],
  [[-Infinity, -Infinity, -Infinity]],
])('refuses logits %o under every filter', (values) => {
  const logits = Float32Array.from(values)
  for (const filter of [{}, { topK: 2 }, { topP: 0.5 }, { temperature: 0 }]) {
    expect(() => new TokenDraw(3, filter).draw(logits, 0, 0.5)).toThrow(/Row 0/)
  }
})
