import { named, aten as op } from './call.js'
import { buffer, native } from './native.js'
import { type DType, type MemoryFormat, Tensor, type TensorArray } from './tensor.js'

export interface TensorOptions {
  readonly dtype?: DType
  readonly device?: string
}

type Nested = readonly Nested[] | readonly number[] | readonly boolean[]

const kwargs = ({ dtype = 'float32', device = 'cpu' }: TensorOptions) => [
  named('dtype', dtype),
  named('device', device),
]

function shapeOf(data: Nested): number[] {
  const shape: number[] = []
  let level: unknown = data
  while (Array.isArray(level)) {
    shape.push(level.length)
    level = level[0]
  }
  return shape
}

function numberOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value)
  throw new TypeError(
    `tensors are made from numbers, booleans and lists of them, not ${value === null ? 'null' : typeof value}`,
  )
}

function flattenInto(data: Nested, shape: readonly number[], depth: number, out: number[]): void {
  if (!Array.isArray(data) || data.length !== shape[depth]) {
    throw new TypeError('nested arrays must be rectangular: rows of one length')
  }
  for (const item of data) {
    if (Array.isArray(item)) flattenInto(item as Nested, shape, depth + 1, out)
    else if (depth !== shape.length - 1)
      throw new TypeError('nested arrays must be rectangular: rows of one length')
    else out.push(numberOf(item))
  }
}

function place(handle: number, { dtype, device }: TensorOptions): Tensor {
  const made = new Tensor(handle)
  if ((dtype === undefined || dtype === made.dtype) && (device === undefined || device === 'cpu')) return made
  const converted = made.to({ dtype, device })
  if (converted !== made) made.free()
  return converted
}

/**
 * A tensor from a number, nested arrays (float32 unless `dtype` says otherwise) or a typed array (its own
 * dtype). Typed arrays are copied once, those over a SharedArrayBuffer are used in place.
 * @throws TypeError for ragged arrays and what is no number; Error when `shape` does not fit the number of elements.
 */
export function tensor(
  data: number | boolean | Nested | Exclude<TensorArray, Uint16Array>,
  options: TensorOptions & { shape?: readonly number[] } = {},
): Tensor {
  if (ArrayBuffer.isView(data)) {
    const shape = options.shape ?? [data.length]
    shape.forEach((size, i) => {
      buffer[i] = size
    })
    const shared = typeof SharedArrayBuffer !== 'undefined' && data.buffer instanceof SharedArrayBuffer
    return place(native.fromArray(data, shape.length, shared), options)
  }
  const flat: number[] = []
  let shape: number[] = []
  if (Array.isArray(data)) {
    shape = shapeOf(data as Nested)
    flattenInto(data as Nested, shape, 0, flat)
  } else flat.push(numberOf(data))
  const wide = options.dtype === 'int64' || options.dtype === 'float64' || options.dtype === 'int32'
  const array = wide ? Float64Array.from(flat) : Float32Array.from(flat)
  return tensor(array, { dtype: 'float32', ...options, shape: options.shape ?? shape })
}

/** A tensor from raw little-endian elements, copied. */
export function fromBytes(bytes: Uint8Array, dtype: DType, shape: readonly number[]): Tensor {
  shape.forEach((size, i) => {
    buffer[i] = size
  })
  return new Tensor(native.fromBytes(bytes, dtype, shape.length))
}

export const zeros = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  op('zeros').one(shape, ...kwargs(options))
export const ones = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  op('ones').one(shape, ...kwargs(options))
export const empty = (
  shape: readonly number[],
  options: TensorOptions & { memoryFormat?: MemoryFormat } = {},
): Tensor =>
  op('empty.memory_format').one(
    shape,
    ...kwargs(options),
    named('memory_format', options.memoryFormat ?? null),
  )
export const full = (shape: readonly number[], value: number, options: TensorOptions = {}): Tensor =>
  op('full').one(shape, value, ...kwargs(options))
/** Whole numbers are int64, as in PyTorch; give `dtype` for anything else. */
export const arange = (start: number, end: number, step = 1, options: TensorOptions = {}): Tensor =>
  op('arange.start_step').one(start, end, step, ...kwargs({ dtype: 'int64', ...options }))
export const linspace = (start: number, end: number, steps: number, options: TensorOptions = {}): Tensor =>
  op('linspace').one(start, end, steps, ...kwargs(options))
export const eye = (n: number, options: TensorOptions = {}): Tensor => op('eye').one(n, ...kwargs(options))
/** Uniform in [0, 1), from the default generator. */
export const rand = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  op('rand').one(shape, ...kwargs(options))
export const randn = (shape: readonly number[], options: TensorOptions = {}): Tensor =>
  op('randn').one(shape, ...kwargs(options))
export const randint = (
  low: number,
  high: number,
  shape: readonly number[],
  options: TensorOptions = {},
): Tensor => op('randint.low').one(low, high, shape, ...kwargs({ dtype: 'int64', ...options }))
export const randperm = (n: number, options: TensorOptions = {}): Tensor =>
  op('randperm').one(n, ...kwargs({ dtype: 'int64', ...options }))
export const zerosLike = (t: Tensor): Tensor => op('zeros_like').one(t)
export const onesLike = (t: Tensor): Tensor => op('ones_like').one(t)
export const fullLike = (t: Tensor, value: number): Tensor => op('full_like').one(t, value)
export const emptyLike = (t: Tensor): Tensor => op('empty_like').one(t)

export const cat = (tensors: readonly Tensor[], dim = 0): Tensor => op('cat').one(tensors, dim)
export const stack = (tensors: readonly Tensor[], dim = 0): Tensor => op('stack').one(tensors, dim)
/** Elements of `a` where `condition` holds, else of `b`; a number may stand for either. */
export const where = (condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor => {
  const scalar = (v: Tensor | number) => (typeof v === 'number' ? 'Scalar' : '')
  const kinds = `${scalar(a)}${scalar(b)}`
  const name =
    kinds === ''
      ? 'self'
      : kinds === 'ScalarScalar'
        ? 'Scalar'
        : typeof a === 'number'
          ? 'ScalarSelf'
          : 'ScalarOther'
  return op(`where.${name}`).one(condition, a, b)
}
export const einsum = (equation: string, ...tensors: readonly Tensor[]): Tensor =>
  op('einsum').one(equation, tensors)
export const meshgrid = (tensors: readonly Tensor[], indexing: 'ij' | 'xy' = 'ij'): Tensor[] =>
  op('meshgrid.indexing').all(tensors, named('indexing', indexing))[0] as Tensor[]
/** Euclidean (p = 2) or other distances between all rows of a [n, d] and b [m, d]. */
export const cdist = (a: Tensor, b: Tensor, p = 2): Tensor => op('cdist').one(a, b, p)
