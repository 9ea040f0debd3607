import { cat, type Tensor } from '@septum/torch'
import type { BundleParts, GraphAxis, GraphExporter, GraphInput, Task } from '../method.js'
import { AttentionCache } from './attention-cache.js'
import type { MaskAutoencoder } from './autoencoder.js'
import { type ImageCondition, lowRankShare } from './condition.js'
import type { ArSegOptions } from './options.js'
import type { NextScaleTransformer } from './transformer.js'

/** A cache whose tensors grow by joining, as those of a graph do, instead of being written to. */
class JoinedCache extends AttentionCache {
  constructor(
    public joinedKeys: Tensor,
    public joinedValues: Tensor,
  ) {
    super(0, 0, 0, 0, joinedKeys.device)
  }

  override append(k: Tensor, v: Tensor): void {
    this.joinedKeys = cat([this.joinedKeys, k], 2)
    this.joinedValues = cat([this.joinedValues, v], 2)
    this.length += k.size(2)
  }

  override keys(): Tensor {
    return this.joinedKeys
  }

  override values(): Tensor {
    return this.joinedValues
  }
}

export interface ArSegParts {
  readonly autoencoder: MaskAutoencoder
  readonly condition: ImageCondition
  readonly transformer: NextScaleTransformer
  readonly options: ArSegOptions
  readonly task: Task
  /** One for each scale. */
  readonly temperature: readonly number[]
  readonly engine: BundleParts['engine']
}

/** How many samples a caller gets who asks for no number. */
const SAMPLES = 16

const rows: GraphAxis = { recorded: [2, 3], otherwise: null }

/** The graphs of section 11; the sampler between them stays outside. */
export function exportArSeg(graphs: GraphExporter, parts: ArSegParts): BundleParts {
  const { options, task, engine } = parts
  const { segmentor, autoencoder, sampling } = options
  const { layout } = parts.transformer
  const encoder = exportEncoder(graphs, parts)
  const condition = segmentor.lowRank ? exportCondition(graphs, parts) : undefined
  const start = exportStart(graphs, parts)
  const transformer = exportTransformer(graphs, parts)
  const quantizer = layout.scales.map((_, k) => exportQuantizer(graphs, parts, k))
  const decoder = exportDecoder(graphs, parts)
  return {
    size: {
      trained: task.imageSize,
      fixed: true,
      multipleOf: 1,
      reason: 'token maps and their positions belong to one size',
    },
    model: {
      kind: 'next-scale',
      scales: layout.scales,
      vocabulary: autoencoder.codes,
      layers: segmentor.depth,
      prefix: layout.prefix,
      noClass: segmentor.classDropout > 0 ? parts.transformer.noClassIndex : null,
      sampling: {
        samples: SAMPLES,
        temperature: parts.temperature,
        topK: sampling.topK || null,
        topP: sampling.topP,
        guidance: sampling.guidance,
      },
      // Keys and values of scales that the next one does not see are left out by the runtime.
      ...(layout.context === 'all' ? {} : { context: layout.context }),
      ...(condition ? { lowRank: lowRankShare } : {}),
      graphs: { encoder, ...(condition ? { condition } : {}), start, transformer, quantizer, decoder },
    },
    engine,
  }
}

const features = ({ transformer, options }: ArSegParts): GraphInput => ({
  name: 'features',
  type: 'float32',
  shape: [1, transformer.layout.prefix, options.segmentor.width],
})

/** Up to the branches of the condition where one of them is of low rank, else to the prefix. */
function exportEncoder(graphs: GraphExporter, { condition, transformer, task, options }: ArSegParts) {
  const { lowRank } = options.segmentor
  return graphs.graph({
    name: 'encoder',
    inputs: [{ name: 'image', type: 'float32', shape: [1, task.imageChannels, ...task.imageSize] }],
    outputs: lowRank ? ['tokens'] : ['features', 'prefix'],
    axes: {},
    run([image]) {
      if (lowRank) return [condition.tokens(image!)]
      const tokens = condition.forward(image!) // [1, T, C]
      return [tokens, transformer.embedPrefix(tokens)]
    },
  }).graph
}

