import type { Tensor } from 'onnxruntime-common'
import { SeptumError } from '../error.js'
import type { MaskLogits, NextScaleEngine } from '../sampling/engine.js'
import { lowRankPart } from './low-rank.js'
import type { BundleGraph, NextScaleGraphs } from './manifest.js'
import { floatsOf, type GraphSession } from './session.js'

/** The graphs of a next-scale bundle, opened. */
export interface NextScaleSessions {
  readonly encoder: GraphSession
  readonly condition?: GraphSession
  readonly start: GraphSession
  readonly transformer: GraphSession
  readonly quantizer: readonly GraphSession[]
  readonly decoder: GraphSession
}

/** Preprocessed image: [C, ...size]. */
export interface BundleImage {
  readonly data: Float32Array
  readonly shape: readonly number[]
}

/** Keys and values of every layer by the names of the transformer's inputs. */
type Cache = Readonly<Record<string, Tensor>>

interface ClassStart {
  readonly condition: Tensor
  readonly tokens: Tensor
  /** What every layer keeps of the prefix, one row. */
  readonly cache: Cache
}

/** An encoded image. */
export interface OnnxCondition {
  /** Prefix tokens as the encoder gives them, and as the transformer takes them: [1, T, C]. */
  readonly features: Tensor
  readonly prefix: Tensor
  readonly starts: Map<number, ClassStart>
}

/** A batch of growing sequences. */
export interface OnnxState {
  readonly condition: OnnxCondition
  readonly start: ClassStart
  readonly rows: number
  cache: Cache
  /** Embedded tokens of the next scale, [rows, p², C]. */
  tokens: Tensor | null
  latent: Tensor | null
}

/** The sampler's view of an AR-Seg bundle on ONNX Runtime; the counterpart of the trainer's engine. */
export class OnnxEngine implements NextScaleEngine<OnnxCondition, OnnxState, BundleImage> {
  readonly scales: readonly number[]
  readonly vocabulary: number

  constructor(
    private readonly model: NextScaleGraphs,
    private readonly sessions: NextScaleSessions,
  ) {
    this.scales = model.scales
    this.vocabulary = model.vocabulary
  }

  async encode({ data, shape }: BundleImage): Promise<OnnxCondition> {
    const { encoder } = this.sessions
    const encoded = await encoder.run({ image: encoder.floats(data, [1, ...shape]) })
    const { features, prefix } = await this.#conditioned(encoded)
    return { features: features!, prefix: prefix!, starts: new Map() }
  }

