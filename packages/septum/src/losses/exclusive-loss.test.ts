import { rand, randn, tensor } from '@septum/torch'
import { expect, it } from 'vitest'
import { exclusiveLoss, oneVersusRest } from './exclusive-loss.js'
import { type MaskLossOptions, maskLoss } from './mask-loss.js'

const options = (some: Partial<MaskLossOptions> = {}): MaskLossOptions => ({
  loss: 'dice-bce',
  diceWeight: 1,
  bceWeight: 1,
  dice: 'batch',
  backgroundWeight: 1,
  structureBce: 'weighted',
  ...some,
})

it('has logits of one class against the rest whose sigmoid is the soft-max', () => {
  const logits = randn([2, 4, 3, 5]).mul(5)
  expect(oneVersusRest(logits).sigmoid().allclose(logits.softmax(1), 1e-4, 1e-6)).toBe(true)
})

// One pixel of class 2, one of background; probabilities 1/4, 1/4, 1/2 at both.
const logits = tensor([0, 0, 0, 0, Math.log(2), Math.log(2)], { shape: [1, 3, 1, 2] })
const target = tensor([0, 0, 1, 0], { shape: [1, 2, 1, 2] })

it('has the weighted cross-entropy of a soft-max', () => {
  // ln 2 for the class, ln 4 for background.
  const plain = exclusiveLoss(logits, target, options()).crossEntropy!
  expect(plain.item()).toBeCloseTo((Math.log(2) + Math.log(4)) / 2, 5)
  const halved = exclusiveLoss(logits, target, options({ backgroundWeight: 0.5 })).crossEntropy!
  expect(halved.item()).toBeCloseTo((Math.log(2) + 0.5 * Math.log(4)) / 1.5, 5)
})

it.each([
  // Background 2 (1/4) / (1/2 + 1), class 1 nothing, class 2 2 (1/2) / (1 + 1).
  ['batch' as const, 1 - (1 / 3 + 0 + 1 / 2) / 3],
  // Squares below: 1/8 + 1 and 1/2 + 1.
  ['batch-squared' as const, 1 - (0.5 / 1.125 + 0 + 1 / 1.5) / 3],
])('has the Dice of all classes and background, by %s', (dice, wanted) => {
  expect(exclusiveLoss(logits, target, options({ dice })).dice!.item()).toBeCloseTo(wanted, 4)
})

it('is the sigmoid loss for one class, where its cross-entropy is concerned', () => {
  const [two, mask] = [randn([2, 2, 4, 4]), rand([2, 1, 4, 4]).gt(0.5).float()]
  const difference = two.narrow(1, 1, 1).sub(two.narrow(1, 0, 1))
  const wanted = maskLoss(difference, mask, options({ backgroundWeight: 0.5 })).bce!.item()
  expect(exclusiveLoss(two, mask, options({ backgroundWeight: 0.5 })).crossEntropy!.item()).toBeCloseTo(
    wanted,
    5,
  )
})

it('compares each class with the rest in the structure loss', () => {
  const [three, mask] = [randn([1, 3, 4, 4]), rand([1, 2, 4, 4]).gt(0.8).float()]
  const wanted = maskLoss(
    oneVersusRest(three).narrow(1, 1, 2),
    mask,
    options({ loss: 'structure' }),
  ).total.item()
  expect(exclusiveLoss(three, mask, options({ loss: 'structure' })).total.item()).toBe(wanted)
})
