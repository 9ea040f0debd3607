import { SeptumError } from '@septum/core'
import type { RunConfig } from '../training/api.js'

/** Settings that change how a run goes and not what comes out; paths may move together with the folder. */
const harmless = new Set([
  'data.path',
  'data.splits',
  'data.ahead',
  'device',
  'threads',
  'training.logEvery',
  'training.checkpointEvery',
])

/**
 * Refuses to take a run into the comparison that was made with other settings: its row would not say what it is.
 * @throws SeptumError `compare-changed` naming the setting
 */
export function requireSameSettings(before: RunConfig, now: RunConfig, file: string): void {
  const path = difference(before, now, '')
  if (path === undefined) return
  throw new SeptumError(
    'compare-changed',
    `The run was made with ${path} ${text(at(before, path))}, not ${text(at(now, path))}`,
    'Give the settings as before, delete the folder of the run, or give another --out.',
    { file },
  )
}

/** @returns the path of the first value that differs. */
function difference(before: unknown, now: unknown, path: string): string | undefined {
  if (harmless.has(path)) return undefined
  if (isGroup(before) && isGroup(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const inner = difference(before[key], now[key], path ? `${path}.${key}` : key)
      if (inner !== undefined) return inner
    }
    return undefined
  }
  return JSON.stringify(before) === JSON.stringify(now) ? undefined : path
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const at = (root: unknown, path: string): unknown =>
  path.split('.').reduce((value, key) => (isGroup(value) ? value[key] : undefined), root)

const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing'
