import { empty, eye, manualSeed, nn, optim, scope, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { cases, expectClose } from './reference.js'

describe('schedules give the factors of PyTorch', () => {
  for (const { name, schedule, steps, warmup, factors } of cases('schedule')) {
    it(name, () => {
      const { kind, ...options } = schedule
      const factor = optim.schedules[kind]({ ...options, warmup })
      // Both sides are double precision formulas.
      for (const [step, expected] of factors.entries()) expect(factor(step, steps)).toBeCloseTo(expected, 12)
    })
  }

  it('stays at its end after the last step', () => {
    expect(optim.schedules.cosine({ end: 0.1 })(30, 25)).toBeCloseTo(0.1, 12)
    expect(optim.schedules.constant({ warmup: 1 })(10, 20)).toBe(0.5)
  })
})

describe('initialisers', () => {
  type Initializer = (t: Tensor, options: object) => Tensor
  for (const one of cases('initializer')) {
    it(one.name, () =>
      scope(() => {
        manualSeed(1)
        const initializer = (nn.init as unknown as Record<string, Initializer>)[`${one.function}_`]!
        const weight = initializer(empty(one.shape), one.options)
        const spread = weight.flatten().std(0).item()
        // 18,000 draws and more: the standard deviation is known within 1 / sqrt(2 n) = 0.5 %.
        expect(Math.abs(spread / one.std - 1)).toBeLessThan(0.03)
        expect(Math.abs(weight.mean().item())).toBeLessThan(0.05 * one.std)
        if (one.bound !== null) expect(weight.abs().amax().item()).toBeLessThanOrEqual(one.bound * (1 + 1e-6))
        if (one.function === 'orthogonal') {
          const flat = weight.reshape([one.shape[0]!, -1])
          const [rows, columns] = flat.shape as [number, number]
          const product =
            rows <= columns ? flat.matmul(flat.transpose(0, 1)) : flat.transpose(0, 1).matmul(flat)
          expectClose(product, eye(Math.min(rows, columns)), 'W Wᵀ')
        }
      }),
    )
  }
})
