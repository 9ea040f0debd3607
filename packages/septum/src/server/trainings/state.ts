import { hostname } from 'node:os'
import type { RunView, StatusFile } from './schemas.js'

/** The file is written every five seconds: after a minute its process is not well. */
const SILENT_MS = 60_000

/** A step of a large model may take minutes. */
const LONGEST_STEP_MS = 300_000

/** What is known of a run that does not write `status.json`. */
export interface Traces {
  /** Weights were written, or a summary. */
  readonly finished: boolean
  /** When its files last changed, in milliseconds; null for none. */
  readonly changed: number | null
}

export type Standing = Pick<RunView, 'state'> & { readonly reason?: string }

/**
 * Whether a run goes on. A process that was killed cannot say so: that it is gone can be asked on its own machine; of
 * another one only its silence tells.
 */
export function standingOf(
  status: StatusFile | null,
  traces: Traces,
  now: number,
  isAlive: (pid: number) => boolean,
  host = hostname(),
): Standing {
  if (!status) return withoutStatus(traces, now)
  if (status.state === 'failed') {
    return {
      state: 'failed',
      reason: status.error ? `${status.error.message} (${status.error.code})` : 'it failed',
    }
  }
  if (status.state !== 'running') return { state: status.state }
  if (status.host === host && !isAlive(status.pid)) {
    return {
      state: 'failed',
      reason: 'Its process ended without a word, as when it is killed; it can be resumed',
    }
  }
  const silent = now - Date.parse(status.updated)
  if (silent > SILENT_MS)
    return { state: 'stalled', reason: `Nothing was heard of it for ${minutes(silent)}` }
  const usual = Math.max(LONGEST_STEP_MS, 20_000 * (status.secondsPerStep ?? 0))
  const still = now - Math.max(traces.changed ?? 0, Date.parse(status.started))
  if (status.activity === 'training' && still > usual) {
    return { state: 'stalled', reason: `It has logged nothing for ${minutes(still)}` }
  }
  return { state: 'running' }
}

function withoutStatus({ finished, changed }: Traces, now: number): Standing {
  if (finished) return { state: 'finished' }
  if (changed !== null && now - changed < LONGEST_STEP_MS) return { state: 'running' }
  return {
    state: 'stalled',
    reason:
      changed === null ? 'It has logged nothing' : `It has logged nothing for ${minutes(now - changed)}`,
  }
}

function minutes(ms: number): string {
  const whole = Math.round(ms / 60_000)
  if (whole < 2) return `${Math.round(ms / 1000)} s`
  if (whole < 120) return `${whole} minutes`
  return whole < 2880 ? `${Math.round(whole / 60)} hours` : `${Math.round(whole / 1440)} days`
}
