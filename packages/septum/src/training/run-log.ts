import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Phase } from '../methods/method.js'
import { EventFileWriter, JsonLinesLog } from './logs/index.js'
import type { TrainingEvents } from './trainer.js'

/** `log.jsonl` and TensorBoard events of a run; steps count over all phases. */
export class RunLog implements TrainingEvents {
  readonly #jsonl: JsonLinesLog
  #events: EventFileWriter | null = null
  readonly #before = new Map<string, number>()
  #resumedAt: number | undefined

  constructor(
    private readonly dir: string,
    private readonly phases: readonly Phase[],
    private readonly every: number,
  ) {
    this.#jsonl = new JsonLinesLog(join(dir, 'log.jsonl'))
    let total = 0
    for (const phase of phases) {
      this.#before.set(phase.name, total)
      total += phase.steps
    }
  }

  /** Drops what a killed process logged past its checkpoint. */
  resumeAt(phase: number, step: number): void {
    const at = this.phases.slice(0, phase).reduce((sum, { steps }) => sum + steps, 0) + step
    this.#jsonl.resumeAt(at)
    this.#resumedAt = at
  }

  get #tensorboard(): EventFileWriter {
    if (!this.#events) {
      const folder = join(this.dir, 'tensorboard')
      mkdirSync(folder, { recursive: true })
      this.#events = new EventFileWriter(folder, { resumedAt: this.#resumedAt })
    }
    return this.#events
  }

  step(event: Parameters<TrainingEvents['step']>[0]): void {
    if (event.step % this.every !== 0 && event.step !== event.of) return
    const at = this.#before.get(event.phase)! + event.step
    const { phase, losses, learningRate, gradientNorm, samplesPerSecond } = event
    this.#jsonl.write({
      step: at,
      event: 'step',
      phase,
      phaseStep: event.step,
      losses,
      learningRate,
      gradientNorm,
      samplesPerSecond,
    })
    for (const [name, value] of Object.entries(losses))
      this.#tensorboard.scalar(`${phase}/${name}`, value, at)
    this.#tensorboard.scalar(`${phase}/learning_rate`, learningRate, at)
  }

  validation(event: Parameters<TrainingEvents['validation']>[0]): void {
    const at = this.#before.get(event.phase)! + event.step
    this.#jsonl.write({
      step: at,
      event: 'validation',
      phase: event.phase,
      phaseStep: event.step,
      score: event.score,
      best: event.best,
      metrics: event.metrics,
    })
    for (const [name, value] of Object.entries(event.metrics))
      this.#tensorboard.scalar(`${event.phase}/validation/${name}`, value, at)
  }

  /** @param sheet file below the run's folder, and what is on it. */
  pictures(
    phase: string,
    step: number,
    sheet: { file: string; cases: readonly string[]; tile: readonly number[]; classes: readonly string[] },
  ): void {
    this.#jsonl.write({
      step: this.#before.get(phase)! + step,
      event: 'pictures',
      phase,
      phaseStep: step,
      ...sheet,
    })
    // They come seldom, and somebody may be watching.
    this.#jsonl.flush()
  }

  flush(): void {
    this.#jsonl.flush()
    this.#events?.flush()
  }

  close(): void {
    this.#jsonl.close()
    this.#events?.close()
  }
}
