import { SeptumError } from '@septum/core'
import { noGrad } from '../autograd.js'
import { keep, scope } from '../lifetime.js'
import type { Tensor } from '../ops/index.js'
import { blocks } from './blocks.js'

/** Parameters with settings of their own; what is left out is the optimiser's. */
export interface ParameterGroup {
  readonly params: readonly Tensor[]
  readonly lr?: number
  readonly weightDecay?: number
}

/** A group at work. `lr` may be set before any step. */
export interface Group {
  readonly params: readonly Tensor[]
  /** Learning rate that {@link Optimizer.scaleLearningRates} multiplies. */
  readonly initialLr: number
  lr: number
  readonly weightDecay: number
}

/** What a run needs to go on bit for bit: save tensors as such and `numbers` as JSON. */
export interface OptimizerState {
  readonly kind: string
  /** `<index of the parameter>.<name>` */
  readonly tensors: Map<string, Tensor>
  /** `step.<index>` of each parameter, `lr.<index>` of each group. */
  readonly numbers: Record<string, number>
}

/** Parameters that have a gradient now, in the order of the group, with their state. */
export interface Batch {
  readonly params: readonly Tensor[]
  readonly grads: readonly Tensor[]
  /** Number of this step of each parameter, from 1. */
  readonly steps: readonly number[]
  /** State tensors of each kind, in the order of `names`. */
  readonly state: readonly (readonly Tensor[])[]
}

interface Memory {
  steps: number
  tensors: Tensor[]
}

const positive = (name: string, value: number): void => {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new RangeError(`${name} is a number from 0, got ${value}`)
}

/**
 * Parameter groups, state and its saving; subclasses give the rule. Parameters without a gradient are
 * skipped and their step does not count, as in PyTorch. Create it after `module.to()`: its state stays where the
 * parameters were.
 */
export abstract class Optimizer {
  readonly groups: readonly Group[]
  /** Kinds of state tensors, in PyTorch's names. */
  protected abstract readonly names: readonly string[]
  readonly #memory = new Map<Tensor, Memory>()
  readonly #params: readonly Tensor[]

