import { type Attribute, int, ints, type OnnxGraph, type OnnxNode } from './onnx/graph.js'
import { dropUnused, floatsOf, readers } from './simplify.js'

const listOf = (attribute: Attribute | undefined): readonly number[] =>
  attribute?.kind === 'ints' ? attribute.value : []

const textOf = (attribute: Attribute | undefined): string =>
  attribute?.kind === 'text' ? attribute.value : ''

const all = (values: readonly number[], value: number): boolean => values.every((each) => each === value)

/** The one node that reads a tensor. */
function onlyReader(graph: OnnxGraph, uses: ReadonlyMap<string, number>, name: string): OnnxNode | undefined {
  return uses.get(name) === 1 ? graph.nodes.find(({ inputs }) => inputs.includes(name)) : undefined
}

/** A convolution of 3 x 3 that keeps the size, with constant weights. */
function isPlain3x3({ initializers }: OnnxGraph, { op, inputs, attributes }: OnnxNode): boolean {
  const weight = initializers.get(inputs[1] ?? '')
  const { group } = attributes
  return (
    op === 'Conv' &&
    weight?.type === 'float32' &&
    `${weight.shape.slice(2)}` === '3,3' &&
    all(listOf(attributes.pads), 1) &&
    listOf(attributes.pads).length === 4 &&
    all(listOf(attributes.strides), 1) &&
    all(listOf(attributes.dilations), 1) &&
    (group?.kind !== 'int' || group.value === 1)
  )
}

/** Doubles height and width by repeating. */
function doubles({ initializers }: OnnxGraph, { op, inputs, attributes }: OnnxNode): boolean {
  const scales = op === 'Resize' && inputs[2] ? initializers.get(inputs[2]) : undefined
  return (
    textOf(attributes.mode) === 'nearest' &&
    textOf(attributes.coordinate_transformation_mode) === 'asymmetric' &&
    scales !== undefined &&
    `${[...floatsOf(scales)]}` === '1,1,2,2'
  )
}

/**
 * Which of the three taps of a filter fall on a sample of the small image and on its neighbour. A doubled sample 2m sees
 * m - 1, m, m; its sibling 2m + 1 sees m, m, m + 1: [output of the pair][sample][tap].
 */
const phases = [
  [
    [1, 1, 0],
    [0, 0, 1],
  ],
  [
    [1, 0, 0],
    [0, 1, 1],
  ],
] as const

/**
 * Weights [4 O, I, 2, 2] that give the four outputs of each pixel pair, in the order (column, row, channel) of their place
 * in the pair; sums of the taps of [O, I, 3, 3] that see the same sample, in double precision.
 */
export function phaseWeights(weights: Float32Array, outputs: number, inputs: number): Float32Array {
  const made = new Float32Array(4 * outputs * inputs * 4)
  let at = 0
  for (const columns of phases) {
    for (const rows of phases) {
      for (let plane = 0; plane < outputs * inputs; plane++) {
        for (const row of rows) {
          for (const column of columns) {
            let sum = 0
            for (let y = 0; y < 3; y++)
              for (let x = 0; x < 3; x++) sum += row[y]! * column[x]! * weights[plane * 9 + y * 3 + x]!
            made[at++] = sum
          }
        }
      }
    }
  }
  return made
}

/**
 * A doubled image under a 3 x 3 filter holds each sample four times: four filters of 2 x 2 on the small image give the
 * same with 16 products in place of 36 (sub-pixel convolution, Shi et al. 2016). Their results are laid into each other;
 * the border that both sides of a pair share with their neighbours is cut.
 */
function convolveBeforeDoubling(graph: OnnxGraph): void {
  const uses = readers(graph)
  const gone = new Set<OnnxNode>()
  const nodes: OnnxNode[] = []
  for (const node of graph.nodes) {
    if (gone.has(node)) continue
    const conv = doubles(graph, node) ? onlyReader(graph, uses, node.outputs[0]!) : undefined
    const bias = conv?.inputs[2] ? graph.initializers.get(conv.inputs[2]) : null
    if (!conv || !isPlain3x3(graph, conv) || bias === undefined) {
      nodes.push(node)
      continue
    }
    const relu = onlyReader(graph, uses, conv.outputs[0]!)
    const last = relu?.op === 'Relu' ? relu : conv
    for (const each of [conv, last]) gone.add(each)
    nodes.push(...phaseNodes(graph, node.inputs[0]!, conv, last))
  }
  graph.nodes = nodes
}

