import type { Call, Rule } from '../lowering.js'
import { type Dim, Varying } from '../merge.js'
import { int, ints } from '../onnx/graph.js'

const same = (a: Dim, b: Dim | undefined): boolean =>
  a instanceof Varying ? b instanceof Varying && a.first === b.first && a.second === b.second : a === b

const END = 2 ** 31 - 1

/** New sizes with as little arithmetic as possible: 0 keeps the size of an axis, -1 takes what is left. */
function reshapeTo(call: Call, from: readonly Dim[], to: readonly Dim[]): string {
  const x = call.tensor(0)
  const plain = to.map((size, axis) =>
    typeof size === 'number' && size !== 0 ? size : same(size, from[axis]) ? 0 : null,
  )
  const open = plain.filter((size) => size === null).length
  if (open === 0) return call.add('Reshape', [x, call.graph.integers(plain as number[])])
  if (open === 1 && !plain.includes(-1))
    return call.add('Reshape', [x, call.graph.integers(plain.map((size) => size ?? -1))])
  return call.add('Reshape', [x, call.sizes(to)])
}

/** The result's shape says all, whatever -1 or names the arguments held. */
const reshape: Rule = (call) => reshapeTo(call, call.value(0).shape, call.result().shape)

const identity: Rule = (call) => call.tensor(0)

const to: Rule = (call) => call.cast(call.tensor(0), call.value(0).dtype, call.result().dtype)

const permute: Rule = (call) => {
  const { rank } = call.value(0)
  return call.add('Transpose', [call.tensor(0)], {
    perm: ints(call.numbers(1).map((axis) => (axis + rank) % rank)),
  })
}

const transpose: Rule = (call) => {
  const { rank } = call.value(0)
  const perm = Array.from({ length: rank }, (_, i) => i)
  const [a, b] = [call.axis(1, rank), call.axis(2, rank)]
  perm[a] = b
  perm[b] = a
  return call.add('Transpose', [call.tensor(0)], { perm: ints(perm) })
}

const expand: Rule = (call) => call.add('Expand', [call.tensor(0), call.sizes(call.result().shape)])

const repeat: Rule = (call) => {
  const times = call.dims(1)
  const missing = times.length - call.value(0).rank
  const x =
    missing === 0
      ? call.tensor(0)
      : call.add('Unsqueeze', [
          call.tensor(0),
          call.graph.integers(Array.from({ length: missing }, (_, i) => i)),
        ])
  return call.add('Tile', [x, call.sizes(times)])
}

/** Each element of an axis several times in a row. */
const repeatInterleave: Rule = (call) => {
  const { shape, rank } = call.value(0)
  const axis = call.axis(2, rank)
  const wide = [...shape.slice(0, axis + 1), call.number(1), ...shape.slice(axis + 1)]
  const apart = call.add('Unsqueeze', [call.tensor(0), call.graph.integers([axis + 1])])
  const repeated = call.add('Expand', [apart, call.sizes(wide)])
  return call.add('Reshape', [repeated, call.sizes(call.result().shape)])
}

function slice(call: Call, x: string, axis: number, start: Dim, end: Dim, step = 1): string {
  return call.add('Slice', [
    x,
    call.sizes([start]),
    call.sizes([end]),
    call.graph.integers([axis]),
    call.graph.integers([step]),
  ])
}

const plus = (a: Dim, b: Dim): Dim =>
  typeof a === 'number' && typeof b === 'number'
    ? a + b
    : new Varying(
        (a instanceof Varying ? a.first : a) + (b instanceof Varying ? b.first : b),
        (a instanceof Varying ? a.second : a) + (b instanceof Varying ? b.second : b),
      )

const narrow: Rule = (call) => {
  const start = call.dim(2)
  const axis = call.axis(1, call.value(0).rank)
  // A negative start counts from the end, where adding the length could reach 0.
  const from = typeof start === 'number' && start < 0 ? plus(start, call.value(0).shape[axis]!) : start
  return slice(call, call.tensor(0), axis, from, plus(from, call.dim(3)))
}

const sliceRule: Rule = (call) => {
  const end = call.argument(3) == null ? END : call.dim(3)
  const start = call.argument(2) == null ? 0 : call.dim(2)
  return slice(call, call.tensor(0), call.axis(1, call.value(0).rank), start, end, call.number(4, 1))
}

const select: Rule = (call) => {
  const axis = call.axis(1, call.value(0).rank)
  return call.add('Gather', [call.tensor(0), call.graph.integers([call.number(2)], true)], {
    axis: int(axis),
  })
}