  /** @param params tensors, or groups of them. */
  constructor(
    params: readonly Tensor[] | readonly ParameterGroup[],
    defaults: { readonly lr: number; readonly weightDecay: number },
  ) {
    const given =
      params.length > 0 && 'params' in params[0]! ? params : [{ params: params as readonly Tensor[] }]
    this.groups = (given as readonly ParameterGroup[]).map((group) => {
      const { lr = defaults.lr, weightDecay = defaults.weightDecay } = group
      positive('a learning rate', lr)
      positive('a weight decay', weightDecay)
      return { params: [...group.params], initialLr: lr, lr, weightDecay }
    })
    this.#params = this.groups.flatMap((group) => group.params)
    if (this.#params.length === 0) throw new RangeError('an optimiser needs at least one parameter')
    if (new Set(this.#params).size < this.#params.length)
      throw new RangeError('a parameter stands in two groups')
  }

  /** First state of a parameter; tensors are kept until {@link Optimizer.free}. */
  protected abstract first(param: Tensor, grad: Tensor): Tensor[]

  /** Updates `params` and `state` in place. */
  protected abstract update(group: Group, batch: Batch): void

  /** Changes the parameters by their gradients. */
  step(): void {
    for (const group of this.groups) scope(() => noGrad(() => this.#stepGroup(group)))
  }

  #stepGroup(group: Group): void {
    const params: Tensor[] = []
    const grads: Tensor[] = []
    const memories: Memory[] = []
    for (const param of group.params) {
      const grad = param.grad
      if (grad === null) continue
      let memory = this.#memory.get(param)
      if (!memory) {
        memory = { steps: 0, tensors: this.first(param, grad).map(keep) }
        this.#memory.set(param, memory)
      }
      memory.steps++
      params.push(param)
      grads.push(grad)
      memories.push(memory)
    }
    if (params.length === 0) return
    const steps = memories.map((memory) => memory.steps)
    const state = this.names.map((_, i) => memories.map((memory) => memory.tensors[i]!))
    for (const block of blocks({ params, grads, steps, state })) scope(() => this.update(group, block))
  }

  /** Forgets all gradients, so that parameters without one are skipped. */
  zeroGrad(): void {
    for (const param of this.#params) param.grad = null
  }

  /** Sets every learning rate to its initial value times a {@link Schedule}'s factor. */
  scaleLearningRates(factor: number): void {
    for (const group of this.groups) group.lr = group.initialLr * factor
  }

  /** The state tensors themselves, not copies. */
  stateDict(): OptimizerState {
    const tensors = new Map<string, Tensor>()
    const numbers: Record<string, number> = {}
    for (const [i, param] of this.#params.entries()) {
      const memory = this.#memory.get(param)
      if (!memory) continue
      numbers[`step.${i}`] = memory.steps
      for (const [k, name] of this.names.entries())
        if (memory.tensors[k]) tensors.set(`${i}.${name}`, memory.tensors[k])
    }
    for (const [i, group] of this.groups.entries()) numbers[`lr.${i}`] = group.lr
    return { kind: this.constructor.name, tensors, numbers }
  }

  /**
   * Puts a state back, copied to the devices and layouts of the parameters.
   * @throws SeptumError `optimizer-state` when it belongs to another optimiser or to other parameters; nothing is
   * changed then.
   */
  loadStateDict(state: OptimizerState): void {
    const memories = this.#read(state)
    this.free()
    for (const [param, memory] of memories) this.#memory.set(param, memory)
    for (const [i, group] of this.groups.entries()) group.lr = state.numbers[`lr.${i}`]!
  }

  #read({ kind, tensors, numbers }: OptimizerState): Map<Tensor, Memory> {
    const refuse = (why: string): never => {
      const hint = 'Build the optimiser with the parameters and options it was saved with.'
      throw new SeptumError('optimizer-state', `This state does not fit the optimiser: ${why}`, hint)
    }
    if (kind !== this.constructor.name) refuse(`it was saved by ${kind}, this is ${this.constructor.name}`)
    const groups = Object.keys(numbers).filter((name) => name.startsWith('lr.')).length
    if (groups !== this.groups.length) refuse(`it has ${groups} groups, this has ${this.groups.length}`)
    let used = 0
    const wanted: [Tensor, number, Tensor[]][] = []
    for (const [i, param] of this.#params.entries()) {
      const steps = numbers[`step.${i}`]
      if (steps === undefined) continue
      const sources = this.names.flatMap((name) => tensors.get(`${i}.${name}`) ?? [])
      for (const source of sources) {
        if (`${source.shape}` !== `${param.shape}`) {
          refuse(`parameter ${i} has shape [${param.shape}], its state [${source.shape}]`)
        }
      }
      if (sources.length !== 0 && sources.length !== this.names.length)
        refuse(`parameter ${i} lacks a state tensor`)
      used += sources.length
      wanted.push([param, steps, sources])
    }
    if (used !== tensors.size) refuse(`${tensors.size - used} of its tensors belong to no parameter`)
    const copies = (param: Tensor, sources: Tensor[]) =>
      scope(() => noGrad(() => this.names.slice(0, sources.length).map((_, k) => like(param, sources[k]!))))
    return new Map(
      wanted.map(([param, steps, sources]) => [param, { steps, tensors: copies(param, sources).map(keep) }]),
    )
  }

  /** Forgets the state and gives its memory back. */
  free(): void {
    for (const { tensors } of this.#memory.values()) for (const tensor of tensors) tensor.free()
    this.#memory.clear()
  }
}

/** A copy of `source` with the device, dtype and layout of `param`: layouts decide how sums are rounded. */
const like = (param: Tensor, source: Tensor): Tensor => param.detach().clone().copy_(source)
