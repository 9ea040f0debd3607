import { describe, expect, it } from 'vitest'
import { formatTick, linearAxis, logAxis } from './ticks.js'

describe('linearAxis', () => {
  it.each([
    // 1 / 4 = 0.25, nearest step (by ratio) 0.2: 0.25 / 0.2 = 1.25 against 0.5 / 0.25 = 2.
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    // 0.272 / 4 = 0.068, nearest step 0.05, so from 0.25 to 0.55.
    [0.25, 0.522, 5, [0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55]],
    // 1099 / 5 = 219.8, step 200.
    [0, 1099, 6, [0, 200, 400, 600, 800, 1000, 1200]],
    // 60 / 3 = 20, step 20, below zero too.
    [-25, 35, 4, [-40, -20, 0, 20, 40]],
    // No range: 10 % to either side, 9 to 11, step 2 / 4 = 0.5.
    [10, 10, 5, [9, 9.5, 10, 10.5, 11]],
    [0, 0, 5, [-1, -0.5, 0, 0.5, 1]],
  ])('from %d to %d with about %d ticks', (low, high, count, ticks) => {
    expect(linearAxis(low, high, count)).toEqual({ low: ticks[0], high: ticks.at(-1), ticks })
  })
})

describe('logAxis', () => {
  it.each([
    [0.03, 2.1, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]],
    [0.97, 6.9, [0.5, 1, 2, 5, 10]],
    [0.004, 900, [0.001, 0.01, 0.1, 1, 10, 100, 1000]],
    [1, 1, [1, 2]],
  ])('from %d to %d', (low, high, ticks) => {
    expect(logAxis(low, high)).toEqual({ low: ticks[0], high: ticks.at(-1), ticks })
  })
})

it.each([
  [0, '0'],
  [0.25, '0.25'],
  [-40, '-40'],
  [1200, '1.2k'],
  [2_500_000, '2.5M'],
  [0.00001, '1e-5'],
])('writes %d as %s', (value, text) => expect(formatTick(value)).toBe(text))
