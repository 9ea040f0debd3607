import { type BundleGraph, type BundleTensor, Random, SeptumError } from '@septum/core'
import { type nn, type Tensor, tensor } from '@septum/torch'
import type { GraphExporter, GraphInput, GraphRequest } from '../methods/method.js'
import { Lowering } from './lowering.js'
import { type MergedRecording, merge, SizeDependent, Varying } from './merge.js'
import type { OnnxGraph } from './onnx/graph.js'
import { OPSET, serialize } from './onnx/serialize.js'
import { rules } from './operators/index.js'
import { optimise } from './optimise.js'
import { type Recording, record } from './record.js'
import { simplify } from './simplify.js'

export interface ExportedFile {
  readonly file: string
  readonly bytes: Uint8Array
  /** The graph as it was recorded and simplified; `bytes` holds it optimised. */
  readonly graph: OnnxGraph
}

/** Fixed: recordings must be the same from run to run. */
const SEED = 17

/** Sizes of axes in one recording. */
type Sizes = ReadonlyMap<string, number>

function exampleOf({ name, type, shape, below = 2 }: GraphInput, sizes: Sizes, stream: number): Tensor {
  const concrete = shape.map((size) => (typeof size === 'number' ? size : sizes.get(size)!))
  const count = concrete.reduce((a, b) => a * b, 1)
  const random = new Random(SEED, stream)
  if (concrete.some((size) => !Number.isInteger(size)))
    throw new RangeError(`input ${name} has an unknown axis`)
  return type === 'int64'
    ? tensor(
        Array.from({ length: count }, () => random.int(below)),
        { shape: concrete, dtype: 'int64' },
      )
    : tensor(
        Float32Array.from({ length: count }, () => random.uniform()),
        { shape: concrete },
      )
}

/** Records models as ONNX graphs and keeps the files. */
export class OnnxExporter implements GraphExporter {
  readonly files: ExportedFile[] = []

  constructor(
    private readonly model: nn.Module,
    /** Of Septum, for the file. */
    private readonly version: string,
  ) {}

  graph(request: GraphRequest): { graph: BundleGraph; reason?: string } {
    const names = Object.keys(request.axes)
    const optional = names.filter((name) => request.axes[name]!.otherwise !== null)
    const must = names.filter((name) => request.axes[name]!.otherwise === null)
    let reason: string | undefined
    const attempts = optional.length > 0 ? [names, must] : [names]
    for (const dynamic of attempts) {
      try {
        return { graph: this.#attempt(request, dynamic), ...(reason === undefined ? {} : { reason }) }
      } catch (error) {
        if (!(error instanceof SizeDependent)) throw error
        reason = error.message
      }
    }
    throw new SeptumError(
      'export-size',
      `${request.name} cannot become a graph: ${reason}`,
      'Write that part of the model so that it takes any number of images.',
    )
  }

  #attempt(request: GraphRequest, dynamic: readonly string[]): BundleGraph {
    const sizes = (which: 0 | 1): Sizes =>
      new Map(
        Object.entries(request.axes).map(([name, axis]) => [
          name,
          dynamic.includes(name) ? axis.recorded[which] : axis.otherwise!,
        ]),
      )
    const recorded = merge(this.#record(request, sizes(0)), this.#record(request, sizes(1)))
    const axisName = (size: number | Varying) =>
      size instanceof Varying ? nameOf(size, request, dynamic) : size
    const inputs = request.inputs.map(({ name, type, shape }): BundleTensor => {
      const fixed = (size: string) => request.axes[size]!.otherwise!
      return {
        name,
        type,
        shape: shape.map((size) =>
          typeof size === 'string' && !dynamic.includes(size) ? fixed(size) : size,
        ),
      }
    })
    const outputs = request.outputs.map((name, i): BundleTensor => {
      const { dtype, shape } = recorded.outputs[i]!
      if (dtype !== 'float32' && dtype !== 'int64') throw new TypeError(`output ${name} is ${dtype}`)
      return { name, type: dtype, shape: shape.map(axisName) }
    })
    const graph = this.#lower(request.name, recorded, inputs, outputs)
    const file = `${request.name}.onnx`
    this.files.push({ file, bytes: serialize(optimise(graph), this.version), graph })
    return { file, opset: OPSET, inputs, outputs }
  }

  #record(request: GraphRequest, sizes: Sizes): Recording {
    const inputs = request.inputs.map((input, i) => exampleOf(input, sizes, i))
    try {
      return record(this.model, inputs, (given) => request.run(given))
    } finally {
      for (const input of inputs) input.free()
    }
  }

  #lower(
    name: string,
    recorded: MergedRecording,
    inputs: readonly BundleTensor[],
    outputs: readonly BundleTensor[],
  ): OnnxGraph {
    const graph = new Lowering(name, rules).run(recorded, inputs, outputs)
    simplify(graph)
    return graph
  }
}

/** A name for a size of an output: that of the axis, or one made up of its two sizes. */
function nameOf({ first, second }: Varying, { axes }: GraphRequest, dynamic: readonly string[]): string {
  const found = dynamic.find((name) => {
    const [a, b] = axes[name]!.recorded
    return a === first && b === second
  })
  if (found) return found
  const sum = dynamic
    .flatMap((a, i) => dynamic.slice(i + 1).map((b) => [a, b] as const))
    .find(([a, b]) => axes[a]!.recorded[0] + axes[b]!.recorded[0] === first)
  return sum ? sum.join('_') : `size_${first}`
}
