import type { MethodCard, TrainingApi } from '../training/api.js'
import {
  allowsColour,
  type Environment,
  type OutputStream,
  type Paint,
  paintAnsi,
  paintNothing,
} from './terminal.js'

export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
}

/** Everything outside the command line that it touches: tests put their own in. */
export interface Cli {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Environment
  /** Words after `septum`. */
  readonly argv: readonly string[]
  readonly version: string
  readonly signals: SignalSource
  /** Ends the process at once. */
  exit(code: number): void
  /** Loaded by a command when it runs: `--help` must not wait for libtorch. */
  readonly load: {
    training(): Promise<TrainingApi>
    /** Without libtorch. */
    evaluation(): Promise<typeof import('../evaluation/index.js')>
    exporting(): Promise<Pick<typeof import('../export/index.js'), 'exportRun'>>
    methods(): Promise<readonly MethodCard[]>
  }
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

export function paintFor(stream: OutputStream, env: Environment): Paint {
  return allowsColour(stream, env) ? paintAnsi : paintNothing
}
