import { expect, it } from 'vitest'
import { withEpochs } from './epochs.js'

it('counts passes over the training cases in batches', () => {
  const options = { lr: 1, steps: 20_000, batchSize: 8 }
  // 3 x 100 / 8 = 37.5.
  expect(withEpochs(options, 3, 100)).toEqual({ lr: 1, steps: 38, batchSize: 8 })
  expect(withEpochs(options, null, 100)).toBe(options)
  expect(withEpochs(options, 0.001, 1)).toMatchObject({ steps: 1 })
  expect(withEpochs({ steps: 5, batchSize: null }, 4, 30, 10)).toMatchObject({ steps: 12 })
})

it('shares them among phases as their own recipe does', () => {
  const options = {
    first: { steps: 100, batchSize: 4 },
    second: { steps: 300, batchSize: 4, lr: 2 },
    other: 1,
  }
  // A quarter and three quarters of 8 passes over 50 cases.
  expect(withEpochs(options, 8, 50)).toEqual({
    first: { steps: 25, batchSize: 4 },
    second: { steps: 75, batchSize: 4, lr: 2 },
    other: 1,
  })
})
