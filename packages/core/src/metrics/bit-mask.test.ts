import { expect, it } from 'vitest'
import { Random } from '../random.js'
import { countBoth, packMask, popcount, unpackMask } from './bit-mask.js'
import { countVotes, votedMask } from './votes.js'

it.each([
  [0, 0],
  [1, 1],
  [0x80000000, 1],
  [-1, 32],
  [0x0f0f0f0f, 16],
  [0x12345678, 13],
])('popcount(%i) is %i', (word, bits) => expect(popcount(word)).toBe(bits))

it.each([0, 1, 31, 32, 33, 100])('packs and unpacks %i pixels', (length) => {
  const random = new Random(1, length)
  const values = Uint8Array.from({ length }, () => random.int(2))
  const mask = packMask(values)
  expect(unpackMask(mask)).toEqual(values)
  expect(mask.count).toBe(values.reduce((sum, value) => sum + value, 0))
})

it('marks what is above the threshold', () => {
  expect([...unpackMask(packMask([0, 255, 1, 0]))]).toEqual([0, 1, 1, 0])
  expect([...unpackMask(packMask(Float32Array.of(-1, 0, 1e-9, Number.NaN)))]).toEqual([0, 0, 1, 0])
  expect([...unpackMask(packMask([0.5, 0.51], 0.5))]).toEqual([0, 1])
})

it('counts common pixels and refuses unequal sizes', () => {
  expect(countBoth(packMask([1, 1, 0, 1]), packMask([0, 1, 1, 1]))).toBe(2)
  expect(() => countBoth(packMask([1]), packMask([1, 0]))).toThrow(/cannot be compared/)
})

it.each([1, 2, 3, 4, 10, 16, 50])('votes of %i masks equal counting pixel by pixel', (masks) => {
  const random = new Random(2, masks)
  const sets = Array.from({ length: masks }, () => Uint8Array.from({ length: 77 }, () => random.int(2)))
  const votes = countVotes(sets.map((set) => packMask(set)))
  for (const share of [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1]) {
    const expected = Array.from({ length: 77 }, (_, i) =>
      sets.reduce((sum, set) => sum + set[i]!, 0) / masks > share ? 1 : 0,
    )
    const mask = votedMask(votes, share)
    expect([...unpackMask(mask)]).toEqual(expected)
    expect(mask.count).toBe(expected.reduce((sum: number, bit) => sum + bit, 0))
  }
})

it('a share that lands on a threshold does not pass it', () => {
  // 3 of 10 and 7 of 10 against 0.3 and 0.7.
  const pixel = (count: number) => Array.from({ length: 10 }, (_, i) => packMask([i < count ? 1 : 0]))
  expect(votedMask(countVotes(pixel(3)), 0.3).count).toBe(0)
  expect(votedMask(countVotes(pixel(4)), 0.3).count).toBe(1)
  expect(votedMask(countVotes(pixel(7)), 0.7).count).toBe(0)
  expect(votedMask(countVotes(pixel(8)), 0.7).count).toBe(1)
})

it('refuses to count nothing or unequal sizes', () => {
  expect(() => countVotes([])).toThrow(/no mask/)
  expect(() => countVotes([packMask([1]), packMask([1, 1])])).toThrow(/one size|counted together/)
})
