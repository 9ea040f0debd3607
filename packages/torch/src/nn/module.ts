import { SeptumError } from '@septum/core'
import { noGrad } from '../autograd.js'
import { operator } from '../call.js'
import { keep, scope } from '../lifetime.js'
import { Tensor } from '../ops/index.js'
import type { DType, MemoryFormat } from '../tensor.js'

const setData = operator('aten::set_data')

const parameters = new WeakSet<Tensor>()
const buffers = new WeakSet<Tensor>()

/** Marks a tensor as a parameter: trained, saved, and kept alive outside of scopes. */
export function parameter(t: Tensor, requiresGrad = true): Tensor {
  const leaf = keep(t.isLeaf ? t : t.detach())
  parameters.add(leaf)
  return leaf.requiresGrad_(requiresGrad)
}

/** Marks a tensor as a buffer: saved but not trained. */
export function buffer(t: Tensor): Tensor {
  const kept = keep(t)
  buffers.add(kept)
  return kept
}

export interface LoadReport {
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
}

/**
 * A part of a network. Its fields are its structure: tensors made by {@link parameter} and {@link buffer},
 * other modules, and arrays of modules. Field names are the keys of the state dict, joined by dots.
 */
export abstract class Module {
  #training = true

  get training(): boolean {
    return this.#training
  }

  /** Direct children with their names; elements of arrays are `name.0`, `name.1`, ... */
  *children(): Generator<[string, Module]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module) yield [name, value]
      else if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) if (item instanceof Module) yield [`${name}.${i}`, item]
      }
    }
  }

  /** This module and everything inside it; a module that is used twice comes once. */
  *modules(prefix = '', seen: Set<Module> = new Set()): Generator<[string, Module]> {
    if (seen.has(this)) return
    seen.add(this)
    yield [prefix, this]
    for (const [name, child] of this.children())
      yield* child.modules(prefix ? `${prefix}.${name}` : name, seen)
  }

  *#own(kind: WeakSet<Tensor>, prefix: string): Generator<[string, Tensor]> {
    for (const [path, module] of this.modules(prefix)) {
      for (const [name, value] of Object.entries(module)) {
        if (value instanceof Tensor && kind.has(value)) yield [path ? `${path}.${name}` : name, value]
      }
    }
  }

  /** Parameters with their state-dict names, each once. */
  *namedParameters(prefix = ''): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>()
    for (const entry of this.#own(parameters, prefix)) {
      if (seen.has(entry[1])) continue
      seen.add(entry[1])
      yield entry
    }
  }

  namedBuffers(prefix = ''): Generator<[string, Tensor]> {
    return this.#own(buffers, prefix)
  }

  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, p]) => p)
  }

  /** Elements of all parameters (`trainable`: only of those that are trained). */
  parameterCount({ trainable = false } = {}): number {
    return this.parameters().reduce((sum, p) => sum + (trainable && !p.requiresGrad ? 0 : p.numel), 0)
  }

  /** Parameters and buffers by name: the tensors themselves, not copies. */
  stateDict(): Map<string, Tensor> {
    return new Map([...this.#own(parameters, ''), ...this.#own(buffers, '')])
  }

  /**
   * Copies values into parameters and buffers.
   * @param strict refuses missing and unexpected names; otherwise they are reported.
   * @throws SeptumError `state-mismatch` naming the tensors; nothing is changed then.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>, { strict = true } = {}): LoadReport {
    const own = this.stateDict()
    const missing = [...own.keys()].filter((name) => !state.has(name))
    const unexpected = [...state.keys()].filter((name) => !own.has(name))
    const unequal: string[] = []
    for (const [name, target] of own) {
      const source = state.get(name)
      if (source && `${source.shape}` !== `${target.shape}`) {
        unequal.push(`${name} has [${source.shape}], the model [${target.shape}]`)
      }
    }
    const listed = (names: readonly string[]) =>
      names.slice(0, 5).join(', ') + (names.length > 5 ? `, and ${names.length - 5} more` : '')
    const wrong = [
      unequal.length > 0 && `other shapes: ${listed(unequal)}`,
      strict && missing.length > 0 && `missing: ${listed(missing)}`,
      strict && unexpected.length > 0 && `not in the model: ${listed(unexpected)}`,
    ].filter(Boolean)
    if (wrong.length > 0) {
      throw new SeptumError(
        'state-mismatch',
        `These weights do not fit the model (${wrong.join('; ')})`,
        'Build the model with the options it was trained with, or give the weights of this model.',
      )
    }
    noGrad(() => {
      for (const [name, target] of own) {
        const source = state.get(name)
        if (source) target.copy_(source)
      }
    })
    return { missing, unexpected }
  }

  train(on = true): this {
    for (const [, module] of this.modules()) module.#training = on
    return this
  }

  eval(): this {
    return this.train(false)
  }

  /** Calls `visit` for this module and everything inside it. */
  apply(visit: (module: Module) => void): this {
    for (const [, module] of this.modules()) visit(module)
    return this
  }

  /** Freezes (false) or unfreezes all parameters. */
  requiresGrad_(on = true): this {
    for (const p of this.parameters()) p.requiresGrad_(on)
    return this
  }

  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = null
  }

  /**
   * Moves or converts parameters and buffers; they stay the same objects, so optimisers go on with them (their
   * state does not move). `memoryFormat` applies to 4-D (channels_last) or 5-D (channels_last_3d) tensors.
   */
  to({
    device,
    dtype,
    memoryFormat,
  }: {
    readonly device?: string
    readonly dtype?: DType
    readonly memoryFormat?: MemoryFormat
  }): this {
    const rank = memoryFormat === 'channels_last' ? 4 : memoryFormat === 'channels_last_3d' ? 5 : 0
    const convert = (t: Tensor) => {
      const floating = t.dtype.startsWith('float') || t.dtype === 'bfloat16'
      const format = t.ndim === rank ? memoryFormat : undefined
      const moved = t.to({ device, dtype: floating ? dtype : undefined, memoryFormat: format })
      if (moved.handle !== t.handle) setData.all(t, moved)
    }
    for (const t of this.stateDict().values()) {
      scope(() =>
        noGrad(() => {
          convert(t)
          const { grad } = t
          if (grad) convert(grad)
        }),
      )
    }
    return this
  }
}
