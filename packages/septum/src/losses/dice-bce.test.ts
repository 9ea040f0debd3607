import { tensor } from '@septum/torch'
import { expect, it } from 'vitest'
import { cases, expectClose, stored } from '../../../torch/test/reference.js'
import { diceBce, diceLoss } from './dice-bce.js'

it('agrees with PyTorch, gradients included', () => {
  const one = cases('function').find(({ name }) => name === 'arseg-mask-loss')!
  const at = (key: string) => stored(one, key).to({ dtype: 'float32' })
  const logits = at('input/logits').clone().requiresGrad_()
  const { dice, bce } = diceBce(logits, at('option/target'))
  const total = dice.add(bce)
  expectClose(dice, at('output/dice'), 'dice')
  expectClose(bce, at('output/bce'), 'bce')
  expectClose(total, at('output/total'), 'total')
  const { upstream } = one
  const values = { dice, bce, total } as Record<string, typeof dice>
  upstream
    .map((name) => values[name]!.mul(at(`upstream/${name}`)))
    .reduce((a, b) => a.add(b))
    .backward()
  expectClose(logits.grad!, at('gradInput/logits'), 'gradient')
})

it('is 1 - 2 (0.5) / (1 + 1) for two pixels at probability one half, one of them marked', () => {
  // overlap 0.5, sums 1 and 1: Dice 2 * 0.5 / 2 = 0.5.
  expect(diceLoss(tensor([[0, 0]]), tensor([[1, 0]])).item()).toBeCloseTo(0.5, 5)
})
