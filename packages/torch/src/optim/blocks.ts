import { operator } from '../call.js'
import type { Batch } from './optimizer.js'

/** Elements of one block: five float32 tensors of it take 5 MiB, which last-level caches hold. */
const BLOCK = 1 << 18

const asStrided = operator('aten::as_strided')

/** Whether the elements fill their memory without gaps, in whatever order of axes. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  const axes = shape.map((size, i) => ({ size, stride: strides[i]! })).filter(({ size }) => size !== 1)
  axes.sort((a, b) => a.stride - b.stride)
  let expected = 1
  for (const { size, stride } of axes) {
    if (stride !== expected) return false
    expected *= size
  }
  return true
}

/**
 * Cuts a step into blocks that stay in the cache while all operators of the update run over them: an update
 * is a dozen element-wise passes, and in one go each of them would read and write main memory. Elements do
 * not depend on each other, so the result is the same. A GPU gets one block: its kernels take many tensors.
 */
export function* blocks(batch: Batch): Generator<Batch> {
  if (batch.params[0]!.device !== 'cpu') {
    yield batch
    return
  }
  const { params, grads, steps, state } = batch
  let from = 0
  let filled = 0
  const part = (to: number): Batch => ({
    params: params.slice(from, to),
    grads: grads.slice(from, to),
    steps: steps.slice(from, to),
    state: state.map((list) => list.slice(from, to)),
  })
  for (const [i, param] of params.entries()) {
    const size = param.numel
    if (filled > 0 && filled + size > BLOCK) {
      yield part(i)
      from = i
      filled = 0
    }
    if (size > 2 * BLOCK) {
      yield* pieces(part(i + 1), size)
      from = i + 1
    } else filled += size
  }
  if (filled > 0 || from < params.length) yield part(params.length)
}

/** Blocks of one large parameter, or the whole where its memory layout and its gradient's differ. */
function* pieces(single: Batch, size: number): Generator<Batch> {
  const param = single.params[0]!
  const all = [param, single.grads[0]!, ...single.state.map((list) => list[0]!)]
  const { shape, strides } = param
  const alike = isDense(shape, strides) && all.every((t) => `${t.strides}` === `${strides}`)
  if (!alike) {
    yield single
    return
  }
  const flat = all.map((t) => asStrided.one(t, [size], [1]).split(BLOCK))
  for (const [i, piece] of flat[0]!.entries()) {
    yield {
      params: [piece],
      grads: [flat[1]![i]!],
      steps: single.steps,
      state: flat.slice(2).map((list) => [list[i]!]),
    }
  }
}
