import type { Initializer, OnnxGraph, OnnxNode } from './onnx/graph.js'

export const floatsOf = ({ data }: Initializer): Float32Array => new Float32Array(data.slice().buffer)

const bytes = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer)

/** How often each tensor is read, outputs of the graph included. */
export function readers({ nodes, outputs }: OnnxGraph): Map<string, number> {
  const count = new Map<string, number>()
  const add = (name: string) => count.set(name, (count.get(name) ?? 0) + 1)
  for (const node of nodes) for (const input of node.inputs) if (input) add(input)
  for (const { name } of outputs) add(name)
  return count
}

/**
 * Joins each batch norm to the convolution before it where nobody else reads that: the same function of the input,
 * computed in double precision: w' = w γ / √(σ² + ε), b' = β + (b - μ) γ / √(σ² + ε).
 */
function foldBatchNorms(graph: OnnxGraph): void {
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const uses = readers(graph)
  const gone = new Set<OnnxNode>()
  for (const norm of graph.nodes) {
    if (norm.op !== 'BatchNormalization') continue
    const conv = producer.get(norm.inputs[0]!)
    if (conv?.op !== 'Conv' || uses.get(conv.outputs[0]!) !== 1) continue
    const [gamma, beta, mean, variance] = norm.inputs.slice(1).map((name) => graph.initializers.get(name))
    const weight = graph.initializers.get(conv.inputs[1]!)
    const bias = conv.inputs[2] ? graph.initializers.get(conv.inputs[2]) : null
    if (!gamma || !beta || !mean || !variance || !weight || bias === undefined) continue
    const epsilon = norm.attributes.epsilon!.value as number
    const [g, b, m, v] = [gamma, beta, mean, variance].map(floatsOf) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ]
    const w = floatsOf(weight)
    const channels = g.length
    const own = bias ? floatsOf(bias) : new Float32Array(channels)
    const shift = new Float32Array(channels)
    const each = w.length / channels
    for (let c = 0; c < channels; c++) {
      const factor = g[c]! / Math.sqrt(v[c]! + epsilon)
      for (let i = c * each; i < (c + 1) * each; i++) w[i]! *= factor
      shift[c] = b[c]! + (own[c]! - m[c]!) * factor
    }
    conv.inputs = [
      conv.inputs[0]!,
      graph.initializer(conv.inputs[1]!, { ...weight, data: bytes(w) }),
      graph.initializer(`${conv.inputs[1]!}.shift`, {
        type: 'float32',
        shape: [channels],
        data: bytes(shift),
      }),
    ]
    conv.outputs = [norm.outputs[0]!]
    gone.add(norm)
  }
  graph.nodes = graph.nodes.filter((node) => !gone.has(node))
}

/** Transposes weights of matrix products when the graph is made instead of each time that it is opened. */
function foldTransposes(graph: OnnxGraph): void {
  const made = new Map<string, string>()
  graph.nodes = graph.nodes.filter((node) => {
    const weight = node.op === 'Transpose' ? graph.initializers.get(node.inputs[0]!) : undefined
    const perm = node.attributes.perm
    if (
      weight?.type !== 'float32' ||
      weight.shape.length !== 2 ||
      perm?.kind !== 'ints' ||
      perm.value[0] !== 1
    )
      return true
    const [rows, columns] = weight.shape as [number, number]
    const from = floatsOf(weight)
    const to = new Float32Array(from.length)
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c]!
    const [name] = node.inputs as [string]
    const known = made.get(name)
    const stored =
      known ?? graph.initializer(`${name}.t`, { type: 'float32', shape: [columns, rows], data: bytes(to) })
    made.set(name, stored)
    const [gone] = node.outputs as [string]
    for (const reader of graph.nodes)
      reader.inputs = reader.inputs.map((input) => (input === gone ? stored : input))
    return graph.outputs.some(({ name: output }) => output === gone)
  })
}

/** Drops nodes and constants that no output needs. */
export function dropUnused(graph: OnnxGraph): void {
  const needed = new Set(graph.outputs.map(({ name }) => name))
  const kept: OnnxNode[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    for (const input of node.inputs) needed.add(input)
    kept.push(node)
  }
  graph.nodes = kept.toReversed()
  for (const name of graph.initializers.keys()) if (!needed.has(name)) graph.initializers.delete(name)
}

/** An input of the graph that comes out unchanged keeps its Identity; every other one goes. */
function dropIdentities(graph: OnnxGraph): void {
  const uses = readers(graph)
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  graph.nodes = graph.nodes.filter((node) => {
    if (node.op !== 'Identity') return true
    const [from] = node.inputs as [string]
    const made = producer.get(from)
    if (!made || uses.get(from) !== 1) return true
    made.outputs = made.outputs.map((name) => (name === from ? node.outputs[0]! : name))
    return false
  })
}

/** Makes a graph smaller without changing what it computes. */
export function simplify(graph: OnnxGraph): void {
  dropUnused(graph)
  foldBatchNorms(graph)
  foldTransposes(graph)
  dropIdentities(graph)
  dropUnused(graph)
}