/** The condition from the features and their low-rank reconstruction, which ONNX cannot express. */
function exportCondition(graphs: GraphExporter, { condition, transformer, options }: ArSegParts) {
  const shape = [1, transformer.layout.prefix, options.segmentor.width]
  return graphs.graph({
    name: 'condition',
    inputs: [
      { name: 'tokens', type: 'float32', shape },
      { name: 'rest', type: 'float32', shape },
    ],
    outputs: ['features', 'prefix'],
    axes: {},
    run([tokens, rest]) {
      const features = condition.join(tokens!, rest!) // [1, T, C]
      return [features, transformer.embedPrefix(features)]
    },
  }).graph
}

function exportStart(graphs: GraphExporter, parts: ArSegParts) {
  const { transformer, task } = parts
  return graphs.graph({
    name: 'start',
    inputs: [{ name: 'class', type: 'int64', shape: [1], below: task.classes.length }, features(parts)],
    outputs: ['condition', 'tokens'],
    axes: {},
    run: ([classes, prefix]) => [
      transformer.condition(prefix!, classes!), // [1, C]
      transformer.embedStart(classes!, prefix!), // [1, p_1², C]
    ],
  }).graph
}

function exportTransformer(graphs: GraphExporter, { transformer, options }: ArSegParts) {
  const { depth, width, heads } = options.segmentor
  const layers = Array.from({ length: depth }, (_, i) => i)
  const past = (name: string): GraphInput => ({
    name,
    type: 'float32',
    shape: ['rows', heads, 'past', width / heads],
  })
  return graphs.graph({
    name: 'transformer',
    inputs: [
      { name: 'tokens', type: 'float32', shape: ['rows', 'new', width] },
      { name: 'condition', type: 'float32', shape: [1, width] },
      ...layers.flatMap((i) => [past(`past_keys_${i}`), past(`past_values_${i}`)]),
    ],
    outputs: ['logits', ...layers.flatMap((i) => [`keys_${i}`, `values_${i}`])],
    axes: { rows, new: { recorded: [4, 10], otherwise: null }, past: { recorded: [5, 11], otherwise: null } },
    run([tokens, condition, ...cached]) {
      const caches = layers.map((i) => new JoinedCache(cached[2 * i]!, cached[2 * i + 1]!))
      const hidden = transformer.run(tokens!, condition!, null, caches)
      const grown = caches.flatMap(({ joinedKeys, joinedValues }) => [joinedKeys, joinedValues])
      return [transformer.logits(hidden, condition!), ...grown]
    },
  }).graph
}

/** Codes of a scale onto the latent, and the inputs of the next scale from it. */
function exportQuantizer(graphs: GraphExporter, parts: ArSegParts, k: number) {
  const { autoencoder, transformer, options } = parts
  const { quantizer } = autoencoder
  const { counts, starts } = transformer.layout
  const last = k === counts.length - 1
  const { side, codeChannels } = quantizer
  const indices: GraphInput = {
    name: 'indices',
    type: 'int64',
    shape: ['rows', counts[k]!],
    below: options.autoencoder.codes,
  }
  const latent: GraphInput = { name: 'latent', type: 'float32', shape: ['rows', codeChannels, side, side] }
  return graphs.graph({
    name: `quantizer-${k + 1}`,
    inputs: [indices, ...(k === 0 ? [] : [latent]), ...(last ? [] : [features(parts)])],
    outputs: ['sum', ...(last ? [] : ['tokens'])],
    axes: { rows },
    run([given, ...rest]) {
      const added = quantizer.contribution(given!, k)
      const sum = k === 0 ? added : rest[0]!.add(added) // [rows, C, n, n]
      if (last) return [sum]
      return [sum, transformer.embedTokens(quantizer.down(sum, k + 1), starts[k + 1]!, rest.at(-1)!)]
    },
  }).graph
}

function exportDecoder(graphs: GraphExporter, { autoencoder }: ArSegParts) {
  const { side, codeChannels } = autoencoder.quantizer
  return graphs.graph({
    name: 'decoder',
    inputs: [{ name: 'latent', type: 'float32', shape: ['rows', codeChannels, side, side] }],
    outputs: ['logits'],
    axes: { rows },
    run: ([latent]) => [autoencoder.decode(latent!)],
  }).graph
}
