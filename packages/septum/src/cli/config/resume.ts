import { SeptumError } from '@septum/core'
import type { RunConfig } from '../../training/api.js'
import { type Path, pathText } from './origin.js'

/** Settings that a run may go on with in another way: they change how it runs, not what it is. */
const changeable = [
  'data.path',
  'data.ahead',
  'data.cache',
  'data.workers',
  'device',
  'licence',
  'threads',
  'training.logEvery',
  'training.pictures',
  'training.checkpointEvery',
  'training.validateEvery',
  'training.validationCases',
  'training.validateVolumes',
]

/**
 * Compares a resumed run with what it was started as.
 * @returns a sentence for each changed value that may make the run differ from an uninterrupted one.
 * @throws SeptumError `resume-changed` for a change that would make it another run.
 */
export function checkResumed(before: RunConfig, now: RunConfig, file: string): string[] {
  const changed = differences(before, now, [])
  const refused = changed.find(
    ({ path }) => !changeable.some((start) => path === start || path.startsWith(`${start}.`)),
  )
  if (refused) throw otherRun(refused.path, refused.before, refused.now, file)
  return changed.map(
    ({ path, before, now }) =>
      `Going on with ${path} ${JSON.stringify(now)}; the run began with ${JSON.stringify(before)}`,
  )
}

/** The error for a setting that would make the resumed run another one. */
export function otherRun(path: string, before: unknown, now: unknown, file: string): SeptumError {
  return new SeptumError(
    'resume-changed',
    `The run was started with ${path} ${JSON.stringify(before)}, not ${JSON.stringify(now)}`,
    'Leave that option out to go on, or start a new run in another folder.',
    { file },
  )
}

function differences(
  before: unknown,
  now: unknown,
  path: Path,
): { path: string; before: unknown; now: unknown }[] {
  if (isGroup(before) && isGroup(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)])
    return [...keys].flatMap((key) => differences(before[key], now[key], [...path, key]))
  }
  if (JSON.stringify(before) === JSON.stringify(now)) return []
  return [{ path: pathText(path), before: before ?? null, now: now ?? null }]
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
