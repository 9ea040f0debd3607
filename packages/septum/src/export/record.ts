import { SeptumError } from '@septum/core'
import {
  type Argument,
  type DType,
  Named,
  type nn,
  observeCalls,
  type Result,
  scope,
  Tensor,
} from '@septum/torch'

/** A tensor as a recording knows it. */
export class Value {
  /** Number of the storage that it shares with its views. */
  storage: number

  constructor(
    readonly shape: readonly number[],
    readonly dtype: DType,
    storage: number,
    /** What it holds when it does not depend on the inputs. */
    readonly constant: Constant | null = null,
  ) {
    this.storage = storage
  }
}

/** Weights are read when the graph is written; everything else may be freed before that and is copied. */
export type Constant =
  | { readonly kind: 'weight'; readonly name: string; readonly tensor: Tensor }
  | { readonly kind: 'data'; readonly data: Uint8Array }

export type RecordedArgument = Value | number | boolean | string | null | readonly RecordedArgument[]

/** One operator that depends on the inputs. */
export interface Step {
  /** Without namespace, overload and the underscore of in-place operators, e.g. `conv2d`. */
  readonly op: string
  readonly overload: string
  /** State-dict path of the innermost module whose `forward` ran. */
  readonly path: string
  readonly args: readonly RecordedArgument[]
  readonly named: Readonly<Record<string, RecordedArgument>>
  readonly results: readonly (Value | readonly Value[] | null)[]
}

export interface Recording {
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  readonly steps: readonly Step[]
}

/** Operators whose result may be a view of the first argument. */
const views = new Set([
  'view',
  'reshape',
  'flatten',
  'permute',
  'transpose',
  'narrow',
  'select',
  'slice',
  'unsqueeze',
  'squeeze',
  'expand',
  'split',
  'chunk',
  'unbind',
  'detach',
  'unfold',
])

class Recorder {
  readonly steps: Step[] = []
  readonly #values = new Map<Tensor, Value>()
  readonly #constants = new Map<Tensor, Value>()
  /** Tensors that share each storage. */
  readonly #sharers = new Map<number, number>()
  #storages = 0
  readonly path: string[] = []

  constructor(private readonly weights: ReadonlyMap<Tensor, string>) {}

  value(tensor: Tensor, storage = this.#storages++): Value {
    const made = new Value(tensor.shape, tensor.dtype, storage)
    this.#sharers.set(storage, (this.#sharers.get(storage) ?? 0) + 1)
    this.#values.set(tensor, made)
    return made
  }

  /** What a tensor is: something computed, or a constant. */
  of(tensor: Tensor): Value {
    const known = this.#values.get(tensor) ?? this.#constants.get(tensor)
    if (known) return known
    const name = this.weights.get(tensor)
    const constant: Constant =
      name === undefined ? { kind: 'data', data: bytesIn(tensor) } : { kind: 'weight', name, tensor }
    const made = new Value(tensor.shape, tensor.dtype, -1, constant)
    // A weight does not change; any other constant could be written to between two uses.
    if (name !== undefined) this.#constants.set(tensor, made)
    return made
  }

  #argument(value: Argument | undefined): RecordedArgument {
    if (value instanceof Tensor) return this.of(value)
    if (Array.isArray(value)) return value.map((item) => this.#argument(item as Argument))
    if (typeof value === 'bigint') return Number(value)
    return (value ?? null) as RecordedArgument
  }

  #depends(args: readonly (Argument | Named)[]): boolean {
    return args.some((arg) => {
      const value = arg instanceof Named ? arg.value : arg
      if (value instanceof Tensor) return this.#values.has(value)
      return Array.isArray(value) && value.some((item) => item instanceof Tensor && this.#values.has(item))
    })
  }

  observe(name: string, args: readonly (Argument | Named)[], results: readonly Result[]): void {
    if (!this.#depends(args)) return
    const [qualified, overload = ''] = name.slice(name.indexOf('::') + 2).split('.') as [string, string?]
    const inPlace = qualified.endsWith('_') && !qualified.startsWith('_')
    const op = inPlace ? qualified.slice(0, -1) : qualified
    const path = this.path.at(-1) ?? ''
    const plain = args.filter((arg): arg is Argument => !(arg instanceof Named))
    const recorded = plain.map((arg) => this.#argument(arg))
    const named = Object.fromEntries(
      args.filter((arg) => arg instanceof Named).map((arg) => [arg.name, this.#argument(arg.value)]),
    )
    if (inPlace) this.#checkWrite(qualified, args[0], path)
    const first = args[0] instanceof Tensor ? this.#values.get(args[0]) : undefined
    const bind = (tensor: Tensor): Value => {
      if (tensor === args[0] && !inPlace) return first!
      return this.value(tensor, views.has(op) && first ? first.storage : undefined)
    }
    const made = results.map((result) => {
      if (result instanceof Tensor) return bind(result)
      if (Array.isArray(result) && result[0] instanceof Tensor)
        return (result as unknown as Tensor[]).map(bind)
      return null
    })
    // An operator that gave its argument back (`contiguous` of a contiguous tensor) did nothing.
    if (made.length === 1 && made[0] === first && !inPlace) return
    this.steps.push({ op, overload, path, args: recorded, named, results: made })
  }

  /** A write is recorded as a new value, which is right as long as nobody else looks at the same memory. */
  #checkWrite(op: string, target: Argument | Named, path: string): void {
    const value = target instanceof Tensor ? this.#values.get(target) : undefined
    if (value && this.#sharers.get(value.storage) === 1) return
    throw new SeptumError(
      'export-in-place',
      `${path || 'The model'} writes with ${op} into ${value ? 'memory that views share' : 'a constant'}, which a graph cannot express`,
      'Use the operator without underscore there.',
    )
  }
}

/** Elements of any real tensor in row-major order. */
export function bytesIn(tensor: Tensor): Uint8Array {
  const array = tensor.toTypedArray()
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/**
 * Runs `run` on `inputs` and notes every operator that depends on them, with the module that called it; what does not
 * depend on the inputs is a constant. The model must be in evaluation mode and need no gradients.
 *
 * Gradients stay switched on: blocks that fold norms into convolutions without gradients then show both.
 * @throws SeptumError `export-in-place`
 */
export function record(
  model: nn.Module,
  inputs: readonly Tensor[],
  run: (inputs: readonly Tensor[]) => readonly Tensor[],
): Recording {
  const weights = new Map(Array.from(model.stateDict(), ([name, tensor]) => [tensor, name]))
  const recorder = new Recorder(weights)
  const given = inputs.map((input) => recorder.value(input))
  const restore = followModules(model, recorder.path)
  try {
    return scope(() => {
      const outputs = observeCalls(
        (name, args, results) => recorder.observe(name, args, results),
        () => run(inputs),
      )
      return { inputs: given, outputs: outputs.map((output) => recorder.of(output)), steps: recorder.steps }
    })
  } finally {
    restore()
  }
}

type AnyForward = (...args: unknown[]) => unknown

/** Puts a function of its own before each module's `forward` that notes where the model is. @returns what undoes it */
function followModules(model: nn.Module, path: string[]): () => void {
  const changed: { forward?: AnyForward }[] = []
  for (const [name, module] of model.modules()) {
    const layer = module as unknown as { forward?: AnyForward }
    const forward = layer.forward
    if (!forward) continue
    layer.forward = (...args) => {
      path.push(name)
      try {
        return forward.apply(module, args)
      } finally {
        path.pop()
      }
    }
    changed.push(layer)
  }
  return () => {
    for (const layer of changed) delete layer.forward
  }
}
