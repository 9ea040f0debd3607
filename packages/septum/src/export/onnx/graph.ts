import { SeptumError } from '@septum/core'

/** ONNX element types by our dtype names (onnx.proto, TensorProto.DataType). */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const

export type ElementType = keyof typeof elementTypes

/** Bytes of one element. */
export const elementBytes: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float16: 2,
  float64: 8,
}

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'text'; readonly value: string }

export const int = (value: number): Attribute => ({ kind: 'int', value })
export const float = (value: number): Attribute => ({ kind: 'float', value })
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value })
export const text = (value: string): Attribute => ({ kind: 'text', value })

export interface OnnxNode {
  readonly op: string
  /** Empty names are inputs left out. */
  inputs: string[]
  outputs: string[]
  readonly attributes: Readonly<Record<string, Attribute>>
  /** Module that it comes from. */
  readonly path: string
}

export interface Initializer {
  readonly type: ElementType
  readonly shape: readonly number[]
  /** Little-endian elements in row-major order. */
  readonly data: Uint8Array
}

export interface TensorSpec {
  readonly name: string
  readonly type: ElementType
  /** Numbers, and names of dynamic axes; null: not told. */
  readonly shape: readonly (number | string)[] | null
}

/** An ONNX graph in the making; nodes in an order in which they can run. */
export class OnnxGraph {
  nodes: OnnxNode[] = []
  readonly initializers = new Map<string, Initializer>()
  readonly inputs: TensorSpec[] = []
  readonly outputs: TensorSpec[] = []
  #next = 0
  readonly #numbers = new Map<string, string>()

  constructor(readonly name: string) {}

  /** A copy whose nodes may be changed; constants are shared. */
  clone(): OnnxGraph {
    const copy = new OnnxGraph(this.name)
    copy.nodes = this.nodes.map((node) => ({ ...node, inputs: [...node.inputs], outputs: [...node.outputs] }))
    for (const [name, value] of this.initializers) copy.initializers.set(name, value)
    copy.inputs.push(...this.inputs)
    copy.outputs.push(...this.outputs)
    for (const [key, name] of this.#numbers) copy.#numbers.set(key, name)
    copy.#next = this.#next
    return copy
  }

  fresh(hint = 'v'): string {
    return `${hint}_${this.#next++}`
  }

  /** Adds a node. @returns the names of its outputs */
  nodeOf(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    path: string,
    outputs: number,
  ): string[] {
    const made = Array.from({ length: outputs }, () => this.fresh(op.toLowerCase()))
    this.nodes.push({ op, inputs: [...inputs], outputs: made, attributes, path })
    return [...made]
  }

  /** Adds a weight or constant under a name of its own. @returns the name */
  initializer(hint: string, value: Initializer): string {
    const elements = value.shape.reduce((product, size) => product * size, 1)
    if (elements * elementBytes[value.type] !== value.data.length) {
      throw new SeptumError(
        'export-constant',
        `The constant ${hint} of shape [${value.shape.join(', ')}] has ${value.data.length} bytes`,
        'This is a defect of the exporter: please report it.',
      )
    }
    let name = hint
    while (this.initializers.has(name)) name = this.fresh(hint)
    this.initializers.set(name, value)
    return name
  }

  /** Whole numbers, one-dimensional or (`scalar`) without axes; equal ones are stored once. */
  integers(values: readonly number[], scalar = false): string {
    const key = `i${scalar ? 's' : ''}${values.join(',')}`
    let name = this.#numbers.get(key)
    if (name === undefined) {
      const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
      name = this.initializer(this.fresh('ints'), {
        type: 'int64',
        shape: scalar ? [] : [values.length],
        data,
      })
      this.#numbers.set(key, name)
    }
    return name
  }

  /** A number without axes of the given type. */
  number(value: number, type: ElementType): string {
    const key = `${type}${Object.is(value, -0) ? '-0' : value}`
    let name = this.#numbers.get(key)
    if (name === undefined) {
      name = this.initializer(this.fresh('number'), { type, shape: [], data: bytesOf([value], type) })
      this.#numbers.set(key, name)
    }
    return name
  }

  floats(values: ArrayLike<number>, shape: readonly number[], hint = 'matrix'): string {
    const data = new Uint8Array(Float32Array.from(values).buffer)
    return this.initializer(this.fresh(hint), { type: 'float32', shape, data })
  }
}

/** Numbers as little-endian elements. */
export function bytesOf(values: readonly number[], type: ElementType): Uint8Array {
  switch (type) {
    case 'float32':
      return new Uint8Array(Float32Array.from(values).buffer)
    case 'float64':
      return new Uint8Array(Float64Array.from(values).buffer)
    case 'int64':
      return new Uint8Array(BigInt64Array.from(values, (v) => BigInt(Math.trunc(v))).buffer)
    case 'int32':
      return new Uint8Array(Int32Array.from(values).buffer)
    case 'int8':
      return new Uint8Array(Int8Array.from(values).buffer)
    case 'uint8':
      return Uint8Array.from(values)
    case 'bool':
      return Uint8Array.from(values, (v) => (v ? 1 : 0))
    case 'float16':
      throw new SeptumError(
        'export-constant',
        'Numbers of 16 bits cannot be written as constants',
        'Export in single precision.',
      )
  }
}
