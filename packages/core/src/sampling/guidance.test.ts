import { expect, it } from 'vitest'
import { guidanceWeight, guide } from './guidance.js'

it('grows from 0 to its strength over the scales', () => {
  expect([0, 1, 2, 3, 4].map((k) => guidanceWeight(1.5, k, 5))).toEqual([0, 0.375, 0.75, 1.125, 1.5])
  expect(guidanceWeight(1.5, 0, 1)).toBe(1.5)
})

it('moves away from the unconditional logits: (1 + 0.5) 2 - 0.5 * 4 = 1', () => {
  expect([...guide(Float32Array.of(2, -1), Float32Array.of(4, -1), 0.5)]).toEqual([1, -1])
})
