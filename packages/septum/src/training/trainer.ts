import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Reporter, SeptumError } from '@septum/core'
import { noGrad, type Tensor } from '@septum/torch'
import { freeBatch } from '../datasets/index.js'
import type { Batch, Phase, SegmentationModel, ValidationResult } from '../methods/method.js'
import {
  addPrefix,
  bestCheckpoint,
  lastCheckpoint,
  type Progress,
  readCheckpoint,
  sweep,
  withPrefix,
  writeCheckpoint,
} from './checkpoint.js'
import { PhaseRun, type Precision } from './phase-run.js'

/** Where a phase's batches come from; training batches are addressed by number, so resuming needs no state. */
export interface BatchSource {
  /** Batch number `index` of training, its tensors owned by the caller. */
  batch(index: number, step: number): Promise<Batch>
  /** Said after each optimiser step, so that time can be told from waiting. */
  worked(): void
  validation(): AsyncIterable<Batch>
  /** In place of the phase's own validation, where whole volumes are looked at; with the weights to validate. */
  validate?(): Promise<ValidationResult>
  /** Validation cases for people to look at; absent: none are wanted. */
  shown?(): AsyncIterable<Batch>
  /** Share of the time between steps that was spent waiting for data, 0 .. 1. */
  readonly waitShare: number
  close(): Promise<void> | void
}

/** What a trainer tells while it works; every field of a line is plain data. */
export interface TrainingEvents {
  step(event: {
    phase: string
    step: number
    of: number
    losses: Readonly<Record<string, number>>
    learningRate: number
    gradientNorm: number | null
    samplesPerSecond: number
  }): void
  validation(event: {
    phase: string
    step: number
    score: number
    best: boolean
    metrics: Readonly<Record<string, number>>
  }): void
  /** A validation begins. */
  validating?(): void
  /** Cases of `BatchSource.shown` in the middle of a validation, with the weights that are validated. */
  show?(phase: Phase, step: number, batch: Batch): Promise<void>
}

export interface TrainJob {
  readonly methodName: string
  readonly model: SegmentationModel
  readonly source: (phase: Phase, index: number) => BatchSource
  readonly runDir: string
  readonly seed: number
  readonly device: string
  readonly precision: Precision
  /** Steps between validations; the last step of a phase always validates. */
  readonly validateEvery: number
  /** Steps between checkpoints. */
  readonly checkpointEvery: number
  /** Digest of what decides the result; a checkpoint of another one is refused. */
  readonly fingerprint: string
  readonly resume: boolean
  readonly reporter: Reporter
  readonly events: TrainingEvents
  /** Called before each checkpoint, so that logs are on disk before what they tell of. */
  readonly flush: () => void
  /** Called once a checkpoint was restored. */
  readonly onResume: (progress: { phase: number; step: number }) => void
  readonly signal?: AbortSignal
}

export interface TrainResult {
  /** `interrupted` when the signal stopped it; the run can be resumed. */
  readonly status: 'finished' | 'interrupted'
  readonly seconds: number
  /** Optimiser steps finished in all phases, earlier processes included. */
  readonly steps: number
  readonly phases: readonly FinishedPhase[]
}

export interface FinishedPhase {
  readonly name: string
  readonly steps: number
  readonly seconds: number
  readonly waitShare: number
  /** Best validation of the phase, as far as this process saw it; null when there was none. */
  readonly best: {
    readonly score: number
    readonly step: number
    readonly metrics: Readonly<Record<string, number>>
  } | null
}

