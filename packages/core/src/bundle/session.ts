import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common'
import type { BundleGraph, BundleTensor } from './manifest.js'
import { bundleProblem } from './problem.js'

/** ONNX Runtime as a program has it: `onnxruntime-node`, `onnxruntime-web`. */
export interface SessionFactory {
  /** The runtime's tensor class. */
  readonly Tensor: TensorConstructor
  /** Opens a graph. */
  create(graph: Uint8Array): Promise<InferenceSession>
}

/** One graph of a bundle, opened and checked. */
export class GraphSession {
  private constructor(
    private readonly graph: BundleGraph,
    private readonly factory: SessionFactory,
    private readonly session: InferenceSession,
  ) {}

  /** @throws SeptumError `bundle-graph` when the runtime refuses it or it is not what the manifest says. */
  static async open(graph: BundleGraph, bytes: Uint8Array, factory: SessionFactory): Promise<GraphSession> {
    let session: InferenceSession
    try {
      session = await factory.create(bytes)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split('\n')[0] : cause
      throw bundleProblem('bundle-graph', `ONNX Runtime refuses the graph: ${reason}`, graph.file, { cause })
    }
    const names = (tensors: readonly BundleTensor[]) => tensors.map(({ name }) => name)
    const same = (a: readonly string[], b: readonly string[]) => `${[...a].sort()}` === `${[...b].sort()}`
    if (!same(names(graph.inputs), session.inputNames) || !same(names(graph.outputs), session.outputNames)) {
      await session.release()
      throw bundleProblem(
        'bundle-graph',
        'The graph has other inputs or outputs than the manifest says',
        graph.file,
      )
    }
    return new GraphSession(graph, factory, session)
  }

  floats(data: Float32Array, dims: readonly number[]): Tensor {
    return new this.factory.Tensor('float32', data, dims)
  }

  integers(data: ArrayLike<number>, dims: readonly number[]): Tensor {
    return new this.factory.Tensor('int64', BigInt64Array.from(data, BigInt), dims)
  }

  /** @throws SeptumError `bundle-graph` when the run fails, e.g. for want of memory. */
  async run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    try {
      return (await this.session.run(inputs)) as unknown as Record<string, Tensor>
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split('\n')[0] : cause
      throw bundleProblem('bundle-graph', `ONNX Runtime cannot run the graph: ${reason}`, this.graph.file, {
        cause,
      })
    }
  }

  release(): Promise<void> {
    return this.session.release()
  }
}

/** The elements of a float32 tensor, in an array that nobody else writes to. */
export const floatsOf = (tensor: Tensor): Float32Array => tensor.data as Float32Array
