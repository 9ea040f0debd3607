import { expect, it } from 'vitest'
import { lowRankPart } from './low-rank.js'

const close = (found: Float32Array, expected: readonly number[]) =>
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4)
  })

it('keeps a component while those before it have not reached the share', () => {
  // Singular values 8, 1, 1 of 10: before the third stand 9 of 10, less than 95 %, so all stay.
  const all = [8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
  close(lowRankPart(Float32Array.from(all), 3, 4, 0.95), all)
  // 96, 2, 2 of 100: the first alone reaches it.
  const first = Float32Array.of(96, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0)
  close(lowRankPart(first, 3, 4, 0.95), [96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
})

it('rebuilds from singular vectors that are no axes', () => {
  // X = 96 u vᵀ + 2 u' v'ᵀ with u = (3, 4) / 5, u' = (-4, 3) / 5, v = (1, 1, 1, 1) / 2, v' = (1, -1, 1, -1) / 2.
  const big = [0.6, 0.8].flatMap((u) => [0.5, 0.5, 0.5, 0.5].map((v) => 96 * u * v))
  const small = [-0.8, 0.6].flatMap((u) => [0.5, -0.5, 0.5, -0.5].map((v) => 2 * u * v))
  close(
    lowRankPart(
      Float32Array.from(big, (x, i) => x + small[i]!),
      2,
      4,
      0.95,
    ),
    big,
  )
})

it('leaves zeros alone', () => {
  close(lowRankPart(new Float32Array(6), 2, 3, 0.95), [0, 0, 0, 0, 0, 0])
})