function phaseNodes(graph: OnnxGraph, input: string, conv: OnnxNode, last: OnnxNode): OnnxNode[] {
  const { path } = conv
  const weight = graph.initializers.get(conv.inputs[1]!)!
  const [outputs, inputs] = weight.shape as [number, number]
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer)
  const weights = graph.initializer(`${conv.inputs[1]}.phases`, {
    type: 'float32',
    shape: [4 * outputs, inputs, 2, 2],
    data: bytes(phaseWeights(floatsOf(weight), outputs, inputs)),
  })
  const bias = conv.inputs[2] ? floatsOf(graph.initializers.get(conv.inputs[2])!) : new Float32Array(outputs)
  const shifts = graph.initializer(`${weights}.shift`, {
    type: 'float32',
    shape: [4 * outputs],
    data: bytes(Float32Array.from({ length: 4 * outputs }, (_, i) => bias[i % outputs]!)),
  })
  const nodes: OnnxNode[] = []
  const add = (
    op: string,
    of: string[],
    attributes: OnnxNode['attributes'] = {},
    output = graph.fresh('phase'),
  ) => {
    nodes.push({ op, inputs: of, outputs: [output], attributes, path })
    return output
  }
  const whole = (...values: number[]) => graph.integers(values)
  let x = add('Conv', [input, weights, shifts], { kernel_shape: ints([2, 2]), pads: ints([1, 1, 1, 1]) })
  if (last !== conv) x = add('Relu', [x])
  // [N, (column, row, C), h, w] -> [N, (row, C), h, w, column] -> [N, (row, C), h, 2 w]: one axis moves at a time, which
  // runtimes do several times faster than all at once (DepthToSpace).
  const columns = add('Reshape', [add('Unsqueeze', [x, whole(1)]), whole(0, 2, 2 * outputs, 0, 0)])
  const lines = add('Reshape', [
    add('Transpose', [columns], { perm: ints([0, 2, 3, 4, 1]) }),
    whole(0, 0, 0, -1),
  ])
  const width = add('Shape', [lines], { start: int(3), end: int(4) })
  // [N, row, C, h, 2 w] -> [N, C, h, row, 2 w] -> [N, C, 2 h, 2 w]
  const rows = add('Reshape', [add('Unsqueeze', [lines, whole(1)]), whole(0, 2, outputs, 0, 0)])
  const size = add('Concat', [whole(0, 0, -1), width], { axis: int(0) })
  const doubled = add('Reshape', [add('Transpose', [rows], { perm: ints([0, 2, 3, 1, 4]) }), size])
  add('Slice', [doubled, whole(1, 1), whole(-1, -1), whole(2, 3)], {}, last.outputs[0]!)
  return nodes
}

/** A convolution of joined channels is the sum of convolutions of the parts; runtimes add it up in place. */
function splitConcats(graph: OnnxGraph): void {
  const uses = readers(graph)
  const gone = new Set<OnnxNode>()
  const nodes: OnnxNode[] = []
  const channels = channelsOf(graph)
  for (const node of graph.nodes) {
    if (gone.has(node)) continue
    const { axis } = node.attributes
    const joins = node.op === 'Concat' && axis?.kind === 'int' && axis.value === 1 && node.inputs.length === 2
    const conv = joins ? onlyReader(graph, uses, node.outputs[0]!) : undefined
    const weight = conv && graph.initializers.get(conv.inputs[1] ?? '')
    const first = channels.get(node.inputs[0] ?? '')
    // Smaller numbers of channels do not fill the registers of a processor.
    if (
      !conv ||
      !weight ||
      !isPlain3x3(graph, conv) ||
      !first ||
      first % 16 !== 0 ||
      weight.shape[1]! % 16 !== 0
    ) {
      nodes.push(node)
      continue
    }
    gone.add(conv)
    const [outputs, inputs] = weight.shape as [number, number]
    const floats = floatsOf(weight)
    const part = (from: number, to: number): string => {
      const each = (to - from) * 9
      const data = new Float32Array(outputs * each)
      for (let o = 0; o < outputs; o++)
        data.set(floats.subarray((o * inputs + from) * 9, (o * inputs + to) * 9), o * each)
      const value = {
        type: 'float32' as const,
        shape: [outputs, to - from, 3, 3],
        data: new Uint8Array(data.buffer),
      }
      return graph.initializer(`${conv.inputs[1]}.part`, value)
    }
    const bias = conv.inputs.slice(2)
    const halves = [part(0, first), part(first, inputs)].map((weights, i) => {
      const output = graph.fresh('part')
      const of = [node.inputs[i]!, weights, ...(i === 1 ? bias : [])]
      nodes.push({ op: 'Conv', inputs: of, outputs: [output], attributes: conv.attributes, path: conv.path })
      return output
    })
    nodes.push({ op: 'Add', inputs: halves, outputs: conv.outputs, attributes: {}, path: conv.path })
  }
  graph.nodes = nodes
}

/** Channels of results of convolutions, and of what keeps them. */
function channelsOf({ nodes, initializers }: OnnxGraph): Map<string, number> {
  const found = new Map<string, number>()
  for (const { op, inputs, outputs } of nodes) {
    const known =
      op === 'Conv'
        ? initializers.get(inputs[1]!)?.shape[0]
        : ['Relu', 'MaxPool', 'Resize'].includes(op)
          ? found.get(inputs[0]!)
          : undefined
    if (known !== undefined) found.set(outputs[0]!, known)
  }
  return found
}

/** Fewer products and fewer copies for the same function of the image; for graphs in single precision. */
export function optimise(graph: OnnxGraph): OnnxGraph {
  const fast = graph.clone()
  splitConcats(fast)
  convolveBeforeDoubling(fast)
  dropUnused(fast)
  return fast
}
