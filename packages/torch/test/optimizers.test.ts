import { F, nn, optim, parameter, scope, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { cases, expectClose, type OptimizerCase, stored } from './reference.js'

/** Holds the five parameters of the fixture problem under their names. */
class Problem extends nn.Module {
  constructor(initial: ReadonlyMap<string, Tensor>) {
    super()
    for (const [name, value] of initial)
      (this as unknown as Record<string, Tensor>)[name] = parameter(value.clone())
  }

  of(name: string): Tensor {
    return this.stateDict().get(name)!
  }

  /** fixtures/index.json, optimizerProblem */
  loss(one: OptimizerCase): Tensor {
    const [x, target, centre, curvature] = ['x', 'target', 'centre', 'curvature'].map((name) =>
      stored(one, `input/${name}`),
    )
    const hidden = F.linear(x!, this.of('hidden.weight'), this.of('hidden.bias')).tanh()
    const fit = F.mseLoss(F.linear(hidden, this.of('output.weight'), this.of('output.bias')), target!)
    return fit.add(this.of('quadratic').sub(centre!).square().mul(curvature!).sum().div(2))
  }
}

const initial = (one: OptimizerCase) =>
  new Map(one.params.map((name) => [name, stored(one, `param/${name}`)]))

function build(one: OptimizerCase, problem: Problem): optim.Optimizer {
  const groups = one.groups.map(({ params, options }) => ({
    ...options,
    params: params.map((name) => problem.of(name)),
  }))
  return new optim[one.optimizer](groups, one.options as unknown as optim.SGDOptions)
}

function step(
  one: OptimizerCase,
  problem: Problem,
  optimizer: optim.Optimizer,
): { loss: number; norm: number | null } {
  return scope(() => {
    optimizer.zeroGrad()
    const loss = problem.loss(one)
    loss.backward()
    const norm = one.clipNorm === null ? null : optim.clipGradNorm_(problem.parameters(), one.clipNorm)
    optimizer.step()
    return { loss: loss.item(), norm }
  })
}

describe('optimisers follow PyTorch over 20 steps', () => {
  for (const one of cases('optimizer')) {
    it(one.name, () => {
      const problem = new Problem(initial(one))
      const optimizer = build(one, problem)
      const ema = one.ema === null ? null : new optim.EMA(problem, { decay: one.ema })
      for (let i = 0; i < one.steps; i++) {
        const { loss, norm } = step(one, problem, optimizer)
        ema?.update()
        scope(() => {
          const row = (key: string) => stored(one, key).select(0, i)
          expect(Math.abs(loss - row('loss').item()), `loss of step ${i}`).toBeLessThan(
            1e-5 * Math.max(1, loss),
          )
          if (norm !== null) expect(norm / row('totalNorm').item(), `norm of step ${i}`).toBeCloseTo(1, 5)
          for (const name of one.params) {
            expectClose(problem.of(name), row(`after/${name}`), `${name} after step ${i}`)
            if (ema)
              expectClose(
                ema.stateDict().tensors.get(name)!,
                row(`ema/${name}`),
                `average of ${name} at step ${i}`,
              )
          }
        })
      }
    })
  }
})

describe('a run that was stopped and resumed', () => {
  for (const one of cases('optimizer')) {
    it(`is bit-identical: ${one.name}`, () => {
      const straight = new Problem(initial(one))
      const optimizer = build(one, straight)
      for (let i = 0; i < 7; i++) step(one, straight, optimizer)
      const weights = new Map(Array.from(straight.stateDict(), ([name, t]) => [name, t.detach().clone()]))
      const { kind, tensors, numbers } = optimizer.stateDict()
      const saved = {
        kind,
        tensors: new Map(Array.from(tensors, ([name, t]) => [name, t.clone()])),
        numbers: JSON.parse(JSON.stringify(numbers)),
      }
      for (let i = 0; i < 5; i++) step(one, straight, optimizer)

      const resumed = new Problem(weights)
      const again = build(one, resumed)
      again.loadStateDict(saved)
      for (let i = 0; i < 5; i++) step(one, resumed, again)
      for (const name of one.params) expect(resumed.of(name).equal(straight.of(name)), name).toBe(true)
    })
  }
})
