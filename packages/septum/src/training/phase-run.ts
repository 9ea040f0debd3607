import { Random, SeptumError } from '@septum/core'
import { autocast, type Module, manualSeed, noGrad, optim, scope, type Tensor } from '@septum/torch'
import type { Batch, Phase, ValidationResult } from '../methods/method.js'
import { addPrefix, withPrefix } from './checkpoint.js'
import { learningRateFactor, makeOptimizer, namedParametersOf } from './optimization.js'

export type Precision = 'float32' | 'bfloat16' | 'float16'

export interface StepReport {
  /** Values of the losses, `total` among them. */
  readonly losses: Readonly<Record<string, number>>
  readonly learningRate: number
  /** Norm of the gradients before clipping; null when they are not clipped. */
  readonly gradientNorm: number | null
}

/**
 * One training phase at work: optimiser, average of the weights, and steps. Every step seeds the generator
 * from (seed, phase, step), so that a step is a function of the weights and its number alone and a resumed
 * run needs no generator state.
 */
export class PhaseRun {
  readonly #optimizer: optim.Optimizer
  readonly #ema: optim.EMA[]
  readonly #factor: (step: number) => number
  readonly #parameters: Tensor[]
  readonly #scaler: optim.GradScaler | null

  constructor(
    private readonly model: Module,
    readonly phase: Phase,
    private readonly phaseIndex: number,
    private readonly seed: number,
    private readonly device: string,
    private readonly precision: Precision,
  ) {
    this.#train()
    this.#parameters = namedParametersOf(phase.trains).map(([, p]) => p)
    this.#optimizer = makeOptimizer(phase.optimizer, phase.trains)
    const decay = phase.optimizer.ema
    this.#ema =
      decay === null ? [] : phase.trains.map((module) => new optim.EMA(module, { decay, warmup: true }))
    this.#factor = learningRateFactor(phase)
    this.#scaler = precision === 'float16' ? new optim.GradScaler() : null
  }

