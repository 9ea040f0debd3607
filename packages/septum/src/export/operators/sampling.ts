import { SeptumError } from '@septum/core'
import type { Call, Rule } from '../lowering.js'
import { type Dim, Varying } from '../merge.js'
import { type Attribute, float, int, ints, text } from '../onnx/graph.js'
import { reduceOver } from './reduction.js'

const spatialRank = (call: Call): number => call.value(0).rank - 2

const maxPool: Rule = (call) => {
  const rank = spatialRank(call)
  const kernel = call.numbers(1, rank)
  const stride = call.argument(2) == null ? kernel : call.numbers(2, rank)
  const padding = call.numbers(3, rank, new Array(rank).fill(0))
  return call.add('MaxPool', [call.tensor(0)], {
    kernel_shape: ints(kernel),
    strides: ints(stride.length === 0 ? kernel : stride),
    pads: ints([...padding, ...padding]),
    dilations: ints(call.numbers(4, rank, new Array(rank).fill(1))),
    ceil_mode: int(call.flag(5) ? 1 : 0),
  })
}

const avgPool: Rule = (call) => {
  const rank = spatialRank(call)
  const kernel = call.numbers(1, rank)
  const stride = call.argument(2) == null ? kernel : call.numbers(2, rank)
  const padding = call.numbers(3, rank, new Array(rank).fill(0))
  const padded = padding.some((n) => n > 0)
  if (call.flag(4) && padded) {
    throw new SeptumError(
      'export-operator',
      `${call.where} averages with both padding and rounding up, which ONNX counts otherwise`,
      'Use one of the two.',
    )
  }
  return call.add('AveragePool', [call.tensor(0)], {
    kernel_shape: ints(kernel),
    strides: ints(stride.length === 0 ? kernel : stride),
    pads: ints([...padding, ...padding]),
    ceil_mode: int(call.flag(4) ? 1 : 0),
    count_include_pad: int(padded && call.flag(5, true) ? 1 : 0),
  })
}

/** Rows of adaptive pooling n -> p: output i averages inputs ⌊i n / p⌋ .. ⌈(i + 1) n / p⌉ - 1. @returns [n, p] */
function averageColumns(n: number, p: number): Float32Array {
  const matrix = new Float32Array(n * p)
  for (let i = 0; i < p; i++) {
    const from = Math.floor((i * n) / p)
    const to = Math.ceil(((i + 1) * n) / p)
    for (let j = from; j < to; j++) matrix[j * p + i] = 1 / (to - from)
  }
  return matrix
}

const spatialAxes = (call: Call): number[] => Array.from({ length: spatialRank(call) }, (_, i) => i + 2)

/** Windows of equal size, where input sizes are multiples of output sizes; else null. */
function evenWindows(from: readonly number[], to: readonly number[]): number[] | null {
  return from.every((n, i) => n % to[i]! === 0) ? from.map((n, i) => n / to[i]!) : null
}

const adaptiveAverage: Rule = (call) => {
  const to = call.result().shape.slice(2)
  const given = call.value(0).shape.slice(2)
  if (to.every((size, i) => sameSize(size, given[i]!))) return call.tensor(0)
  if (to.every((size) => size === 1))
    return reduceOver(call, 'ReduceMean', call.tensor(0), spatialAxes(call), true)
  const from = given.map((size) => call.fixed(size))
  const target = to.map((size) => call.fixed(size))
  const kernel = evenWindows(from, target)
  if (kernel) {
    return call.add('AveragePool', [call.tensor(0)], { kernel_shape: ints(kernel), strides: ints(kernel) })
  }
  // Along each axis one product with a fixed matrix; the axis stands last for it.
  const rank = call.value(0).rank
  return target.reduce((x, p, i) => {
    if (from[i] === p) return x
    const matrix = call.graph.floats(averageColumns(from[i]!, p), [from[i]!, p])
    const axis = i + 2
    const perm = Array.from({ length: rank }, (_, a) => (a === axis ? rank - 1 : a === rank - 1 ? axis : a))
    const swap = (name: string) =>
      axis === rank - 1 ? name : call.add('Transpose', [name], { perm: ints(perm) })
    return swap(call.add('MatMul', [swap(x), matrix]))
  }, call.tensor(0))
}

