import { readFileSync } from 'node:fs'
import { nn, noGrad, scope, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import type { OptimizerRecipe, Phase, Schedule } from '../methods/method.js'
import { learningRateFactor } from './optimization.js'
import { PhaseRun } from './phase-run.js'

interface Fixture {
  readonly schedules: readonly {
    readonly name: string
    readonly schedule: Schedule
    readonly steps: number
    readonly factors: readonly number[]
  }[]
  readonly clipped: readonly {
    readonly value: number
    readonly norm: number | null
    readonly states: readonly (readonly number[])[]
  }[]
}

const fixture = JSON.parse(
  readFileSync(new URL('fixtures/optimization.json', import.meta.url), 'utf8'),
) as Fixture

const recipe: OptimizerRecipe = {
  kind: 'sgd',
  lr: 0.1,
  momentum: 0.9,
  nesterov: true,
  schedule: { kind: 'constant' },
  warmup: 0,
  clipNorm: null,
  ema: null,
}

describe('learning rates are those of PyTorch', () => {
  it.each(fixture.schedules)('$name', ({ schedule, steps, factors }) => {
    // A triangle has a rise of its own: a warm-up leaves it alone.
    const warmup = schedule.kind === 'triangle' ? 0.5 : 0
    const factor = learningRateFactor({ steps, optimizer: { ...recipe, schedule, warmup } } as Phase)
    for (const [step, expected] of factors.entries()) expect(factor(step)).toBeCloseTo(expected, 12)
  })

  it('a step decay counts from the end of a warm-up', () => {
    const schedule = { kind: 'step', every: 4, factor: 0.5 } as const
    const factor = learningRateFactor({ steps: 20, optimizer: { ...recipe, schedule, warmup: 0.1 } } as Phase)
    expect([0, 1, 2, 5, 6, 9, 10].map(factor)).toEqual([1 / 3, 2 / 3, 1, 1, 0.5, 0.5, 0.25])
  })

  it('a triangle is symmetric and never 0, and its peak may lie elsewhere', () => {
    const at = (peak: number, steps: number) =>
      learningRateFactor({
        steps,
        optimizer: { ...recipe, schedule: { kind: 'triangle', peak, every: 1 } },
      } as Phase)
    const middle = at(0.5, 91)
    for (let s = 0; s < 91; s++) {
      expect(middle(s)).toBeCloseTo(middle(90 - s), 12)
      expect(middle(s)).toBeGreaterThan(0)
    }
    // 9 steps, peak at 0.2 of 10: 1/2, 1, then 7/8 .. 1/8.
    const early = at(0.2, 9)
    expect([0, 1, 2, 8].map(early)).toEqual([0.5, 1, 0.875, 0.125])
    expect(at(0, 3)(0)).toBe(0.75)
    expect(at(1, 3)(2)).toBe(0.75)
  })
})

/** c (w - t)^4, four weights. */
class Quartic extends nn.Module {
  readonly layer = new nn.Linear(4, 1, { bias: false })

  constructor() {
    super()
    noGrad(() => this.layer.weight.copy_(tensor([[1, -2, 0.3, 4]])))
  }

  loss(): Tensor {
    const d = this.layer.weight.sub(tensor([[0, 1, 0.2, -1]]))
    return d
      .pow(4)
      .mul(tensor([[1, 0.5, 3, 0.01]]))
      .sum()
  }
}

describe('clipped gradients', () => {
  it.each(fixture.clipped)(
    'element by element to $value (norm $norm) as PyTorch',
    ({ value, norm, states }) => {
      const model = new Quartic()
      const phase = {
        name: 'only',
        steps: states.length,
        batchSize: 1,
        accumulate: 1,
        trains: [model],
        optimizer: { ...recipe, clipNorm: norm, clipValue: value },
        losses: () => ({ total: model.loss() }),
      } as unknown as Phase
      const run = new PhaseRun(model, phase, 0, 1, 'cpu', 'float32')
      for (const [step, state] of states.entries()) {
        const batch = { images: tensor([0]), masks: tensor([0]), cases: ['a'], step }
        scope(() => run.step([batch]))
        const weights = model.layer.weight.flatten().toArray() as number[]
        for (const [i, w] of weights.entries()) expect(w).toBeCloseTo(state[i]!, 5)
      }
      run.free()
    },
  )
})
