import { adopt, release, type Scope } from './lifetime.js'
import { buffer, native } from './native.js'
import type { Arithmetic } from './ops/arithmetic.js'
import type { Comparison } from './ops/comparison.js'
import type { Gradient } from './ops/gradient.js'
import type { Linear } from './ops/linear.js'
import type { Reduction } from './ops/reduction.js'
import type { Shaping } from './ops/shaping.js'

export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128'

type RealDType = Exclude<DType, 'complex64' | 'complex128'>

export type MemoryFormat = 'contiguous_format' | 'preserve_format' | 'channels_last' | 'channels_last_3d'

/** Arrays that share an element type with a dtype; float16, bfloat16 come as their bits (Uint16Array). */
export type TensorArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/**
 * An n-dimensional array of libtorch. Names and semantics are PyTorch's, in camelCase; a trailing underscore
 * writes in place. Its memory ends with the {@link scope} it was made in, with {@link Tensor.free}, or when
 * JavaScript drops it.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: ops/index.ts puts the methods of the interface in place
export class Tensor {
  /** @internal the open scope that ends this tensor, or null for the garbage collector */
  owner: Scope | null

  /** @internal */
  constructor(readonly handle: number) {
    this.owner = adopt(this)
  }

  get shape(): number[] {
    const rank = native.shape(this.handle)
    const sizes: number[] = new Array(rank)
    for (let i = 0; i < rank; i++) sizes[i] = buffer[i]!
    return sizes
  }

  /** Elements between neighbours along each axis. */
  get strides(): number[] {
    const rank = native.strides(this.handle)
    return Array.from(buffer.subarray(0, rank))
  }

  get ndim(): number {
    return native.shape(this.handle)
  }

  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1)
  }

  get dtype(): DType {
    return native.dtype(this.handle) as DType
  }

  /** `cpu` or `cuda:0`. */
  get device(): string {
    return native.device(this.handle)
  }

  /** Size along an axis; negative axes count from the end. */
  size(dim: number): number {
    const shape = this.shape
    const size = shape[dim < 0 ? dim + shape.length : dim]
    if (size === undefined) throw new RangeError(`axis ${dim} of a tensor of shape [${shape}]`)
    return size
  }

  isContiguous(memoryFormat: MemoryFormat = 'contiguous_format'): boolean {
    return native.isContiguous(this.handle, memoryFormat)
  }

  /** The only element, as a number. Throws when there is not exactly one. */
  item(): number {
    return native.item(this.handle)
  }

  /**
   * The elements in row-major order. A contiguous CPU tensor is not copied: the array is its memory, and
   * writing to one writes to the other; it stays valid after the tensor is freed.
   */
  data(): TensorArray {
    const plain = this.device === 'cpu' && this.isContiguous() && !this.requiresGrad
    if (plain) return native.toArray(this.handle) as TensorArray
    const copy = this.detach().cpu().contiguous()
    const array = native.toArray(copy.handle) as TensorArray
    copy.free()
    return array
  }

  /**
   * A copy of the elements in row-major order, in memory of JavaScript's own. Unlike that of {@link data} it
   * needs no turn of the event loop to be given back: for results of long synchronous loops.
   */
  toTypedArray(): TensorArray {
    const { dtype } = this
    if (dtype.startsWith('complex')) throw new TypeError(`tensors of dtype ${dtype} have no typed array`)
    const made = new arrays[dtype as RealDType](this.numel)
    native.readInto(this.handle, new Uint8Array(made.buffer))
    return made
  }

  /** The elements as plain numbers, in row-major order. */
  toArray(): number[] {
    const wide = this.dtype === 'float16' || this.dtype === 'bfloat16' ? this.to({ dtype: 'float32' }) : this
    return Array.from(wide.data(), Number)
  }

  /** Ends this tensor now. A freed tensor says so when it is used; freeing twice is harmless. */
  free(): void {
    release(this)
  }

  [Symbol.dispose](): void {
    this.free()
  }

  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle)
  }

  requiresGrad_(on = true): this {
    native.setRequiresGrad(this.handle, on)
    return this
  }

  get isLeaf(): boolean {
    return native.isLeaf(this.handle)
  }

  /** The accumulated gradient of a leaf, or null. */
  get grad(): Tensor | null {
    const handle = native.gradOf(this.handle)
    return handle === 0 ? null : new Tensor(handle)
  }

  set grad(value: Tensor | null) {
    native.setGrad(this.handle, value === null ? 0 : value.handle)
  }

  toString(): string {
    const values = this.numel <= 16 ? ` [${this.toArray().join(', ')}]` : ''
    return `Tensor([${this.shape.join(', ')}] ${this.dtype} ${this.device}${values})`
  }
}

export interface Tensor extends Arithmetic, Comparison, Gradient, Linear, Reduction, Shaping {}
