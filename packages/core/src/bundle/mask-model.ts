import { varianceMap } from '../consensus.js'
import { checkInput, type Padded, padToMultiple } from './input.js'
import type { BundleManifest, MaskGraphs } from './manifest.js'
import { mapsOfLogits } from './mask-maps.js'
import type { BundleMap, BundleModel, BundlePrediction, BundlePredictOptions } from './prediction.js'
import { floatsOf, type GraphSession } from './session.js'

/** A bundle of one graph: images to logits. */
export class MaskBundle implements BundleModel {
  constructor(
    readonly manifest: BundleManifest,
    private readonly graphs: MaskGraphs,
    private readonly session: GraphSession,
  ) {}

  async logits(images: Float32Array, shape: readonly number[]): Promise<Float32Array> {
    const [count, channels, ...size] = shape as [number, number, ...number[]]
    checkInput(this.manifest, images.length / count, channels, size)
    const padded = padToMultiple(images, count * channels, size, this.manifest.size.multipleOf)
    const given = this.session.floats(padded.data, [count, channels, ...padded.size])
    const { logits } = await this.session.run({ images: given })
    return cut(floatsOf(logits!), count * logits!.dims[1]!, padded, size)
  }

  async predict(
    image: Float32Array,
    size: readonly number[],
    options: BundlePredictOptions = {},
  ): Promise<BundlePrediction> {
    const { signal, onProgress } = options
    signal?.throwIfAborted()
    const all = await this.logits(image, [1, this.manifest.channels, ...size])
    signal?.throwIfAborted()
    const pixels = size.reduce((a, b) => a * b, 1)
    const chosen = options.classes ?? this.manifest.classes.map((_, i) => i)
    const { probabilities, masks } = mapsOfLogits(all, pixels, this.graphs.output)
    const take = (maps: Float32Array): Float32Array => {
      const taken = new Float32Array(chosen.length * pixels)
      for (const [i, c] of chosen.entries())
        taken.set(maps.subarray(c * pixels, (c + 1) * pixels), i * pixels)
      return taken
    }
    const map = (data: Float32Array): BundleMap => ({ data, shape: [chosen.length, ...size] })
    const kept = take(probabilities)
    onProgress?.({ done: 1, total: 1 })
    return {
      probabilities: map(kept),
      uncertainty: map(varianceMap(kept)),
      samples: { data: take(masks), shape: [1, chosen.length, ...size] },
    }
  }

  release(): Promise<void> {
    return this.session.release()
  }
}

/** The near end of every axis: padding goes. */
function cut(data: Float32Array, planes: number, padded: Padded, size: readonly number[]): Float32Array {
  if (padded.size.every((side, i) => side === size[i])) return data
  const to = size.reduce((a, b) => a * b, 1)
  const from = padded.size.reduce((a, b) => a * b, 1)
  const out = new Float32Array(planes * to)
  const width = size.at(-1)!
  const wide = padded.size.at(-1)!
  const height = size.at(-2)!
  const high = padded.size.at(-2)!
  const rows = to / width
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < rows; row++) {
      const slice = Math.floor(row / height)
      const start = plane * from + (slice * high + (row % height)) * wide
      out.set(data.subarray(start, start + width), plane * to + row * width)
    }
  }
  return out
}
