import { type Module, optim, type Tensor } from '@septum/torch'
import type { OptimizerRecipe, Phase, Schedule } from '../methods/method.js'

/** Parameters of several modules by name, each once. */
export function namedParametersOf(modules: readonly Module[]): [string, Tensor][] {
  const seen = new Map<Tensor, string>()
  for (const [i, module] of modules.entries()) {
    for (const [name, p] of module.namedParameters(String(i))) if (!seen.has(p)) seen.set(p, name)
  }
  return Array.from(seen, ([p, name]) => [name, p])
}

/** The optimiser of a recipe; parameters with and without weight decay, and of each rate, in groups of their own. */
export function makeOptimizer(recipe: OptimizerRecipe, modules: readonly Module[]): optim.Optimizer {
  const named = namedParametersOf(modules)
  const decays = recipe.decays ?? (() => true)
  const rate = recipe.rate ?? (() => 1)
  const rates = [...new Set(named.map(([name, p]) => rate(name, p)))].sort((a, b) => b - a)
  const groups = rates
    .flatMap((factor) =>
      [true, false].map((decay) => ({
        params: named.filter(([n, p]) => decays(n, p) === decay && rate(n, p) === factor).map(([, p]) => p),
        weightDecay: decay ? (recipe.weightDecay ?? 0) : 0,
        lr: recipe.lr * factor,
      })),
    )
    .filter((group) => group.params.length > 0)
  const { lr, eps } = recipe
  const betas = recipe.betas ?? [0.9, 0.999]
  switch (recipe.kind) {
    case 'sgd':
      return new optim.SGD(groups, { lr, momentum: recipe.momentum ?? 0, nesterov: recipe.nesterov ?? false })
    case 'adam':
      return new optim.Adam(groups, { lr, betas, eps })
    case 'adamw':
      return new optim.AdamW(groups, { lr, betas, eps })
  }
}

function decayOf(schedule: Schedule, warmup: number): optim.Schedule {
  switch (schedule.kind) {
    case 'constant':
      return optim.schedules.constant({ warmup })
    case 'linear':
      return optim.schedules.linear({ end: schedule.end, warmup })
    case 'polynomial':
      return optim.schedules.polynomial({ power: schedule.power, warmup })
    case 'cosine':
      return optim.schedules.cosine({ end: schedule.end, warmup })
    case 'step':
      return optim.schedules.step({ every: schedule.every, factor: schedule.factor, warmup })
    case 'exponential':
      return optim.schedules.exponential({ end: schedule.end, warmup })
    case 'triangle':
      return optim.schedules.triangle({ peak: schedule.peak, every: schedule.every })
  }
}

/** Factor of the learning rate at each step of a phase; the first step of a warm-up is not wasted on rate 0. */
export function learningRateFactor(phase: Phase): (step: number) => number {
  const { schedule } = phase.optimizer
  // A triangle grows by itself.
  const warmup = schedule.kind === 'triangle' ? 0 : phase.optimizer.warmup
  const factor = decayOf(schedule, warmup)
  const warmupSteps = Math.round(warmup * phase.steps)
  return (step) => (step < warmupSteps ? (step + 1) / (warmupSteps + 1) : factor(step, phase.steps))
}
