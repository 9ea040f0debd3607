import { tensor } from '@septum/torch'
import { expect, it } from 'vitest'
import { edgeTarget } from './edge-target.js'

it('marks the pixels of a mask that touch its outside, and none along the border of the image', () => {
  const mask = [
    [0, 0, 0, 0, 0, 0],
    [0, 1, 1, 1, 1, 1],
    [0, 1, 1, 1, 1, 1],
    [0, 1, 1, 1, 1, 1],
    [0, 0, 1, 1, 1, 1],
  ]
  // Row 3, column 2 touches the outside at a corner only.
  const edge = [
    [0, 0, 0, 0, 0, 0],
    [0, 1, 1, 1, 1, 1],
    [0, 1, 0, 0, 0, 0],
    [0, 1, 1, 0, 0, 0],
    [0, 0, 1, 0, 0, 0],
  ]
  const found = edgeTarget(tensor(mask.flat(), { shape: [1, 1, 5, 6] }))
  expect([...found.toTypedArray()]).toEqual(edge.flat())
})