const indexSelect: Rule = (call) =>
  call.add('Gather', [call.tensor(0), call.tensor(2)], { axis: int(call.axis(1, call.value(0).rank)) })

const gather: Rule = (call) =>
  call.add('GatherElements', [call.tensor(0), call.tensor(2)], {
    axis: int(call.axis(1, call.value(0).rank)),
  })

/** Parts of the lengths that the recording saw. */
const parts =
  (axisAt: number): Rule =>
  (call) => {
    const axis = call.axis(axisAt, call.value(0).rank, 0)
    const lengths = call.step.results.flat().map((value) => value!.shape[axis]!)
    return call.addMany('Split', [call.tensor(0), call.sizes(lengths)], { axis: int(axis) }, lengths.length)
  }

const unbind: Rule = (call) => {
  const axis = call.axis(1, call.value(0).rank, 0)
  return call.step.results
    .flat()
    .map((_, i) => call.add('Gather', [call.tensor(0), call.graph.integers([i], true)], { axis: int(axis) }))
}

const cat: Rule = (call) => {
  // PyTorch lets empty one-dimensional tensors pass in any company.
  const values = call.values(0).filter((value) => !(value.rank === 1 && value.shape[0] === 0))
  const { dtype, rank } = call.result()
  const names = values.map((value) => call.cast(call.lowering.nameOf(value), value.dtype, dtype))
  return names.length === 1 ? names[0]! : call.add('Concat', names, { axis: int(call.axis(1, rank, 0)) })
}

const stack: Rule = (call) => {
  const axis = call.axis(1, call.result().rank, 0)
  const names = call
    .values(0)
    .map((value) => call.add('Unsqueeze', [call.lowering.nameOf(value), call.graph.integers([axis])]))
  return call.add('Concat', names, { axis: int(axis) })
}

const flip: Rule = (call) => {
  const { rank } = call.value(0)
  return call
    .numbers(1)
    .reduce((x, axis) => slice(call, x, (axis + rank) % rank, -1, -END, -1), call.tensor(0))
}

const roll: Rule = (call) => {
  const { rank } = call.value(0)
  const shifts = call.numbers(1)
  return call.numbers(2).reduce((x, given, i) => {
    const axis = (given + rank) % rank
    const shift = shifts[i]!
    if (shift === 0) return x
    return call.add('Concat', [slice(call, x, axis, -shift, END), slice(call, x, axis, 0, -shift)], {
      axis: int(axis),
    })
  }, call.tensor(0))
}

/** [N, C r², H, W] -> [N, C, H r, W r]; DepthToSpace in its CRD mode orders channels as PyTorch does. */
const pixelShuffle: Rule = (call) => {
  const r = call.number(1)
  const { shape } = call.value(0)
  const channels = call.fixed(shape[1]!) / (r * r)
  const split = call.add('Reshape', [
    call.tensor(0),
    call.sizes([shape[0]!, channels, r, r, shape[2]!, shape[3]!]),
  ])
  const mixed = call.add('Transpose', [split], { perm: ints([0, 1, 4, 2, 5, 3]) })
  return call.add('Reshape', [mixed, call.sizes(call.result().shape)])
}

const pixelUnshuffle: Rule = (call) => {
  const r = call.number(1)
  const { shape } = call.value(0)
  const out = call.result().shape
  const split = call.add('Reshape', [
    call.tensor(0),
    call.sizes([shape[0]!, shape[1]!, out[2]!, r, out[3]!, r]),
  ])
  const mixed = call.add('Transpose', [split], { perm: ints([0, 1, 3, 5, 2, 4]) })
  return call.add('Reshape', [mixed, call.sizes(out)])
}

/** Views, copies and indexing. */
export const shaping: Readonly<Record<string, Rule>> = {
  contiguous: identity,
  detach: identity,
  clone: identity,
  to,
  view: reshape,
  reshape,
  flatten: reshape,
  squeeze: reshape,
  unsqueeze: (call) =>
    call.add('Unsqueeze', [call.tensor(0), call.graph.integers([call.axis(1, call.value(0).rank + 1)])]),
  permute,
  transpose,
  expand,
  repeat,
  repeat_interleave: repeatInterleave,
  narrow,
  slice: sliceRule,
  select,
  index_select: indexSelect,
  gather,
  split: parts(2),
  chunk: parts(2),
  unbind,
  cat,
  stack,
  flip,
  roll,
  pixel_shuffle: pixelShuffle,
  pixel_unshuffle: pixelUnshuffle,
}
