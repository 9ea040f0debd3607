import type { Phase } from '../methods/method.js'
import type { Budget } from './types.js'

/**
 * Optimiser steps of each phase. A method of several phases shares the budget among them as its own recipe does:
 * steps by their numbers of steps, epochs by their numbers of images.
 * @param cases that train
 */
export function stepsOfPhases(
  phases: readonly Pick<Phase, 'name' | 'steps' | 'batchSize' | 'accumulate'>[],
  budget: Budget,
  cases: number,
): Record<string, number> {
  const images = ({ batchSize, accumulate }: (typeof phases)[number]) => batchSize * accumulate
  const weight = (phase: (typeof phases)[number]) =>
    budget.kind === 'steps' ? phase.steps : phase.steps * images(phase)
  const all = phases.reduce((sum, phase) => sum + weight(phase), 0)
  return Object.fromEntries(
    phases.map((phase) => {
      const share = weight(phase) / all
      const steps =
        budget.kind === 'steps'
          ? Math.round(budget.steps * share)
          : Math.ceil((budget.epochs * share * cases) / images(phase))
      return [phase.name, Math.max(1, steps)]
    }),
  )
}

/**
 * Steps between validations: those of the configuration, but so that a short training is validated five times, and
 * its best state is a choice.
 */
export function validateEvery(configured: number, steps: Readonly<Record<string, number>>): number {
  const shortest = Math.min(...Object.values(steps))
  return Math.min(configured, Math.max(1, Math.ceil(shortest / 5)))
}
