import { arange, cat, manualSeed, rand } from '@septum/torch'
import { expect, it } from 'vitest'
import { annotatedPairs } from './annotated.js'
import { structureLoss } from './structure-loss.js'

it('picks the maps that masks tell of', () => {
  const maps = arange(0, 3 * 2 * 4)
    .float()
    .view([3, 2, 2, 2])
  const only = annotatedPairs([[1], [0, 1], [0]], 2)!
  // Case 0 class 1 begins at 4, case 1 at 8 and 12, case 2 class 0 at 16.
  expect(only.pick(maps).select(3, 0).select(2, 0).flatten().toArray()).toEqual([4, 8, 12, 16])
  const counted = arange(0, 3).float().view([3, 1, 1, 1])
  expect(only.pickCase(counted).flatten().toArray()).toEqual([0, 1, 1, 2])
})

it('is nothing where every case tells of every class', () => {
  expect(annotatedPairs(undefined, 2)).toBeNull()
  expect(
    annotatedPairs(
      [
        [0, 1],
        [1, 0],
      ],
      2,
    ),
  ).toBeNull()
})

it('a loss over the pairs is that of each data set by itself, and sends nothing to other classes', () => {
  manualSeed(1)
  const logits = rand([3, 2, 40, 36]).sub(0.5).requiresGrad_()
  const target = rand([3, 2, 40, 36]).gt(0.6).float()
  // Two cases of a data set with class 0, one of a data set with class 1.
  const only = annotatedPairs([[0], [0], [1]], 2)!
  const joint = structureLoss(only.pick(logits), only.pick(target)).total
  const alone = cat(
    [
      [0, 0],
      [1, 0],
      [2, 1],
    ].map(([n, k]) => {
      const one = (t: typeof logits) => t.narrow(0, n!, 1).narrow(1, k!, 1)
      return structureLoss(one(logits), one(target)).total.view([1])
    }),
  ).mean()
  expect(joint.item()).toBeCloseTo(alone.item(), 5)
  joint.backward()
  const reached = logits.grad!.abs().flatten(2).sum(2).gt(0) // [N, K]
  expect(reached.float().flatten().toArray()).toEqual([1, 0, 1, 0, 0, 1])
})
