import { fuseSamples } from '../consensus.js'
import { sigmoid } from '../portable-exp.js'
import type { NextScaleEngine } from '../sampling/engine.js'
import { sampleMasks } from '../sampling/sampler.js'
import { checkInput } from './input.js'
import type { BundleManifest, NextScaleGraphs } from './manifest.js'
import {
  type BundleImage,
  type NextScaleSessions,
  type OnnxCondition,
  OnnxEngine,
  type OnnxState,
} from './next-scale-engine.js'
import type { BundleModel, BundlePrediction, BundlePredictOptions, BundleStage } from './prediction.js'

type Engine = NextScaleEngine<OnnxCondition, OnnxState, BundleImage>

/** A bundle that samples masks from coarse to fine: AR-Seg. */
export class NextScaleBundle implements BundleModel {
  readonly engine: OnnxEngine

  constructor(
    readonly manifest: BundleManifest,
    private readonly model: NextScaleGraphs,
    private readonly sessions: NextScaleSessions,
  ) {
    this.engine = new OnnxEngine(model, sessions)
  }

  async predict(
    image: Float32Array,
    size: readonly number[],
    options: BundlePredictOptions = {},
  ): Promise<BundlePrediction> {
    const { manifest, model } = this
    checkInput(manifest, image.length, image.length / size.reduce((a, b) => a * b, 1), size)
    const chosen = options.classes ?? manifest.classes.map((_, i) => i)
    const { samples: count = model.sampling.samples, rule, signal, onStage } = options
    const staged = options.stages === true || onStage !== undefined
    const pixels = size.reduce((a, b) => a * b, 1)
    const length = chosen.length * pixels
    const probabilities = new Float32Array(length)
    const uncertainty = new Float32Array(length)
    const samples = new Float32Array(count * length)
    const stages = model.scales.map(() => new Float32Array(length))
    const tokens: (readonly Int32Array[])[] = []
    signal?.throwIfAborted()
    const condition = await this.engine.encode({ data: image, shape: [manifest.channels, ...size] })
    try {
      for (const [at, classIndex] of chosen.entries()) {
        const from = at * pixels
        const seeStage = (k: number, logits: Float32Array) => {
          stages[k]!.set(logits.map(sigmoid), from)
          const data = stages[k]!.slice(from, from + pixels)
          onStage?.(this.#stage(k, classIndex, data, [1, ...size]))
        }
        const drawn = await sampleMasks(this.#watched(staged ? seeStage : null), condition, {
          ...this.#sampling(options),
          samples: count,
          classIndex,
          stages: staged ? 1 : 0,
          onProgress: ({ scale, scales, firstSample, rows }) => {
            const done = firstSample - (options.firstSample ?? 0)
            const steps = done * scales + scale * rows
            options.onProgress?.({ done: at * count * scales + steps, total: chosen.length * count * scales })
          },
        })
        const fused = fuseSamples(drawn.logits, rule)
        probabilities.set(fused.probability, from)
        uncertainty.set(fused.uncertainty.entropy, from)
        for (const [s, logits] of drawn.logits.entries()) {
          for (let i = 0; i < pixels; i++) if (logits[i]! > 0) samples[s * length + from + i] = 1
        }
        tokens.push(drawn.tokens)
      }
    } finally {
      this.engine.releaseCondition(condition)
    }
    const shape = [chosen.length, ...size]
    return {
      probabilities: { data: probabilities, shape },
      uncertainty: { data: uncertainty, shape },
      samples: { data: samples, shape: [count, ...shape] },
      tokens,
      ...(staged ? { stages: stages.map((data, k) => this.#stage(k, chosen[0]!, data, shape)) } : {}),
    }
  }

  #sampling({ temperature, topK, topP, guidance, ...options }: BundlePredictOptions) {
    const { sampling } = this.model
    return {
      firstSample: options.firstSample,
      seed: options.seed,
      imageStream: options.imageStream,
      temperature: temperature ?? sampling.temperature,
      topK: topK ?? sampling.topK ?? undefined,
      topP: topP ?? sampling.topP,
      guidance: guidance ?? sampling.guidance,
      greedy: options.greedy,
      rowsPerBatch: options.rowsPerBatch,
      signal: options.signal,
    }
  }

  #stage(index: number, classIndex: number, data: Float32Array, shape: readonly number[]): BundleStage {
    const side = this.model.scales[index]!
    const total = this.model.scales.length
    return { name: `${side}x${side}`, index, total, classIndex, probabilities: { data, shape } }
  }

  /** The engine, which tells of each mask of the first sample as it is decoded. */
  #watched(see: ((k: number, logits: Float32Array) => void) | null): Engine {
    const { engine } = this
    if (!see) return engine
    let next = 0
    return {
      scales: engine.scales,
      vocabulary: engine.vocabulary,
      encode: (image) => engine.encode(image),
      begin: (condition, rows, classIndex) => engine.begin(condition, rows, classIndex),
      logits: (state, k) => engine.logits(state, k),
      accept: (state, k, drawn) => engine.accept(state, k, drawn),
      async decode(state, rows) {
        const masks = await engine.decode(state, rows)
        // The sampler decodes after every scale of the first sample's batch, and at its end all rows.
        if (next < engine.scales.length) see(next++, masks.data.subarray(0, masks.height * masks.width))
        return masks
      },
      release: (state) => engine.release(state),
      releaseCondition: (condition) => engine.releaseCondition(condition),
    }
  }

  async release(): Promise<void> {
    const { encoder, condition, start, transformer, quantizer, decoder } = this.sessions
    const conditions = condition ? [condition] : []
    for (const session of [encoder, ...conditions, start, transformer, ...quantizer, decoder])
      await session.release()
  }
}
