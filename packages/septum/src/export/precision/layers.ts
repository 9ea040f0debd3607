import type { OnnxGraph, OnnxNode } from '../onnx/graph.js'
import { readers } from '../simplify.js'

/** A convolution or a product with a constant matrix that can run in 8 bits. */
export interface WeightedLayer {
  readonly node: OnnxNode
  /** Module path, and the number of the call where a module is called several times. */
  readonly name: string
  /** Axis of the weights that runs over output channels. */
  readonly axis: 0 | 1
  readonly input: string
  /** Convolutions: what must be of 8 bits too, after the ReLU that belongs to it. */
  readonly output: string | null
}

/** Operators that move values without changing them: result and argument share their scale. */
const carriers = new Set(['MaxPool', 'Reshape', 'Transpose', 'Slice', 'Squeeze', 'Unsqueeze', 'DepthToSpace'])

/** Operators that have a form in 8 bits with a scale of their own for the result. */
const mixers = new Set(['Concat', 'Add', 'AveragePool', 'GlobalAveragePool', 'Resize'])

const isNearest = ({ op, attributes }: OnnxNode): boolean =>
  op === 'Resize' && attributes.mode?.kind === 'text' && attributes.mode.value === 'nearest'

export const carries = (node: OnnxNode): boolean => carriers.has(node.op) || isNearest(node)

/** Data arguments of a carrier or mixer: the rest are shapes. */
const dataOf = ({ op, inputs }: OnnxNode): readonly string[] =>
  op === 'Concat' || op === 'Add' ? inputs : inputs.slice(0, 1)

export interface QuantizedTensors {
  /** Tensors that become 8 bits, in the order of the nodes. */
  readonly names: ReadonlySet<string>
  /** Tensors that have the scale of another one. */
  readonly shares: ReadonlyMap<string, string>
  /** Tensors that only integer operators make: everyone reads them rounded. */
  readonly made: ReadonlySet<string>
}

/** Layers of a graph that may run in 8 bits. The last ones, whose result leaves the graph, are not among them. */
export function weightedLayers(graph: OnnxGraph): WeightedLayer[] {
  const uses = readers(graph)
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const calls = new Map<string, number>()
  return graph.nodes.flatMap((node): WeightedLayer[] => {
    const weight = graph.initializers.get(node.inputs[1] ?? '')
    const bias = node.inputs[2] ? graph.initializers.get(node.inputs[2]) : null
    if (weight?.type !== 'float32' || bias === undefined || graph.initializers.has(node.inputs[0]!)) return []
    const [made] = node.outputs as [string]
    const calls_ = (calls.get(node.path) ?? 0) + 1
    const base = node.path || made
    const layer = (axis: 0 | 1, output: string | null): WeightedLayer[] => {
      calls.set(node.path, calls_)
      return [{ node, name: calls_ > 1 ? `${base}#${calls_}` : base, axis, input: node.inputs[0]!, output }]
    }
    if (node.op === 'MatMul' && weight.shape.length === 2) return layer(1, null)
    if (node.op !== 'Conv' || outputs.has(made)) return []
    const next = uses.get(made) === 1 ? graph.nodes.find(({ inputs }) => inputs.includes(made)) : undefined
    const output = next?.op === 'Relu' ? next.outputs[0]! : made
    return outputs.has(output) ? [] : layer(0, output)
  })
}

/** What becomes 8 bits when `layers` do. */
export function quantizedTensors(graph: OnnxGraph, layers: readonly WeightedLayer[]): QuantizedTensors {
  const floats = new Set<string>()
  const made = new Set<string>()
  for (const { input, output } of layers) {
    floats.add(input)
    if (output !== null) made.add(output)
  }
  const wanted = new Set([...floats, ...made])
  // Backwards: what a carrier brings to a layer should already be of 8 bits before it.
  for (const node of graph.nodes.toReversed()) {
    if (!(carries(node) || mixers.has(node.op)) || !wanted.has(node.outputs[0]!)) continue
    for (const name of dataOf(node)) if (!graph.initializers.has(name)) wanted.add(name)
  }
  const shares = new Map<string, string>()
  for (const node of graph.nodes) {
    const [result] = node.outputs as [string]
    if (!wanted.has(result)) continue
    const data = dataOf(node)
    if (carries(node) && wanted.has(data[0]!)) {
      shares.set(result, shares.get(data[0]!) ?? data[0]!)
      made.add(result)
    } else if (mixers.has(node.op) && data.every((name) => wanted.has(name))) made.add(result)
  }
  return { names: wanted, shares, made }
}
