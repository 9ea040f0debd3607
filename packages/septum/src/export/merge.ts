import type { DType } from '@septum/torch'
import { bytesIn, type RecordedArgument, type Recording, type Step, type Value } from './record.js'

/** A number that differs between the two recordings, which saw inputs of different sizes. */
export class Varying {
  constructor(
    readonly first: number,
    readonly second: number,
  ) {}
}

export type Dim = number | Varying

/** What made a graph of any size impossible; the exporter then fixes the size. */
export class SizeDependent extends Error {}

/** A value of both recordings. */
export class MergedValue {
  /** Name in the graph, once it has one. */
  name: string | null = null

  constructor(
    readonly shape: readonly Dim[],
    readonly dtype: DType,
    /** Both forms of a constant; equal unless the size decides. */
    readonly constant: readonly [Value, Value] | null,
  ) {}

  get rank(): number {
    return this.shape.length
  }
}

export type MergedArgument = MergedValue | Dim | boolean | string | null | readonly MergedArgument[]

export interface MergedStep {
  readonly op: string
  readonly overload: string
  readonly path: string
  readonly args: readonly MergedArgument[]
  readonly named: Readonly<Record<string, MergedArgument>>
  readonly results: readonly (MergedValue | readonly MergedValue[] | null)[]
}

export interface MergedRecording {
  readonly inputs: readonly MergedValue[]
  readonly outputs: readonly MergedValue[]
  readonly steps: readonly MergedStep[]
}

const isList = (value: RecordedArgument): value is readonly RecordedArgument[] => Array.isArray(value)
const isValue = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && 'storage' in value && 'shape' in value

/**
 * Lays two recordings of one model with inputs of different sizes over each other.
 * @throws SizeDependent when they did different things
 */
export function merge(first: Recording, second: Recording): MergedRecording {
  const merged = new Map<Value, MergedValue>()

  function value(a: Value, b: Value, where: string): MergedValue {
    const known = merged.get(a)
    if (known) return known
    if (a.shape.length !== b.shape.length || a.dtype !== b.dtype || !a.constant !== !b.constant) {
      throw new SizeDependent(`${where} works on other tensors at another size`)
    }
    const shape = a.shape.map((size, axis) => dim(size, b.shape[axis]!))
    const made = new MergedValue(shape, a.dtype, a.constant ? [a, b] : null)
    merged.set(a, made)
    return made
  }

  function argument(a: RecordedArgument, b: RecordedArgument, where: string): MergedArgument {
    if (isValue(a) && isValue(b)) return value(a, b, where)
    if (typeof a === 'number' && typeof b === 'number') return dim(a, b)
    if (isList(a) && isList(b) && a.length === b.length) {
      return a.map((item, i) => argument(item, b[i]!, where))
    }
    if (a === b && !isValue(a) && !isList(a)) return a
    throw new SizeDependent(`${where} has other arguments at another size`)
  }

  function step(a: Step, b: Step): MergedStep {
    const where = whereOf(a)
    if (a.op !== b.op || a.overload !== b.overload || a.path !== b.path || a.args.length !== b.args.length) {
      throw new SizeDependent(`${where} is followed by other operators at another size`)
    }
    return {
      op: a.op,
      overload: a.overload,
      path: a.path,
      args: a.args.map((arg, i) => argument(arg, b.args[i]!, where)),
      named: Object.fromEntries(
        Object.entries(a.named).map(([name, arg]) => [name, argument(arg, b.named[name] ?? null, where)]),
      ),
      results: a.results.map((result, i) => {
        const other = b.results[i]!
        if (result === null) return null
        if (!Array.isArray(result)) return value(result as Value, other as Value, where)
        if (result.length !== (other as readonly Value[]).length)
          throw new SizeDependent(`${where} gives another number of tensors at another size`)
        return result.map((each, j) => value(each, (other as readonly Value[])[j]!, where))
      }),
    }
  }

  if (first.steps.length !== second.steps.length) {
    throw new SizeDependent('the model calls other operators at another size')
  }
  return {
    inputs: first.inputs.map((input, i) => value(input, second.inputs[i]!, 'an input')),
    steps: first.steps.map((each, i) => step(each, second.steps[i]!)),
    outputs: first.outputs.map((output, i) => value(output, second.outputs[i]!, 'an output')),
  }
}

const dim = (a: number, b: number): Dim => (Object.is(a, b) ? a : new Varying(a, b))

export const whereOf = ({ op, path }: Pick<Step, 'op' | 'path'>): string => (path ? `${op} in ${path}` : op)

/** Bytes of a constant. */
export const bytesOfConstant = ({ constant }: Value): Uint8Array =>
  constant!.kind === 'data' ? constant!.data : bytesIn(constant!.tensor)
