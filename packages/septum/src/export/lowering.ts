import { SeptumError } from '@septum/core'
import type { DType } from '@septum/torch'
import {
  bytesOfConstant,
  type Dim,
  type MergedArgument,
  type MergedRecording,
  type MergedStep,
  MergedValue,
  SizeDependent,
  Varying,
  whereOf,
} from './merge.js'
import {
  type Attribute,
  type ElementType,
  elementBytes,
  elementTypes,
  int,
  OnnxGraph,
  type TensorSpec,
} from './onnx/graph.js'

/** Writes one recorded operator as ONNX nodes. @returns the names of its results in order */
export type Rule = (call: Call) => string | readonly string[]

const isList = (value: MergedArgument | undefined): value is readonly MergedArgument[] => Array.isArray(value)

/** A recorded operator on its way into a graph: its arguments, checked, and the means to add nodes. */
export class Call {
  constructor(
    readonly step: MergedStep,
    readonly lowering: Lowering,
  ) {}

  get graph(): OnnxGraph {
    return this.lowering.graph
  }

  get where(): string {
    return whereOf(this.step)
  }

  #wrong(index: number, wanted: string): SeptumError {
    return new SeptumError(
      'export-argument',
      `Argument ${index} of ${this.where} is not ${wanted}`,
      'This is a defect of the exporter: please report it.',
    )
  }

  argument(index: number): MergedArgument | undefined {
    return this.step.args[index]
  }

  isTensor(index: number): boolean {
    return this.argument(index) instanceof MergedValue
  }

  /** The value itself, e.g. for its shape. */
  value(index: number): MergedValue {
    const value = this.argument(index)
    if (value instanceof MergedValue) return value
    throw this.#wrong(index, 'a tensor')
  }

  /** Name of a tensor argument in the graph. */
  tensor(index: number): string {
    return this.lowering.nameOf(this.value(index))
  }

  optional(index: number): string | null {
    return this.argument(index) == null ? null : this.tensor(index)
  }

  values(index: number): MergedValue[] {
    const list = this.argument(index)
    if (isList(list) && list.every((item) => item instanceof MergedValue)) return list as MergedValue[]
    throw this.#wrong(index, 'a list of tensors')
  }

  dim(index: number): Dim {
    const value = this.argument(index)
    if (typeof value === 'number' || value instanceof Varying) return value
    if (typeof value === 'boolean') return Number(value)
    throw this.#wrong(index, 'a number')
  }

  /** A number that may not depend on sizes. */
  number(index: number, otherwise?: number): number {
    if (otherwise !== undefined && this.argument(index) == null) return otherwise
    return this.fixed(this.dim(index))
  }

  flag(index: number, otherwise = false): boolean {
    const value = this.argument(index) ?? otherwise
    return value === true || value === 1
  }

  text(index: number, otherwise = ''): string {
    return String(this.argument(index) ?? otherwise)
  }

  dims(index: number): Dim[] {
    const list = this.argument(index)
    if (typeof list === 'number' || list instanceof Varying) return [list]
    if (isList(list)) return list as Dim[]
    throw this.#wrong(index, 'a list of numbers')
  }

  /** Numbers that may not depend on sizes; one number stands for `rank` equal ones. */
  numbers(index: number, rank?: number, otherwise?: readonly number[]): number[] {
    if (otherwise && this.argument(index) == null) return [...otherwise]
    const list = this.dims(index).map((each) => this.fixed(each))
    return rank !== undefined && list.length === 1 ? new Array<number>(rank).fill(list[0]!) : list
  }

  /** @throws SizeDependent */
  fixed(value: Dim): number {
    if (typeof value === 'number') return value
    throw new SizeDependent(`${this.where} depends on the size of the image`)
  }

  /** Result i, whose shape and type the recording knows. */
  result(index = 0): MergedValue {
    const value = this.step.results[index]
    if (value instanceof MergedValue) return value
    throw this.#wrong(index, 'a tensor that the operator gives')
  }

  add(
    op: string,
    inputs: readonly (string | null)[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    return this.addMany(op, inputs, attributes, 1)[0]!
  }

  addMany(
    op: string,
    inputs: readonly (string | null)[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: number,
  ): string[] {
    const names = inputs.map((input) => input ?? '')
    while (names.at(-1) === '') names.pop()
    return this.graph.nodeOf(op, names, attributes, this.step.path, outputs)
  }

  cast(name: string, from: DType, to: DType): string {
    return from === to
      ? name
      : this.add('Cast', [name], { to: int(elementTypes[elementType(to, this.where)]) })
  }

  /** A whole axis from 0: negative ones count from the end. */
  axis(index: number, rank: number, otherwise?: number): number {
    const axis = this.number(index, otherwise)
    return axis < 0 ? axis + rank : axis
  }

  /** A one-dimensional int64 tensor of sizes, constant as far as they are. */
  sizes(dims: readonly Dim[]): string {
    return this.lowering.sizes(dims, this)
  }
}

export function elementType(dtype: DType, where: string): ElementType {
  if (dtype in elementTypes) return dtype as ElementType
  throw new SeptumError(
    'export-operator',
    `${where} works with ${dtype}, which the exporter does not know`,
    'Convert to float32 there.',
  )
}

interface Axis {
  readonly name: string
  readonly axis: number
  readonly size: Varying
}

/** The making of one graph from a merged recording. */
export class Lowering {
  readonly graph: OnnxGraph
  /** Varying axes of the inputs, and the first tensor that shows each varying size. */
  readonly #axes: Axis[] = []
  readonly #shown = new Map<string, Axis>()
  readonly #sizes = new Map<string, string>()

  constructor(
    name: string,
    private readonly rules: ReadonlyMap<string, Rule>,
  ) {
    this.graph = new OnnxGraph(name)
  }

  /** @param inputs, outputs names and shapes as the bundle shows them */
  run(recording: MergedRecording, inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): OnnxGraph {
    const { graph } = this
    for (const [i, spec] of inputs.entries()) {
      graph.inputs.push(spec)
      this.#define(recording.inputs[i]!, spec.name, true)
    }
    for (const step of recording.steps) this.#step(step)
    for (const [i, spec] of outputs.entries()) {
      const value = recording.outputs[i]!
      graph.nodes.push({
        op: 'Identity',
        inputs: [this.nameOf(value)],
        outputs: [spec.name],
        attributes: {},
        path: '',
      })
      graph.outputs.push(spec)
    }
    return graph
  }

  #step(step: MergedStep): void {
    const rule = this.rules.get(step.op)
    if (!rule) {
      throw new SeptumError(
        'export-operator',
        `The operator ${step.op} in ${step.path || 'the model'} has no ONNX form`,
        'Write that part of the model with other operators, or add a rule to export/operators.',
      )
    }
    const made = rule(new Call(step, this))
    const names = typeof made === 'string' ? [made] : made
    const results = step.results.flat().filter((value) => value !== null)
    for (const [i, value] of results.entries())
      if (names[i] !== undefined) this.#define(value, names[i]!, false)
  }

  #define(value: MergedValue, name: string, input: boolean): void {
    value.name = name
    for (const [axis, size] of value.shape.entries()) {
      if (!(size instanceof Varying)) continue
      const key = `${size.first} ${size.second}`
      if (input) this.#axes.push({ name, axis, size })
      if (!this.#shown.has(key)) this.#shown.set(key, { name, axis, size })
    }
  }

  nameOf(value: MergedValue): string {
    if (value.name === null) {
      if (!value.constant) throw new Error('a tensor is used before it is made')
      value.name = this.#constant(value)
    }
    return value.name
  }

  #constant(value: MergedValue): string {
    const [first, second] = value.constant!
    const type = elementType(value.dtype, 'A constant')
    const data = bytesOfConstant(first)
    const hint = first.constant!.kind === 'weight' ? first.constant!.name : this.graph.fresh('constant')
    if (first.constant !== second.constant && first.constant!.kind === 'data') {
      const other = bytesOfConstant(second)
      if (!sameBytes(data, other) || value.shape.some((size) => size instanceof Varying)) {
        return this.#expanded(value, hint, type, [data, other])
      }
    }
    return this.graph.initializer(hint, { type, shape: first.shape, data })
  }

  /** A constant that repeats itself along the axes that vary: one copy, which the graph expands. */
  #expanded(
    value: MergedValue,
    hint: string,
    type: ElementType,
    data: readonly [Uint8Array, Uint8Array],
  ): string {
    const [first, second] = value.constant!
    const open = value.shape.map((size) => size instanceof Varying)
    const one = unrepeated(data[0], first.shape, open, elementBytes[type])
    const two = unrepeated(data[1], second.shape, open, elementBytes[type])
    if (!one || !two || !sameBytes(one, two) || !open.includes(true)) {
      throw new SizeDependent('the model holds constants made for the size of the image')
    }
    const shape = first.shape.map((size, axis) => (open[axis] ? 1 : size))
    const base = this.graph.initializer(hint, { type, shape, data: one })
    return this.graph.nodeOf('Expand', [base, this.sizes(value.shape)], {}, '', 1)[0]!
  }

  /** @throws SizeDependent when a size cannot be computed from those of the inputs */
  sizes(dims: readonly Dim[], call?: Call): string {
    const { graph } = this
    if (dims.every((size) => typeof size === 'number')) return graph.integers(dims as number[])
    const path = call?.step.path ?? ''
    const parts: string[] = []
    for (let i = 0; i < dims.length; i++) {
      const size = dims[i]!
      if (size instanceof Varying) parts.push(this.#size(size, path, call?.where ?? 'The model'))
      else {
        const run = [size]
        while (typeof dims[i + 1] === 'number') run.push(dims[++i] as number)
        parts.push(graph.integers(run))
      }
    }
    return parts.length === 1 ? parts[0]! : graph.nodeOf('Concat', parts, { axis: int(0) }, path, 1)[0]!
  }

  /** A varying size as a tensor [1]: an axis of a known tensor, or arithmetic on axes of the inputs. */
  #size(size: Varying, path: string, where: string): string {
    const key = `${size.first} ${size.second}`
    let found = this.#sizes.get(key)
    if (found === undefined) {
      found = this.#shownSize(key, path) ?? this.#computed(size, path)
      if (found === undefined) throw new SizeDependent(`${where} depends on the size of the image`)
      this.#sizes.set(key, found)
    }
    return found
  }

  #shownSize(key: string, path: string): string | undefined {
    const shown = this.#shown.get(key)
    if (!shown) return undefined
    const shape = this.graph.nodeOf('Shape', [shown.name], {}, path, 1)[0]!
    return this.graph.nodeOf(
      'Gather',
      [shape, this.graph.integers([shown.axis])],
      { axis: int(0) },
      path,
      1,
    )[0]!
  }

  #axisSize({ size }: Axis, path: string): string {
    return this.#size(size, path, 'The model')
  }

  #computed({ first, second }: Varying, path: string): string | undefined {
    const { graph } = this
    const binary = (op: string, a: string, b: string) => graph.nodeOf(op, [a, b], {}, path, 1)[0]!
    // p / q times a product of input axes, e.g. N H W / 64.
    for (const axes of subsets(this.#axes)) {
      const product = (of: 'first' | 'second') => axes.reduce((n, { size }) => n * size[of], 1)
      const [a, b] = [product('first'), product('second')]
      if (first * b !== second * a || a === 0) continue
      const divisor = greatestDivisor(first, a)
      const [p, q] = [first / divisor, a / divisor]
      let name = axes.map((axis) => this.#axisSize(axis, path)).reduce((x, y) => binary('Mul', x, y))
      if (p !== 1) name = binary('Mul', name, graph.integers([p]))
      return q === 1 ? name : binary('Div', name, graph.integers([q]))
    }
    // A sum of two axes, e.g. cached and new positions.
    for (const [i, a] of this.#axes.entries()) {
      for (const b of this.#axes.slice(i + 1)) {
        if (a.size.first + b.size.first !== first || a.size.second + b.size.second !== second) continue
        return binary('Add', this.#axisSize(a, path), this.#axisSize(b, path))
      }
    }
    // An axis and a constant.
    for (const axis of this.#axes) {
      if (first - axis.size.first !== second - axis.size.second) continue
      return binary('Add', this.#axisSize(axis, path), graph.integers([first - axis.size.first]))
    }
    return undefined
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

/** Non-empty sets of axes with different sizes, small ones first. */
function subsets(axes: readonly Axis[]): Axis[][] {
  const distinct = axes.filter(
    ({ size }, i) =>
      axes.findIndex((other) => other.size.first === size.first && other.size.second === size.second) === i,
  )
  const all = Array.from({ length: 2 ** distinct.length - 1 }, (_, bits) =>
    distinct.filter((_axis, i) => ((bits + 1) >> i) & 1),
  )
  return all.sort((a, b) => a.length - b.length)
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/** The part at 0 of each open axis, where all other parts are equal to it; else null. */
function unrepeated(
  data: Uint8Array,
  shape: readonly number[],
  open: readonly boolean[],
  width: number,
): Uint8Array | null {
  const kept = shape.map((size, axis) => (open[axis] ? 1 : size))
  const out = new Uint8Array(kept.reduce((a, b) => a * b, width))
  for (let element = 0; element < data.length / width; element++) {
    let rest = element
    let at = 0
    let stride = 1
    let home = true
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const position = rest % shape[axis]!
      rest = Math.floor(rest / shape[axis]!)
      if (open[axis]) home &&= position === 0
      else at += position * stride
      stride *= kept[axis]!
    }
    // Row-major order meets the part at 0 before its repetitions.
    for (let byte = 0; byte < width; byte++) {
      const value = data[element * width + byte]!
      if (home) out[at * width + byte] = value
      else if (out[at * width + byte] !== value) return null
    }
  }
  return out
}
