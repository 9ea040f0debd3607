import { renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Phase } from '../../methods/method.js'

/** What `status.json` of a run says: how the training stands, for programs that follow it. */
export interface RunStatus {
  readonly state: 'running' | 'finished' | 'interrupted' | 'failed'
  /** What the process does while it runs. */
  readonly activity: 'training' | 'validating'
  /** Of the process that trains: whether it lives can be asked on its own machine only. */
  readonly pid: number
  readonly host: string
  readonly method: string
  readonly cases: { readonly train: number; readonly val: number }
  readonly parameters: number
  /** When this process began, ISO 8601. */
  readonly started: string
  /** When this file was written; every few seconds while the process is well. */
  readonly updated: string
  readonly phase: string
  /** Steps finished in the phase, and in all phases. */
  readonly phaseStep: number
  readonly step: number
  readonly steps: number
  readonly phases: readonly { readonly name: string; readonly steps: number; readonly batchSize: number }[]
  /** Mean time from step to step in this phase by this process, validation included; null before there is one. */
  readonly secondsPerStep: number | null
  readonly error?: { readonly code: string; readonly message: string }
}

export interface StatusSubject {
  readonly method: string
  readonly phases: readonly Phase[]
  readonly cases: RunStatus['cases']
  readonly parameters: number
}

const HEARTBEAT_MS = 5000

/** Steps are too fast to be written one by one. */
const LEAST_PAUSE_MS = 1000

/** Keeps `status.json` up to date. A file that cannot be written is left: the training matters more. */
export class StatusFile {
  readonly #file: string
  readonly #started = new Date()
  #activity: RunStatus['activity'] = 'training'
  #phase = 0
  #phaseStep = 0
  /** Where and when this process began to count, for the time of a step. */
  #since = { phase: -1, step: 0, at: 0 }
  #written = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    dir: string,
    private readonly subject: StatusSubject,
  ) {
    this.#file = join(dir, 'status.json')
  }

  /** From here on the file says that the run is under way. */
  begin(phase = 0, step = 0): void {
    this.#phase = Math.min(phase, this.subject.phases.length - 1)
    this.#phaseStep = phase < this.subject.phases.length ? step : this.subject.phases.at(-1)!.steps
    this.#write('running')
    // The process lives and its loop turns, even while a validation takes long.
    this.#timer = setInterval(() => this.#write('running'), HEARTBEAT_MS)
    this.#timer.unref()
  }

  step(phase: string, step: number): void {
    this.#phase = this.subject.phases.findIndex(({ name }) => name === phase)
    this.#phaseStep = step
    this.#activity = 'training'
    if (this.#since.phase !== this.#phase) this.#since = { phase: this.#phase, step, at: performance.now() }
    if (performance.now() - this.#written > LEAST_PAUSE_MS) this.#write('running')
  }

  validating(): void {
    this.#activity = 'validating'
    this.#write('running')
  }

  end(state: Exclude<RunStatus['state'], 'running'>, error?: RunStatus['error']): void {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#write(state, error)
  }

  #write(state: RunStatus['state'], error?: RunStatus['error']): void {
    const { phases, ...subject } = this.subject
    const before = phases.slice(0, this.#phase).reduce((sum, { steps }) => sum + steps, 0)
    const done = this.#since.phase === this.#phase ? this.#phaseStep - this.#since.step : 0
    this.#written = performance.now()
    const status: RunStatus = {
      state,
      activity: this.#activity,
      pid: process.pid,
      host: hostname(),
      ...subject,
      started: this.#started.toISOString(),
      updated: new Date().toISOString(),
      phase: phases[this.#phase]!.name,
      phaseStep: this.#phaseStep,
      step: before + this.#phaseStep,
      steps: phases.reduce((sum, { steps }) => sum + steps, 0),
      phases: phases.map(({ name, steps, batchSize }) => ({ name, steps, batchSize })),
      secondsPerStep: done > 0 ? (this.#written - this.#since.at) / 1000 / done : null,
      ...(error && { error }),
    }
    try {
      writeFileSync(`${this.#file}.tmp`, `${JSON.stringify(status)}\n`)
      renameSync(`${this.#file}.tmp`, this.#file)
    } catch {
      // A full disk ends the run where its log is written, with a sentence.
    }
  }
}
