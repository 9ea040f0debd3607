import { ones, rand } from '@septum/torch'
import { expect, it } from 'vitest'
import { cutTo, padToMultiple } from './pad-to-multiple.js'

it.each([
  [[1, 2, 5, 8], 4, [1, 2, 8, 8]],
  [[2, 1, 16, 33], 16, [2, 1, 16, 48]],
  [[1, 1, 3, 4, 5], 2, [1, 1, 4, 4, 6]],
])('[%s] to multiples of %i', (shape, multiple, wanted) => {
  const x = rand(shape)
  const padded = padToMultiple(x, multiple)
  expect(padded.shape).toEqual(wanted)
  expect(cutTo(padded, shape.slice(2)).equal(x)).toBe(true)
  // Nothing but zeros was added.
  expect(padToMultiple(ones(shape), multiple).sum().item()).toBe(shape.reduce((a, b) => a * b))
})

it('leaves alone what fits', () => {
  const x = rand([1, 1, 4, 8])
  expect(padToMultiple(x, 4)).toBe(x)
})
