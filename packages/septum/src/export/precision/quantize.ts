import { bytesOf, int, type OnnxGraph, type OnnxNode } from '../onnx/graph.js'
import { dropUnused, floatsOf } from '../simplify.js'
import { quantizedTensors, type WeightedLayer } from './layers.js'
import type { ValueRange } from './ranges.js'

/**
 * Weights have 7 of 8 bits: processors without an instruction for products of 8 bits add two of them in 16, which could
 * overflow with 8.
 */
const WEIGHT_LEVELS = 63

interface Scale {
  readonly scale: number
  readonly zeroPoint: number
}

/** Asymmetric, 0 to 255; zero is exact. */
export function activationScale({ low, high }: ValueRange): Scale {
  const scale = Math.fround((high - low) / 255)
  // A tensor that was always zero, or nearly: any scale does.
  if (!(scale > 1e-30)) return { scale: 1, zeroPoint: 0 }
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-low / scale))) }
}

export interface QuantizedWeights {
  readonly data: Int8Array
  /** One for each output channel. */
  readonly scales: Float32Array
}

/** Symmetric, a scale for each output channel. @param axis of the channels: 0, or 1 of a matrix [in, out] */
export function quantizeWeights(
  weights: Float32Array,
  shape: readonly number[],
  axis: 0 | 1,
  /** Least scale of each channel. */
  least?: ArrayLike<number>,
): QuantizedWeights {
  const channels = shape[axis]!
  const inner = axis === 0 ? weights.length / channels : 1
  const scales = new Float32Array(channels)
  const channelOf = (i: number): number => Math.floor(i / inner) % channels
  for (let i = 0; i < weights.length; i++) {
    const c = channelOf(i)
    scales[c] = Math.max(scales[c]!, Math.abs(weights[i]!))
  }
  for (let c = 0; c < channels; c++) {
    const scale = Math.max(scales[c]! / WEIGHT_LEVELS, least?.[c] ?? 0)
    scales[c] = scale > 1e-30 ? scale : 1
  }
  const data = Int8Array.from(weights, (value, i) => {
    const rounded = Math.round(value / scales[channelOf(i)]!)
    return Math.min(WEIGHT_LEVELS, Math.max(-WEIGHT_LEVELS, rounded))
  })
  return { data, scales }
}

/**
 * Brings layers to 8 bits, in place: pairs of QuantizeLinear and DequantizeLinear on activations (uint8), int8 weights
 * and int32 biases before DequantizeLinear. A runtime joins them to integer operators; one that does not computes the
 * same in single precision.
 */
export function quantize(
  graph: OnnxGraph,
  layers: readonly WeightedLayer[],
  ranges: ReadonlyMap<string, ValueRange>,
): void {
  const { names, shares, made } = quantizedTensors(graph, layers)
  const chosen = new Set(layers.map(({ node }) => node))
  const scaleOf = (name: string): Scale => activationScale(ranges.get(shares.get(name) ?? name)!)
  const scales = new Map<string, [scale: string, zeroPoint: string]>()
  const parameters = (name: string): [string, string] => {
    const owner = shares.get(name) ?? name
    let found = scales.get(owner)
    if (!found) {
      const { scale, zeroPoint } = scaleOf(owner)
      found = [
        graph.initializer(`${owner}.scale`, {
          type: 'float32',
          shape: [],
          data: bytesOf([scale], 'float32'),
        }),
        graph.initializer(`${owner}.zero`, { type: 'uint8', shape: [], data: bytesOf([zeroPoint], 'uint8') }),
      ]
      scales.set(owner, found)
    }
    return found
  }
  // They bring constants back to single precision and stand before all others.
  const constants = layers.flatMap((layer) => quantizeLayer(graph, layer, scaleOf(layer.input).scale))
  const rounded = new Map<string, string>()
  const pair = (name: string, path: string): OnnxNode[] => {
    const [scale, zero] = parameters(name)
    const quantized = graph.fresh(`${name}.q`)
    const back = graph.fresh(`${name}.dq`)
    rounded.set(name, back)
    return [
      { op: 'QuantizeLinear', inputs: [name, scale, zero], outputs: [quantized], attributes: {}, path },
      { op: 'DequantizeLinear', inputs: [quantized, scale, zero], outputs: [back], attributes: {}, path },
    ]
  }
  const nodes: OnnxNode[] = graph.inputs.flatMap(({ name }) => (names.has(name) ? pair(name, '') : []))
  for (const node of graph.nodes) {
    const integer = chosen.has(node) || made.has(node.outputs[0]!)
    for (const [i, input] of node.inputs.entries()) {
      const back = rounded.get(input)
      // What stays in single precision reads a value of its own kind where there is one.
      if (back !== undefined && (integer || made.has(input))) node.inputs[i] = back
    }
    nodes.push(node)
    for (const output of node.outputs) if (names.has(output)) nodes.push(...pair(output, node.path))
  }
  graph.nodes = [...constants, ...nodes]
  dropUnused(graph)
}

/** Gives a layer constants of 8 and 32 bits. @returns the nodes that turn them back */
function quantizeLayer(graph: OnnxGraph, { node, axis }: WeightedLayer, inputScale: number): OnnxNode[] {
  const made: OnnxNode[] = []
  const [, weightName, biasName] = node.inputs as [string, string, string?]
  const weight = graph.initializers.get(weightName)!
  const bias = biasName ? floatsOf(graph.initializers.get(biasName)!) : null
  // A bias is a whole number of inputScale * scale, and must fit 32 bits.
  const least = bias && Float32Array.from(bias, (b) => Math.abs(b) / (inputScale * 2 ** 30))
  const { data, scales } = quantizeWeights(floatsOf(weight), weight.shape, axis, least ?? undefined)
  const store = (hint: string, value: Parameters<OnnxGraph['initializer']>[1]) =>
    graph.initializer(hint, value)
  const floats = (values: Float32Array) => ({
    type: 'float32' as const,
    shape: [values.length],
    data: new Uint8Array(values.buffer),
  })
  const back = (inputs: string[], along: number): string => {
    const output = graph.fresh(`${inputs[0]}.dq`)
    made.push({
      op: 'DequantizeLinear',
      inputs,
      outputs: [output],
      attributes: { axis: int(along) },
      path: '',
    })
    return output
  }
  const channels = scales.length
  const stored = store(`${weightName}.int8`, {
    type: 'int8',
    shape: weight.shape,
    data: new Uint8Array(data.buffer),
  })
  const scaleName = store(`${weightName}.scale`, floats(scales))
  const zeros = store(`${weightName}.zero`, {
    type: 'int8',
    shape: [channels],
    data: new Uint8Array(channels),
  })
  node.inputs[1] = back([stored, scaleName, zeros], axis)
  if (!bias) return made
  const biasScales = scales.map((scale) => scale * inputScale)
  const whole = Int32Array.from(bias, (b, c) => Math.round(b / biasScales[c]!))
  const storedBias = store(`${biasName}.int32`, {
    type: 'int32',
    shape: [channels],
    data: new Uint8Array(whole.buffer),
  })
  node.inputs[2] = back([storedBias, store(`${biasName}.scale`, floats(biasScales))], 0)
  return made
}
