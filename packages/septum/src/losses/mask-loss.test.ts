import { rand, tensor } from '@septum/torch'
import { expect, it } from 'vitest'
import { batchDiceLoss } from './batch-dice.js'
import { type MaskLossOptions, maskLoss } from './mask-loss.js'
import { structureLoss } from './structure-loss.js'

const options = (some: Partial<MaskLossOptions> = {}): MaskLossOptions => ({
  loss: 'dice-bce',
  diceWeight: 1,
  bceWeight: 1,
  dice: 'case',
  backgroundWeight: 1,
  structureBce: 'weighted',
  ...some,
})

// Two cases of two pixels, all at probability 1/2; one pixel of the first is marked.
const half = tensor([0, 0, 0, 0], { shape: [2, 1, 1, 2] })
const mask = tensor([1, 0, 0, 0], { shape: [2, 1, 1, 2] })

it.each([
  // Cases: 2 (1/2) / (1 + 1) = 1/2, and 0 / (1 + 0) but for the smoothing.
  ['case' as const, 1 - (0.5 + 0) / 2],
  // Together: 2 (1/2) / (2 + 1).
  ['batch' as const, 1 - 1 / 3],
  // Squares: 2 (1/2) / (4 (1/4) + 1).
  ['batch-squared' as const, 1 - 1 / 2],
])('Dice by %s', (dice, wanted) => {
  expect(maskLoss(half, mask, options({ dice })).dice!.item()).toBeCloseTo(wanted, 4)
})

it('has a fraction of its own for every class', () => {
  const both = tensor([0, 0, 0, 0], { shape: [1, 2, 1, 2] })
  const marks = tensor([1, 1, 0, 0], { shape: [1, 2, 1, 2] })
  // First class 2 / (1 + 2), second 0 / (1 + 0).
  expect(batchDiceLoss(both, marks).item()).toBeCloseTo(1 - 2 / 3 / 2, 4)
})

it('weighs background as PyTorch weighs classes', () => {
  // Probability 3/4: ln(4/3) where marked, ln 4 elsewhere; weights 1 and 3 times 0.5.
  const logits = tensor(new Array<number>(4).fill(Math.log(3)), { shape: [2, 1, 1, 2] })
  const { bce } = maskLoss(logits, mask, options({ backgroundWeight: 0.5 }))
  expect(bce!.item()).toBeCloseTo((Math.log(4 / 3) + 1.5 * Math.log(4)) / 2.5, 5)
})

it('adds its terms with their weights', () => {
  const { total, dice, bce } = maskLoss(half, mask, options({ diceWeight: 2, bceWeight: 0.5 }))
  expect(bce!.item()).toBeCloseTo(Math.log(2), 5)
  expect(total.item()).toBeCloseTo(2 * dice!.item() + 0.5 * Math.log(2), 5)
})

it('is the structure loss where asked for', () => {
  const [logits, target] = [rand([1, 1, 5, 6]), rand([1, 1, 5, 6]).gt(0.5).float()]
  const { total } = maskLoss(logits, target, options({ loss: 'structure', structureBce: 'released' }))
  expect(total.item()).toBe(structureLoss(logits, target, { bce: 'released' }).total.item())
})