  /** Trained modules in training mode and with gradients, everything else frozen. */
  #train(): void {
    this.model.eval().requiresGrad_(false)
    for (const module of this.phase.trains) module.train().requiresGrad_(true)
  }

  #seedStep(step: number): void {
    manualSeed(new Random(this.seed, 1 + this.phaseIndex, step).int(2 ** 31))
  }

  /** Prepares the phase with the batch of step 0; not on resume. */
  begin(batch: Batch): void {
    this.#seedStep(0)
    scope(() => this.phase.begin?.(batch))
  }

  /**
   * One optimiser step over one batch, or over `phase.accumulate` of them.
   * @throws SeptumError `loss-not-finite` naming the cases; the weights are those of the step before.
   */
  step(batches: readonly Batch[]): StepReport {
    const { step } = batches[0]!
    this.#seedStep(step)
    const factor = this.#factor(step)
    this.#optimizer.scaleLearningRates(factor)
    this.#optimizer.zeroGrad()
    const totals: Record<string, number> = {}
    for (const batch of batches) this.#accumulate(batch, batches.length, totals)
    const { clipNorm, clipValue = null } = this.phase.optimizer
    const usable = this.#scaler ? this.#scaler.unscale_(this.#optimizer) : true
    // Measured without clipping too: a gradient that is not finite would spoil the weights, then a checkpoint.
    const gradientNorm = optim.clipGradNorm_(this.#parameters, clipNorm ?? Number.POSITIVE_INFINITY)
    if (!this.#scaler && !Number.isFinite(gradientNorm)) {
      throw this.#notFinite('gradient', gradientNorm, step, batches)
    }
    if (clipValue !== null) optim.clipGradValue_(this.#parameters, clipValue)
    // Gradients that overflowed in float16 are dropped; the scaler then tries a smaller factor.
    if (usable) this.#optimizer.step()
    this.#scaler?.update()
    this.#optimizer.zeroGrad()
    for (const ema of this.#ema) ema.update()
    const last = batches.at(-1)!
    scope(() => noGrad(() => this.phase.afterStep?.(last)))
    return {
      losses: totals,
      learningRate: this.phase.optimizer.lr * factor,
      gradientNorm: clipNorm === null ? null : gradientNorm,
    }
  }

  #accumulate(batch: Batch, parts: number, totals: Record<string, number>): void {
    scope(() => {
      const losses = this.#inPrecision(() => this.phase.losses(batch))
      for (const [name, value] of Object.entries(losses))
        totals[name] = (totals[name] ?? 0) + value.item() / parts
      if (!Number.isFinite(losses.total.item()))
        throw this.#notFinite('loss', losses.total.item(), batch.step, [batch])
      const share = parts === 1 ? losses.total : losses.total.div(parts)
      ;(this.#scaler ? this.#scaler.scale(share) : share).backward()
    })
  }

  #notFinite(what: string, value: number, step: number, batches: readonly Batch[]): SeptumError {
    const cases = batches.flatMap((batch) => batch.cases)
    const listed = cases.slice(0, 8).join(', ') + (cases.length > 8 ? `, and ${cases.length - 8} more` : '')
    return new SeptumError(
      'loss-not-finite',
      `The ${what} became ${value} at step ${step + 1} of phase ${this.phase.name}, with the cases ${listed}`,
      'Look at these images and masks, or lower the learning rate; the last checkpoint is from before this step.',
    )
  }

  #inPrecision<T>(body: () => T): T {
    if (this.precision === 'float32') return body()
    return autocast({ device: this.device.startsWith('cuda') ? 'cuda' : 'cpu', dtype: this.precision }, body)
  }

  /** Validates with the averaged weights, if any; draws and gradients are untouched. */
  async validate(batches: AsyncIterable<Batch>): Promise<ValidationResult> {
    return this.validateBy(() => this.phase.validate(quietly(batches)))
  }

  /** As `validate`, by a validation that is not the phase's own. */
  async validateBy(validation: () => Promise<ValidationResult>): Promise<ValidationResult> {
    return this.withBestWeights(async () => {
      this.#seedStep(this.phase.steps)
      return validation()
    })
  }

  /** Runs `body` in eval mode with the weights that a user would get. */
  async withBestWeights<T>(body: () => Promise<T>): Promise<T> {
    for (const ema of this.#ema) ema.swap()
    this.model.eval().requiresGrad_(false)
    try {
      return await body()
    } finally {
      for (const ema of this.#ema) ema.swap()
      this.#train()
    }
  }

  /** Everything but the model that the next step needs. */
  state(): { tensors: Map<string, Tensor>; numbers: Record<string, number> } {
    const tensors = new Map<string, Tensor>()
    const numbers: Record<string, number> = {}
    const put = (
      prefix: string,
      state: { tensors: Map<string, Tensor>; numbers: Readonly<Record<string, number>> },
    ) => {
      for (const [name, t] of addPrefix(state.tensors, prefix)) tensors.set(name, t)
      for (const [name, n] of Object.entries(state.numbers)) numbers[`${prefix}.${name}`] = n
    }
    put('optimizer', this.#optimizer.stateDict())
    if (this.#scaler) {
      const { scale, goodSteps } = this.#scaler.stateDict()
      put('scaler', { tensors: new Map(), numbers: { scale, goodSteps } })
    }
    this.#ema.forEach((ema, i) => {
      put(`ema${i}`, ema.stateDict())
    })
    return { tensors, numbers }
  }

  restore(tensors: ReadonlyMap<string, Tensor>, numbers: Readonly<Record<string, number>>): void {
    const take = (prefix: string) => ({
      tensors: withPrefix(tensors, prefix),
      numbers: Object.fromEntries(
        Object.entries(numbers)
          .filter(([name]) => name.startsWith(`${prefix}.`))
          .map(([name, n]) => [name.slice(prefix.length + 1), n]),
      ),
    })
    this.#optimizer.loadStateDict({ kind: this.#optimizer.constructor.name, ...take('optimizer') })
    if (this.#scaler) {
      const { scale, goodSteps } = take('scaler').numbers
      this.#scaler.loadStateDict({ ...this.#scaler.stateDict(), scale: scale!, goodSteps: goodSteps! })
    }
    this.#ema.forEach((ema, i) => {
      const { tensors: averages, numbers: counts } = take(`ema${i}`)
      ema.loadStateDict({ tensors: averages, numbers: { updates: counts.updates! } })
    })
  }

  free(): void {
    this.#optimizer.free()
    for (const ema of this.#ema) ema.free()
  }
}

/** Validation never records a graph, whatever a method's own code does between batches. */
async function* quietly(batches: AsyncIterable<Batch>): AsyncIterable<Batch> {
  for await (const batch of batches) {
    yield batch
    batch.images.free()
    batch.masks.free()
  }
}