/** Trains all phases of a model, in order; each ends with its best weights in the model. */
export async function trainModel(job: TrainJob): Promise<TrainResult> {
  mkdirSync(join(job.runDir, 'checkpoints'), { recursive: true })
  sweep(join(job.runDir, 'checkpoints'))
  const phases = job.model.phases()
  const trainer = new Trainer(job)
  if (job.resume) trainer.resume()
  if (trainer.phase === phases.length)
    job.reporter.info('The run has finished already: there is nothing left to train.')
  const done: FinishedPhase[] = []
  for (let index = trainer.phase; index < phases.length; index++) {
    const result = await trainer.run(phases[index]!, index)
    if (!result) {
      const before = phases.slice(0, index).reduce((sum, phase) => sum + phase.steps, 0)
      return { status: 'interrupted', seconds: trainer.seconds, steps: before + trainer.step, phases: done }
    }
    done.push(result)
  }
  job.model.eval().requiresGrad_(false)
  const steps = phases.reduce((sum, phase) => sum + phase.steps, 0)
  return { status: 'finished', seconds: trainer.seconds, steps, phases: done }
}

class Trainer {
  phase = 0
  seconds = 0
  step = 0
  #bestScore: number | null = null
  #best: FinishedPhase['best'] = null
  #restored: { tensors: Map<string, Tensor>; numbers: Readonly<Record<string, number>> } | null = null

  constructor(private readonly job: TrainJob) {}

  resume(): void {
    const { job } = this
    const file = lastCheckpoint(job.runDir)
    // Killed before its first checkpoint: from the beginning.
    if (!existsSync(file)) {
      job.onResume({ phase: 0, step: 0 })
      return
    }
    const { progress, tensors } = readCheckpoint(file, job.methodName, job.device)
    if (progress.fingerprint !== job.fingerprint) {
      throw new SeptumError(
        'resume-mismatch',
        'The checkpoint was made with other settings or another data set',
        'Resume with the same command, or train into a new folder.',
        { file },
      )
    }
    job.model.loadStateDict(withPrefix(tensors, 'model'))
    this.phase = progress.phase
    this.step = progress.step
    this.#bestScore = progress.bestScore
    this.seconds = progress.seconds
    if (progress.step > 0 || Object.keys(progress.numbers).length > 0)
      this.#restored = { tensors, numbers: progress.numbers }
    else for (const t of tensors.values()) t.free()
    job.onResume({ phase: progress.phase, step: progress.step })
  }

