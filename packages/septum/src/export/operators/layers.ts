import type { Call, Rule } from '../lowering.js'
import { elementType } from '../lowering.js'
import type { MergedValue } from '../merge.js'
import { type Attribute, float, int, ints, text } from '../onnx/graph.js'
import { silu } from './pointwise.js'

const spatialRank = (value: MergedValue): number => value.rank - 2

const convolution: Rule = (call) => {
  const rank = spatialRank(call.value(0))
  const named = typeof call.argument(4) === 'string' ? call.text(4) : null
  const attributes = {
    strides: ints(call.numbers(3, rank)),
    dilations: ints(call.numbers(5, rank)),
    group: int(call.number(6, 1)),
    kernel_shape: ints(
      call
        .value(1)
        .shape.slice(2)
        .map((size) => call.fixed(size)),
    ),
  }
  // PyTorch's `same` puts the odd sample behind, as ONNX's SAME_UPPER does.
  const padding: Record<string, Attribute> =
    named === null
      ? { pads: ints([...call.numbers(4, rank), ...call.numbers(4, rank)]) }
      : { auto_pad: text(named === 'same' ? 'SAME_UPPER' : 'VALID') }
  return call.add('Conv', [call.tensor(0), call.tensor(1), call.optional(2)], { ...attributes, ...padding })
}

const transposed: Rule = (call) => {
  const rank = spatialRank(call.value(0))
  return call.add('ConvTranspose', [call.tensor(0), call.tensor(1), call.optional(2)], {
    strides: ints(call.numbers(3, rank)),
    pads: ints([...call.numbers(4, rank), ...call.numbers(4, rank)]),
    output_padding: ints(call.numbers(5, rank)),
    group: int(call.number(6, 1)),
    dilations: ints(call.numbers(7, rank, new Array(rank).fill(1))),
    kernel_shape: ints(
      call
        .value(1)
        .shape.slice(2)
        .map((size) => call.fixed(size)),
    ),
  })
}

/** input weightᵀ + bias */
const linear: Rule = (call) => {
  const weight = call.add('Transpose', [call.tensor(1)], { perm: ints([1, 0]) })
  const product = call.add('MatMul', [call.tensor(0), weight])
  const bias = call.optional(2)
  return bias === null ? product : call.add('Add', [product, bias])
}

const addProduct: Rule = (call) => {
  const type = elementType(call.result().dtype, call.where)
  const scaled = (name: string, by: number) =>
    by === 1 ? name : call.add('Mul', [name, call.graph.number(by, type)])
  const product = scaled(call.add('MatMul', [call.tensor(1), call.tensor(2)]), call.number(4, 1))
  return call.add('Add', [scaled(call.tensor(0), call.number(3, 1)), product])
}

const ones = (call: Call, count: number) =>
  call.graph.floats(new Float32Array(count).fill(1), [count], 'ones')
const zeros = (call: Call, count: number) => call.graph.floats(new Float32Array(count), [count], 'zeros')

const batchNorm: Rule = (call) => {
  if (call.flag(5)) throw new Error('the model was recorded in training mode')
  const channels = call.fixed(call.value(0).shape[1]!)
  return call.add(
    'BatchNormalization',
    [
      call.tensor(0),
      call.optional(1) ?? ones(call, channels),
      call.optional(2) ?? zeros(call, channels),
      call.tensor(3),
      call.tensor(4),
    ],
    { epsilon: float(call.number(7)) },
  )
}

/** Weight or bias [C] beside [N, C, ...]. */
function perChannel(call: Call, name: string, channels: number): string {
  const shape = [channels, ...new Array<number>(spatialRank(call.value(0))).fill(1)]
  return call.add('Reshape', [name, call.graph.integers(shape)])
}

function scaleAndShift(call: Call, x: string, weight: string | null, bias: string | null): string {
  const channels = call.fixed(call.value(0).shape[1]!)
  const scaled = weight === null ? x : call.add('Mul', [x, perChannel(call, weight, channels)])
  return bias === null ? scaled : call.add('Add', [scaled, perChannel(call, bias, channels)])
}

/** Group norm as the instance norm of [N, groups, channels of a group x space], which opset 17 has. */
function groupNormOf(call: Call, eps: number): string {
  const value = call.value(0)
  const groups = call.number(1)
  const grouped = call.add('Reshape', [call.tensor(0), call.graph.integers([0, groups, -1])])
  const normed = call.add('InstanceNormalization', [grouped, ones(call, groups), zeros(call, groups)], {
    epsilon: float(eps),
  })
  const back = call.add('Reshape', [normed, call.sizes(value.shape)])
  return scaleAndShift(call, back, call.optional(2), call.optional(3))
}

const groupNormSilu: Rule = (call) => {
  const normed = groupNormOf(call, call.number(4))
  return call.flag(5) ? silu(call, normed) : normed
}

const instanceNorm: Rule = (call) => {
  if (!call.flag(5, true)) throw new Error('an instance norm with running statistics')
  const channels = call.fixed(call.value(0).shape[1]!)
  return call.add(
    'InstanceNormalization',
    [call.tensor(0), call.optional(1) ?? ones(call, channels), call.optional(2) ?? zeros(call, channels)],
    { epsilon: float(call.number(7)) },
  )
}

const layerNorm: Rule = (call) => {
  const shape = call.numbers(1)
  const elements = shape.reduce((a, b) => a * b, 1)
  const scale = call.optional(2) ?? call.graph.floats(new Float32Array(elements).fill(1), shape, 'ones')
  return call.add('LayerNormalization', [call.tensor(0), scale, call.optional(3)], {
    axis: int(-shape.length),
    epsilon: float(call.number(4, 1e-5)),
  })
}

const embedding: Rule = (call) => call.add('Gather', [call.tensor(0), call.tensor(1)], { axis: int(0) })

const product: Rule = (call) => call.add('MatMul', [call.tensor(0), call.tensor(1)])

const einsum: Rule = (call) =>
  call.add(
    'Einsum',
    call.values(1).map((value) => call.lowering.nameOf(value)),
    { equation: text(call.text(0)) },
  )

/** Operators with weights, and products of matrices. */
export const layers: Readonly<Record<string, Rule>> = {
  conv1d: convolution,
  conv2d: convolution,
  conv3d: convolution,
  conv_transpose1d: transposed,
  conv_transpose2d: transposed,
  conv_transpose3d: transposed,
  linear,
  matmul: product,
  bmm: product,
  addmm: addProduct,
  baddbmm: addProduct,
  einsum,
  embedding,
  batch_norm: batchNorm,
  group_norm: (call) => groupNormOf(call, call.number(4)),
  group_norm_silu: groupNormSilu,
  instance_norm: instanceNorm,
  layer_norm: layerNorm,
}