  /** The low-rank branch between two graphs: ONNX has no singular values. */
  async #conditioned(encoded: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    const { condition } = this.sessions
    if (!condition || this.model.lowRank === undefined) return encoded
    const tokens = encoded.tokens!
    const [, rows, columns] = tokens.dims as [number, number, number]
    const rest = lowRankPart(floatsOf(tokens), rows, columns, this.model.lowRank)
    return condition.run({ tokens, rest: condition.floats(rest, tokens.dims) })
  }

  async begin(condition: OnnxCondition, rows: number, classIndex: number | null): Promise<OnnxState> {
    const start = await this.#start(condition, this.#classNumber(classIndex))
    return {
      condition,
      start,
      rows,
      cache: mapValues(start.cache, (tensor) => this.#repeat(tensor, rows)),
      tokens: this.#repeat(start.tokens, rows),
      latent: null,
    }
  }

  #classNumber(classIndex: number | null): number {
    if (classIndex !== null) return classIndex
    if (this.model.noClass !== null) return this.model.noClass
    throw new SeptumError(
      'sampling-options',
      'guidance needs a model trained with the "no class" token, which this one was not',
      'Leave guidance at 0.',
      { option: 'guidance' },
    )
  }

  /** Runs the prefix once for a class; all rows and samples start from it. */
  async #start(condition: OnnxCondition, classNumber: number): Promise<ClassStart> {
    const known = condition.starts.get(classNumber)
    if (known) return known
    const { start } = this.sessions
    const { features, prefix } = condition
    const made = await start.run({ class: start.integers([classNumber], [1]), features })
    const [, cache] = await this.#step(
      prefix,
      made.condition!,
      emptyCache(this.model, this.sessions.transformer),
    )
    const found = { condition: made.condition!, tokens: made.tokens!, cache }
    condition.starts.set(classNumber, found)
    return found
  }

  async #step(tokens: Tensor, condition: Tensor, cache: Cache): Promise<[Tensor, Cache]> {
    const { logits, ...kept } = await this.sessions.transformer.run({ tokens, condition, ...cache })
    return [logits!, Object.fromEntries(Object.entries(kept).map(([name, value]) => [`past_${name}`, value]))]
  }

  /** The one row of a tensor, `rows` times. */
  #repeat(tensor: Tensor, rows: number): Tensor {
    if (rows === 1) return tensor
    const one = floatsOf(tensor)
    const data = new Float32Array(rows * one.length)
    for (let row = 0; row < rows; row++) data.set(one, row * one.length)
    return this.sessions.start.floats(data, [rows, ...tensor.dims.slice(1)])
  }

  async logits(state: OnnxState, k: number): Promise<Float32Array> {
    const [logits, cache] = await this.#step(state.tokens!, state.start.condition, state.cache)
    state.cache = this.model.context === 'previous' ? this.#withoutEarlier(cache, k) : cache
    return floatsOf(logits)
  }

  /** Keys and values of the prefix and of scale k alone: what scale k + 1 sees with `context: previous`. */
  #withoutEarlier(cache: Cache, k: number): Cache {
    const { prefix } = this.model
    const count = this.scales[k]! ** 2
    return mapValues(cache, (tensor) => {
      const [rows, heads, length, width] = tensor.dims as [number, number, number, number]
      if (length <= prefix + count) return tensor
      const from = floatsOf(tensor)
      const kept = prefix + count
      const data = new Float32Array(rows * heads * kept * width)
      for (let row = 0; row < rows * heads; row++) {
        const start = row * length * width
        data.set(from.subarray(start, start + prefix * width), row * kept * width)
        const own = from.subarray(start + (length - count) * width, start + length * width)
        data.set(own, (row * kept + prefix) * width)
      }
      return this.sessions.start.floats(data, [rows, heads, kept, width])
    })
  }

  async accept(state: OnnxState, k: number, tokens: Int32Array): Promise<void> {
    const quantizer = this.sessions.quantizer[k]!
    const last = k === this.scales.length - 1
    const made = await quantizer.run({
      indices: quantizer.integers(tokens, [state.rows, this.scales[k]! ** 2]),
      ...(state.latent ? { latent: state.latent } : {}),
      ...(last ? {} : { features: state.condition.features }),
    })
    state.latent = made.sum!
    state.tokens = last ? null : made.tokens!
  }

  async decode(state: OnnxState, rows = state.rows): Promise<MaskLogits> {
    const { decoder } = this.sessions
    const [, ...rest] = state.latent!.dims
    const each = rest.reduce((a, b) => a * b, 1)
    const latent = decoder.floats(floatsOf(state.latent!).subarray(0, rows * each), [rows, ...rest])
    const { logits } = await decoder.run({ latent })
    const [, , height, width] = logits!.dims as [number, number, number, number]
    return { data: floatsOf(logits!), height, width }
  }

  release(state: OnnxState): void {
    state.cache = {}
    state.tokens = null
    state.latent = null
  }

  releaseCondition(condition: OnnxCondition): void {
    condition.starts.clear()
  }
}

function mapValues(cache: Cache, change: (tensor: Tensor) => Tensor): Cache {
  return Object.fromEntries(Object.entries(cache).map(([name, tensor]) => [name, change(tensor)]))
}

/** No positions yet: [1, heads, 0, d] for each layer. */
function emptyCache({ graphs }: NextScaleGraphs, session: GraphSession): Cache {
  const cached = (graphs.transformer satisfies BundleGraph).inputs.filter(({ name }) =>
    name.startsWith('past_'),
  )
  return Object.fromEntries(
    cached.map(({ name, shape }) => [
      name,
      session.floats(new Float32Array(0), [1, shape[1] as number, 0, shape[3] as number]),
    ]),
  )
}
