import { expect, it } from 'vitest'
import { expNonPositive, sigmoid } from './portable-exp.js'

it.each([
  // Python: math.exp.
  [0, 1],
  [-1e-9, 0.999999999],
  [-0.34, 0.7117703227626097],
  [-0.35, 0.7046880897187134],
  [-1, 0.36787944117144233],
  [-10.3, 3.363309518571897e-5],
  [-100.7, 1.8473350586794258e-44],
  [-708, 3.307553003638408e-308],
])('e^%d', (x, expected) => {
  expect(Math.abs(expNonPositive(x) / expected - 1)).toBeLessThan(1e-15)
})

it('agrees with the engine everywhere to 1e-15', () => {
  let worst = 0
  for (let x = 0; x > -700; x -= 0.0137)
    worst = Math.max(worst, Math.abs(expNonPositive(x) / Math.exp(x) - 1))
  expect(worst).toBeLessThan(1e-15)
})

it('ends in 0 and keeps NaN', () => {
  expect(expNonPositive(-744)).toBeGreaterThan(0)
  expect(expNonPositive(-746)).toBe(0)
  expect(expNonPositive(-Infinity)).toBe(0)
  expect(expNonPositive(Number.NaN)).toBeNaN()
})

it('sigmoid of 0, ln 3 and the ends', () => {
  expect(sigmoid(0)).toBe(0.5)
  expect(sigmoid(Math.log(3))).toBeCloseTo(0.75, 15)
  expect(sigmoid(-Math.log(3))).toBeCloseTo(0.25, 15)
  expect([sigmoid(Infinity), sigmoid(-Infinity)]).toEqual([1, 0])
})
