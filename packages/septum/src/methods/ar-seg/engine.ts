import type { MaskLogits, NextScaleEngine } from '@septum/core'
import { cat, full, keep, noGrad, scope, type Tensor, tensor } from '@septum/torch'
import type { AttentionCache } from './attention-cache.js'
import type { MaskAutoencoder } from './autoencoder.js'
import type { ImageCondition } from './condition.js'
import type { NextScaleTransformer } from './transformer.js'

/** An encoded image: prefix tokens and what every layer keeps of them. */
export interface TorchCondition {
  /** [1, T, C] */
  readonly prefix: Tensor
  /** By class index; null: the "no class" token. */
  readonly caches: Map<number | null, AttentionCache[]>
}

/** A batch of growing token sequences of one image. */
export interface TorchState {
  readonly condition: TorchCondition
  readonly rows: number
  /** [rows] int64 */
  readonly classes: Tensor
  readonly caches: AttentionCache[] | null
  /** [rows, n, codeChannels]: inputs of all scales so far (uncached) or of the next one (cached). */
  inputs: Tensor | null
  /** [rows, C, n, n]; null before the first scale. */
  latent: Tensor | null
}

/**
 * The sampler's view of a trained AR-Seg on libtorch. With the cache a step feeds only the new tokens and
 * needs no mask, since everything cached belongs to earlier scales; without it the whole masked sequence is
 * run again, which gives the same logits.
 */
export class TorchEngine implements NextScaleEngine<TorchCondition, TorchState, Tensor> {
  readonly scales: readonly number[]
  readonly vocabulary: number

  constructor(
    private readonly autoencoder: MaskAutoencoder,
    private readonly image: ImageCondition,
    private readonly transformer: NextScaleTransformer,
    private readonly useCache: boolean,
    codes: number,
  ) {
    this.scales = transformer.layout.scales
    this.vocabulary = codes
    // A scale that sees only its neighbour needs a mask; the sequence is short enough to run whole then.
    if (transformer.layout.context !== 'all') this.useCache = false
  }

  /** @param image [1, C, H, W] in [0, 1] */
  encode(image: Tensor): TorchCondition {
    const prefix = this.#quietly(() => this.image.forward(image))
    return { prefix: keep(prefix), caches: new Map() }
  }

  /** Not in inference mode: the constants that a first prediction makes are those of training after it. */
  #quietly<T>(body: () => T): T {
    return scope(() => noGrad(body))
  }

  #classes(rows: number, classIndex: number | null, device: string): Tensor {
    return full([rows], classIndex ?? this.transformer.noClassIndex, { dtype: 'int64', device })
  }

  /** Runs the prefix once for a class; all rows and samples start from it. */
  #prefixCaches(condition: TorchCondition, classIndex: number | null): AttentionCache[] {
    let found = condition.caches.get(classIndex)
    if (!found) {
      const { prefix } = condition
      const tokens = this.transformer.layout.prefix
      found = this.#quietly(() => {
        const caches = this.transformer.caches(1, tokens, prefix.device)
        const vector = this.transformer.condition(prefix, this.#classes(1, classIndex, prefix.device))
        this.transformer.run(this.transformer.embedPrefix(prefix), vector, null, caches)
        for (const cache of caches) for (const t of cache.tensors) keep(t)
        return caches
      })
      condition.caches.set(classIndex, found)
    }
    return found
  }

  begin(condition: TorchCondition, rows: number, classIndex: number | null): TorchState {
    const device = condition.prefix.device
    const classes = keep(this.#quietly(() => this.#classes(rows, classIndex, device)))
    if (!this.useCache) return { condition, rows, classes, caches: null, inputs: null, latent: null }
    const shared = this.#prefixCaches(condition, classIndex)
    const caches = this.#quietly(() => {
      const { prefix, tokens } = this.transformer.layout
      const own = this.transformer.caches(rows, prefix + tokens, device)
      own.forEach((cache, i) => {
        cache.copyFrom(shared[i]!)
        for (const t of cache.tensors) keep(t)
      })
      return own
    })
    return { condition, rows, classes, caches, inputs: null, latent: null }
  }

  logits(state: TorchState, k: number): Float32Array {
    const { transformer } = this
    const count = transformer.layout.counts[k]!
    const from = transformer.layout.starts[k]!
    return this.#quietly(() => {
      let out: Tensor
      if (state.caches) {
        const { prefix } = state.condition
        const vector = transformer.condition(prefix, state.classes)
        const embedded =
          k === 0
            ? transformer.embedStart(state.classes, prefix)
            : transformer.embedTokens(state.inputs!, from, prefix)
        out = transformer.logits(transformer.run(embedded, vector, null, state.caches), vector) // [rows, p², V]
      } else {
        const prefix = state.condition.prefix.expand([state.rows, -1, -1])
        const channels = this.autoencoder.quantizer.codeChannels
        const inputs = state.inputs ?? full([state.rows, 0, channels], 0, { device: prefix.device })
        out = transformer.forward(prefix, state.classes, inputs).narrow(1, from, count)
      }
      return out.toTypedArray() as Float32Array
    })
  }

  accept(state: TorchState, k: number, tokens: Int32Array): void {
    const { quantizer } = this.autoencoder
    const device = state.classes.device
    const [latent, inputs] = this.#quietly(() => {
      const r = tensor(tokens, { shape: [state.rows, this.scales[k]! ** 2], dtype: 'int64', device })
      const h = quantizer.contribution(r, k)
      const sum = state.latent ? state.latent.add(h) : h
      if (k === this.scales.length - 1) return [sum, null] as const
      const next = quantizer.down(sum, k + 1)
      return [sum, state.caches || !state.inputs ? next.contiguous() : cat([state.inputs, next], 1)] as const
    })
    state.latent?.free()
    state.inputs?.free()
    state.latent = keep(latent)
    state.inputs = inputs ? keep(inputs) : null
  }

  decode(state: TorchState, rows = state.rows): MaskLogits {
    return this.#quietly(() => {
      const logits = this.autoencoder.decode(state.latent!.narrow(0, 0, rows)) // [rows, 1, H, W]
      const [, , height, width] = logits.shape as [number, number, number, number]
      return { data: logits.toTypedArray() as Float32Array, height, width }
    })
  }

  release(state: TorchState): void {
    state.classes.free()
    state.inputs?.free()
    state.latent?.free()
    for (const cache of state.caches ?? []) cache.free()
  }

  releaseCondition(condition: TorchCondition): void {
    condition.prefix.free()
    for (const caches of condition.caches.values()) for (const cache of caches) cache.free()
    condition.caches.clear()
  }
}
