import type { Run } from './api.js'
import { duration, number, steps } from './format.js'

export const stateNames: Readonly<Record<Run['state'], string>> = {
  running: 'Running',
  finished: 'Finished',
  interrupted: 'Interrupted',
  failed: 'Failed',
  stalled: 'Stalled',
}

/** Signs beside the words, so that a list is read at a glance and without colour. */
export const stateSigns: Readonly<Record<Run['state'], string>> = {
  running: '●',
  finished: '✓',
  interrupted: '❚❚',
  failed: '✕',
  stalled: '!',
}

export function progressOf({ step, steps: all }: Run): number {
  return all ? Math.min(1, step / all) : 0
}

/** `1,200 of 2,000 steps`. */
export function stepsOf({ step, steps: all }: Run): string {
  return all ? `${steps(step)} of ${steps(all)} steps` : `${steps(step)} steps`
}

/** `about 12 min left`, and of which phase where there are several. */
export function leftOf({ secondsLeft, phases, phase, phaseStep, activity }: Run): string {
  if (activity === 'validating') return 'validating'
  if (secondsLeft === null) return ''
  const last = phases.at(-1)?.name === phase
  if (phaseStep === 0) return ''
  return `about ${duration(secondsLeft)} left${last ? '' : ` in ${phase}`}`
}

export const bestOf = ({ best }: Run): string => {
  const last = best.at(-1)
  return last ? `best ${number(last.score)}` : ''
}

export const subtitleOf = ({ method, dataset }: Run): string => [method, dataset].filter(Boolean).join(' · ')