  #progress(numbers: Readonly<Record<string, number>>): Progress {
    return {
      method: this.job.methodName,
      phase: this.phase,
      step: this.step,
      bestScore: this.#bestScore,
      seconds: this.seconds,
      fingerprint: this.job.fingerprint,
      numbers,
    }
  }

  #save(run: PhaseRun | null): void {
    this.job.flush()
    const state = run ? run.state() : { tensors: new Map(), numbers: {} }
    const tensors = new Map([...addPrefix(this.job.model.stateDict(), 'model'), ...state.tensors])
    writeCheckpoint(lastCheckpoint(this.job.runDir), { progress: this.#progress(state.numbers), tensors })
  }

  /** @returns null when interrupted */
  async run(phase: Phase, index: number): Promise<FinishedPhase | null> {
    const { job } = this
    const source = job.source(phase, index)
    const run = new PhaseRun(job.model, phase, index, job.seed, job.device, job.precision)
    this.phase = index
    this.#best = null
    const secondsBefore = this.seconds
    try {
      if (this.#restored) {
        run.restore(this.#restored.tensors, this.#restored.numbers)
        for (const t of this.#restored.tensors.values()) t.free()
        this.#restored = null
      } else {
        const batch = await source.batch(0, 0)
        run.begin(batch)
        freeBatch(batch)
        // A run killed before its first checkpoint resumes from here.
        this.#save(run)
      }
      const finished = await this.#steps(run, source)
      const { waitShare } = source
      if (!finished) return null
      this.#takeBest(phase)
      this.phase = index + 1
      this.step = 0
      this.#bestScore = null
      this.#save(null)
      return {
        name: phase.name,
        steps: phase.steps,
        seconds: this.seconds - secondsBefore,
        waitShare,
        best: this.#best,
      }
    } finally {
      run.free()
      await source.close()
    }
  }

  async #steps(run: PhaseRun, source: BatchSource): Promise<boolean> {
    const { job } = this
    const { phase } = run
    const progress = job.reporter.progress(phase.name, phase.steps, 'steps')
    // What an earlier process did must not count as speed.
    progress.update(this.step)
    let smoothed: number | null = null
    try {
      while (this.step < phase.steps) {
        if (job.signal?.aborted) {
          this.#save(run)
          return false
        }
        const start = performance.now()
        const batches = await this.#batches(source, phase)
        const report = run.step(batches)
        const samples = batches.reduce((sum, batch) => sum + batch.cases.length, 0)
        for (const batch of batches) freeBatch(batch)
        source.worked()
        this.step++
        const seconds = (performance.now() - start) / 1000
        this.seconds += seconds
        const loss = report.losses.total!
        smoothed = smoothed === null ? loss : 0.95 * smoothed + 0.05 * loss
        job.events.step({
          phase: phase.name,
          step: this.step,
          of: phase.steps,
          ...report,
          samplesPerSecond: samples / seconds,
        })
        progress.update(this.step, {
          loss: smoothed,
          'samples/s': samples / seconds,
          waiting: `${(100 * source.waitShare).toFixed(1)} %`,
        })
        const last = this.step === phase.steps
        if (last || this.step % job.validateEvery === 0) await this.#validate(run, source)
        if (!last && this.step % job.checkpointEvery === 0) this.#save(run)
        // Finalisers, signals and the terminal get their turn once a step.
        await new Promise((resolve) => setImmediate(resolve))
      }
      return true
    } finally {
      progress.finish()
    }
  }

  #batches(source: BatchSource, phase: Phase): Promise<Batch[]> {
    const step = this.step
    return Promise.all(
      Array.from({ length: phase.accumulate }, (_, i) => source.batch(step * phase.accumulate + i, step)),
    )
  }

  async #validate(run: PhaseRun, source: BatchSource): Promise<void> {
    const { job } = this
    const start = performance.now()
    job.events.validating?.()
    const whole = source.validate && (() => source.validate!())
    const { score, metrics } = await (whole ? run.validateBy(whole) : run.validate(source.validation()))
    // A score that is no number stands behind every other one.
    const best =
      this.#bestScore === null ||
      score > this.#bestScore ||
      (Number.isNaN(this.#bestScore) && !Number.isNaN(score))
    if (best) {
      this.#bestScore = score
      this.#best = { score, step: this.step, metrics }
      await run.withBestWeights(async () => {
        const file = bestCheckpoint(job.runDir, run.phase.name)
        writeCheckpoint(file, {
          progress: this.#progress({}),
          tensors: addPrefix(job.model.stateDict(), 'model'),
        })
      })
    }
    this.seconds += (performance.now() - start) / 1000
    job.events.validation({ phase: run.phase.name, step: this.step, score, best, metrics })
    await this.#show(run, source)
  }

  /** A picture that cannot be made does not end a training. */
  async #show(run: PhaseRun, source: BatchSource): Promise<void> {
    const { events, reporter } = this.job
    if (!source.shown || !events.show) return
    try {
      await run.withBestWeights(async () => {
        for await (const batch of source.shown!()) {
          await events.show!(run.phase, this.step, batch)
          freeBatch(batch)
        }
      })
    } catch (error) {
      if (!(error instanceof SeptumError)) throw error
      reporter.warn(`The pictures of this validation were not written: ${error.message}`)
    }
  }

  /** The weights of the best validation; without any, the last ones stay. */
  #takeBest(phase: Phase): void {
    const file = bestCheckpoint(this.job.runDir, phase.name)
    if (!existsSync(file)) return
    const { tensors } = readCheckpoint(file, this.job.methodName, this.job.device)
    noGrad(() => this.job.model.loadStateDict(withPrefix(tensors, 'model')))
    for (const t of tensors.values()) t.free()
  }
}
