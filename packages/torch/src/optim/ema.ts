import { SeptumError } from '@septum/core'
import { noGrad } from '../autograd.js'
import { keep, scope } from '../lifetime.js'
import type { Module } from '../nn/module.js'
import type { Tensor } from '../ops/index.js'
import { foreach } from './foreach.js'

export interface EMAOptions {
  /** Share of the old average at each update. */
  readonly decay?: number
  /** Lets the average follow faster at first: decay_t = min(decay, (1 + t) / (10 + t)). */
  readonly warmup?: boolean
}

export interface EMAState {
  /** By the model's names. */
  readonly tensors: Map<string, Tensor>
  readonly numbers: { readonly updates: number }
}

const isFloating = (t: Tensor): boolean => t.dtype.startsWith('float') || t.dtype === 'bfloat16'

/**
 * Exponential moving average of a model's parameters and floating-point buffers (running statistics belong
 * to the weights they were measured with); counters are copied. Create it after `module.to()`: the averages
 * stay where the model was.
 */
export class EMA {
  readonly decay: number
  readonly warmup: boolean
  readonly #model: Map<string, Tensor>
  readonly #average: Map<string, Tensor>
  #updates = 0
  #swapped = false

  constructor(module: Module, { decay = 0.999, warmup = false }: EMAOptions = {}) {
    if (!(decay >= 0 && decay <= 1)) throw new RangeError(`a decay lies in [0, 1], got ${decay}`)
    this.decay = decay
    this.warmup = warmup
    this.#model = module.stateDict()
    this.#average = noGrad(
      () => new Map(Array.from(this.#model, ([name, t]) => [name, keep(t.detach().clone())])),
    )
  }

  /** average = decay average + (1 - decay) model; call after each optimiser step. */
  update(): void {
    this.#notSwapped('update')
    this.#updates++
    const { decay: limit } = this
    const decay = this.warmup ? Math.min(limit, (1 + this.#updates) / (10 + this.#updates)) : limit
    const names = [...this.#model.keys()].filter((name) => isFloating(this.#model.get(name)!))
    const averages = names.map((name) => this.#average.get(name)!)
    scope(() =>
      noGrad(() => {
        foreach.mul_(averages, decay)
        foreach.add_(
          averages,
          names.map((name) => this.#model.get(name)!),
          1 - decay,
        )
        for (const [name, t] of this.#model) if (!isFloating(t)) this.#average.get(name)!.copy_(t)
      }),
    )
  }

  /** Writes the average into the model (or into another module with the same names). */
  copyTo(module: Module): void {
    this.#notSwapped('copyTo')
    module.loadStateDict(this.#average)
  }

  /** Exchanges the model's values and the average; a second call puts them back. */
  swap(): void {
    noGrad(() => {
      for (const [name, t] of this.#model) {
        const average = this.#average.get(name)!
        scope(() => {
          const before = t.detach().clone()
          t.copy_(average)
          average.copy_(before)
        })
      }
    })
    this.#swapped = !this.#swapped
  }

  /** Runs `body` with the average in the model and puts the model's own values back, also after an error. */
  withAverage<T>(body: () => T): T {
    this.#notSwapped('withAverage')
    this.swap()
    try {
      const result = body()
      if (result instanceof Promise)
        throw new TypeError('withAverage() needs a synchronous function; use swap()')
      return result
    } finally {
      this.swap()
    }
  }

  /** The averages themselves, not copies. */
  stateDict(): EMAState {
    this.#notSwapped('stateDict')
    return { tensors: new Map(this.#average), numbers: { updates: this.#updates } }
  }

  /** @throws SeptumError `ema-state` when names or shapes differ; nothing is changed then. */
  loadStateDict({ tensors, numbers }: EMAState): void {
    this.#notSwapped('loadStateDict')
    const fits = tensors.size === this.#average.size
    const same = (name: string, t: Tensor) => `${tensors.get(name)?.shape}` === `${t.shape}`
    const wrong = [...this.#average].find(([name, t]) => !same(name, t))
    if (!fits || wrong) {
      const which = wrong ? `tensor ${wrong[0]}` : `${tensors.size} tensors instead of ${this.#average.size}`
      const hint = 'Build the model with the options it was trained with.'
      throw new SeptumError('ema-state', `These averages do not fit the model: ${which}`, hint)
    }
    noGrad(() => {
      for (const [name, t] of this.#average) t.copy_(tensors.get(name)!)
    })
    this.#updates = numbers.updates
  }

  free(): void {
    for (const t of this.#average.values()) t.free()
  }

  #notSwapped(what: string): void {
    if (this.#swapped)
      throw new SeptumError(
        'ema-swapped',
        `${what}() while the average is in the model`,
        'Call swap() first.',
      )
  }
}
