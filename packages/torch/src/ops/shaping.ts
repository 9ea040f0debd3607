import { named, aten as op } from '../call.js'
import type { DType, MemoryFormat, Tensor } from '../tensor.js'

const view = op('view')
const reshape = op('reshape')
const permute = op('permute')
const transpose = op('transpose.int')
const select = op('select.int')
const narrow = op('narrow')
const unsqueeze = op('unsqueeze')
const contiguous = op('contiguous')
const detach = op('detach')

type Dims = number | readonly number[]
const list = (dims: Dims): readonly number[] => (typeof dims === 'number' ? [dims] : dims)

/** Views, copies, indexing and conversion. */
export const shaping = {
  /** Same elements, new sizes (one of them may be -1); never copies, throws where it would have to. */
  view(this: Tensor, shape: readonly number[]): Tensor {
    return view.one(this, shape)
  },
  reshape(this: Tensor, shape: readonly number[]): Tensor {
    return reshape.one(this, shape)
  },
  permute(this: Tensor, dims: readonly number[]): Tensor {
    return permute.one(this, dims)
  },
  transpose(this: Tensor, a: number, b: number): Tensor {
    return transpose.one(this, a, b)
  },
  flatten(this: Tensor, start: number = 0, end: number = -1): Tensor {
    return op('flatten.using_ints').one(this, start, end)
  },
  unflatten(this: Tensor, dim: number, sizes: readonly number[]): Tensor {
    const shape = this.shape
    shape.splice(dim < 0 ? dim + shape.length : dim, 1, ...sizes)
    return view.one(this, shape)
  },
  unsqueeze(this: Tensor, dim: number): Tensor {
    return unsqueeze.one(this, dim)
  },
  squeeze(this: Tensor, dim?: number): Tensor {
    return dim === undefined ? op('squeeze').one(this) : op('squeeze.dim').one(this, dim)
  },
  /** Repeats axes of size 1 without copying; -1 keeps a size. */
  expand(this: Tensor, shape: readonly number[]): Tensor {
    return op('expand').one(this, shape)
  },
  repeat(this: Tensor, times: readonly number[]): Tensor {
    return op('repeat').one(this, times)
  },
  repeatInterleave(this: Tensor, times: number, dim: number): Tensor {
    return op('repeat_interleave.self_int').one(this, times, dim)
  },
  contiguous(this: Tensor, memoryFormat: MemoryFormat = 'contiguous_format'): Tensor {
    return contiguous.one(this, memoryFormat)
  },
  clone(this: Tensor): Tensor {
    return op('clone').one(this)
  },
  /** The same memory outside of the graph. */
  detach(this: Tensor): Tensor {
    return detach.one(this)
  },
  narrow(this: Tensor, dim: number, start: number, length: number): Tensor {
    return narrow.one(this, dim, start, length)
  },
  select(this: Tensor, dim: number, index: number): Tensor {
    return select.one(this, dim, index)
  },
  /** Elements start, start + step, ... below end along an axis. */
  slice(this: Tensor, dim: number, start: number | null, end: number | null, step: number = 1): Tensor {
    return op('slice.Tensor').one(this, dim, start, end, step)
  },
  indexSelect(this: Tensor, dim: number, index: Tensor): Tensor {
    return op('index_select').one(this, dim, index)
  },
  gather(this: Tensor, dim: number, index: Tensor): Tensor {
    return op('gather').one(this, dim, index)
  },
  scatter(this: Tensor, dim: number, index: Tensor, source: Tensor | number): Tensor {
    return op(typeof source === 'number' ? 'scatter.value' : 'scatter.src').one(this, dim, index, source)
  },
  scatterAdd_(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return op('scatter_add_').one(this, dim, index, source)
  },
  indexAdd_(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return op('index_add_').one(this, dim, index, source)
  },
  /** Indexing by tensors (null: all), as `t[a, :, b]`. */
  index(this: Tensor, indices: readonly (Tensor | null)[]): Tensor {
    return op('index.Tensor').one(this, indices)
  },
  indexPut_(
    this: Tensor,
    indices: readonly (Tensor | null)[],
    values: Tensor,
    accumulate: boolean = false,
  ): Tensor {
    return op('index_put_').one(this, indices, values, accumulate)
  },
  maskedSelect(this: Tensor, mask: Tensor): Tensor {
    return op('masked_select').one(this, mask)
  },
  /** [n, rank] indices of the elements that are not zero. */
  nonzero(this: Tensor): Tensor {
    return op('nonzero').one(this)
  },
  flip(this: Tensor, dims: Dims): Tensor {
    return op('flip').one(this, list(dims))
  },
  rot90(this: Tensor, turns: number, dims: readonly [number, number]): Tensor {
    return op('rot90').one(this, turns, dims)
  },
  roll(this: Tensor, shifts: Dims, dims: Dims): Tensor {
    return op('roll').one(this, list(shifts), list(dims))
  },
  split(this: Tensor, size: number, dim: number = 0): Tensor[] {
    return op('split.Tensor').all(this, size, dim)[0] as Tensor[]
  },
  chunk(this: Tensor, count: number, dim: number = 0): Tensor[] {
    return op('chunk').all(this, count, dim)[0] as Tensor[]
  },
  unbind(this: Tensor, dim: number = 0): Tensor[] {
    return op('unbind.int').all(this, dim)[0] as Tensor[]
  },
  tril(this: Tensor, diagonal: number = 0): Tensor {
    return op('tril').one(this, diagonal)
  },
  triu(this: Tensor, diagonal: number = 0): Tensor {
    return op('triu').one(this, diagonal)
  },
  /** Converts dtype, device or memory layout; returns this tensor itself when nothing changes. */
  to(this: Tensor, options: { dtype?: DType; device?: string; memoryFormat?: MemoryFormat }): Tensor {
    const { dtype, device, memoryFormat } = options
    return op('to.dtype_layout').one(
      this,
      named('dtype', dtype ?? null),
      named('device', device ?? null),
      named('memory_format', memoryFormat ?? null),
    )
  },
  float(this: Tensor): Tensor {
    return op('to.dtype').one(this, 'float32')
  },
  long(this: Tensor): Tensor {
    return op('to.dtype').one(this, 'int64')
  },
  cpu(this: Tensor): Tensor {
    return this.to({ device: 'cpu' })
  },
}

export type Shaping = typeof shaping