const adaptiveMaximum: Rule = (call) => {
  const to = call.result().shape.slice(2)
  if (to.every((size) => size === 1))
    return [reduceOver(call, 'ReduceMax', call.tensor(0), spatialAxes(call), true)]
  const from = call
    .value(0)
    .shape.slice(2)
    .map((size) => call.fixed(size))
  const kernel = evenWindows(
    from,
    to.map((size) => call.fixed(size)),
  )
  if (!kernel) {
    throw new SeptumError(
      'export-operator',
      `${call.where} takes maxima of ${from.join(' x ')} to ${to.join(' x ')} in windows of unequal size, which ONNX has not`,
      'Choose sizes that divide.',
    )
  }
  return [call.add('MaxPool', [call.tensor(0)], { kernel_shape: ints(kernel), strides: ints(kernel) })]
}

function sameSize(a: Dim, b: Dim): boolean {
  if (a instanceof Varying) return b instanceof Varying && a.first === b.first && a.second === b.second
  return a === b
}

/** Resize by target sizes, or by the ratios where the caller gave them: they place the samples. */
function resize(call: Call, factorsAt: number, attributes: Readonly<Record<string, Attribute>>): string {
  const result = call.result().shape
  if (call.argument(1) == null) {
    const scales = [1, 1, ...call.numbers(factorsAt, spatialRank(call))]
    return call.add(
      'Resize',
      [call.tensor(0), null, call.graph.floats(scales, [scales.length], 'scales')],
      attributes,
    )
  }
  if (result.every((size, i) => sameSize(size, call.value(0).shape[i]!))) return call.tensor(0)
  return call.add('Resize', [call.tensor(0), null, null, call.sizes(result)], attributes)
}

const nearest: Rule = (call) =>
  resize(call, 2, {
    mode: text('nearest'),
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text('floor'),
  })

const interpolated =
  (mode: 'linear' | 'cubic'): Rule =>
  (call) =>
    resize(call, 3, {
      mode: text(mode),
      coordinate_transformation_mode: text(call.flag(2) ? 'align_corners' : 'half_pixel'),
      // Keys' kernel as PyTorch has it; what is beyond the border repeats the border.
      ...(mode === 'cubic' ? { cubic_coeff_a: float(-0.75) } : {}),
    })

const modes: Readonly<Record<string, string>> = {
  constant: 'constant',
  reflect: 'reflect',
  replicate: 'edge',
}

const pad: Rule = (call) => {
  const given = call.dims(1)
  const mode = modes[call.text(2, 'constant')]
  if (!mode) {
    throw new SeptumError(
      'export-operator',
      `${call.where} pads in the mode ${call.text(2)}, which opset 17 has not`,
      'Pad with zeros, by reflection or by repeating the border.',
    )
  }
  const { rank } = call.value(0)
  const before: Dim[] = new Array(rank).fill(0)
  const after: Dim[] = new Array(rank).fill(0)
  for (let i = 0; i < given.length / 2; i++) {
    before[rank - 1 - i] = given[2 * i]!
    after[rank - 1 - i] = given[2 * i + 1]!
  }
  const value = mode === 'constant' ? call.graph.number(call.number(3, 0), 'float32') : null
  return call.add('Pad', [call.tensor(0), call.sizes([...before, ...after]), value], { mode: text(mode) })
}

const gridSample: Rule = (call) =>
  call.add('GridSample', [call.tensor(0), call.tensor(1)], {
    mode: text(['bilinear', 'nearest', 'bicubic'][call.number(2)]!),
    padding_mode: text(['zeros', 'border', 'reflection'][call.number(3)]!),
    align_corners: int(call.flag(4) ? 1 : 0),
  })

/** Pooling, resizing and padding. */
export const sampling: Readonly<Record<string, Rule>> = {
  max_pool1d: maxPool,
  max_pool2d: maxPool,
  max_pool3d: maxPool,
  avg_pool1d: avgPool,
  avg_pool2d: avgPool,
  avg_pool3d: avgPool,
  adaptive_avg_pool1d: adaptiveAverage,
  adaptive_avg_pool2d: adaptiveAverage,
  adaptive_avg_pool3d: adaptiveAverage,
  adaptive_max_pool2d: adaptiveMaximum,
  adaptive_max_pool3d: adaptiveMaximum,
  upsample_nearest1d: nearest,
  upsample_nearest2d: nearest,
  upsample_nearest3d: nearest,
  upsample_linear1d: interpolated('linear'),
  upsample_bilinear2d: interpolated('linear'),
  upsample_trilinear3d: interpolated('linear'),
  upsample_bicubic2d: interpolated('cubic'),
  pad,
  grid_sampler: gridSample,
}
