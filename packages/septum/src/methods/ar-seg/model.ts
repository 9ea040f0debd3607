import { fuseSamples, SeptumError, sampleMasks } from '@septum/core'
import { nn, type Tensor } from '@septum/torch'
import type {
  BundleParts,
  GraphExporter,
  Phase,
  Prediction,
  PredictOptions,
  SegmentationModel,
  Stage,
  Task,
  Volume,
} from '../method.js'
import { MaskAutoencoder } from './autoencoder.js'
import { autoencoderPhase } from './autoencoder-phase.js'
import { ImageCondition, type ImageEncoder, PyramidImageEncoder } from './condition.js'
import { TorchEngine } from './engine.js'
import { exportArSeg } from './export.js'
import type { ArSegOptions } from './options.js'
import { segmentorPhase } from './segmentor-phase.js'
import { NextScaleTransformer } from './transformer.js'

/** Brings a list of per-scale temperatures to another number of scales: first and last stay. */
export function stretchTemperatures(temperatures: readonly number[], scales: number): number[] {
  if (temperatures.length === scales) return [...temperatures]
  return Array.from({ length: scales }, (_, k) => {
    const at = scales === 1 ? 0 : (k / (scales - 1)) * (temperatures.length - 1)
    const low = Math.floor(at)
    const high = Math.min(temperatures.length - 1, low + 1)
    return temperatures[low]! + (at - low) * (temperatures[high]! - temperatures[low]!)
  })
}

/** Side of the images, which the levels must bring to the side of the last token map. */
function checkedSide(
  imageSize: readonly number[],
  { scales, multipliers }: ArSegOptions['autoencoder'],
): number {
  const side = scales.at(-1)! * 2 ** (multipliers.length - 1)
  if (imageSize.length === 2 && imageSize.every((n) => n === side)) return side
  throw new SeptumError(
    'config-image-size',
    `AR-Seg with ${multipliers.length} levels and a last token map of ${scales.at(-1)} x ${scales.at(-1)} takes images of ${side} x ${side}, not ${imageSize.join(' x ')}`,
    `Give --set data.imageSize=[${side},${side}], or other scales or multipliers.`,
    { option: 'data.imageSize' },
  )
}

/** AR-Seg: mask autoencoder, image condition and next-scale transformer. */
export class ArSeg extends nn.Module implements SegmentationModel {
  readonly autoencoder: MaskAutoencoder
  readonly condition: ImageCondition
  readonly transformer: NextScaleTransformer

  /** @param encoder what turns the image into features; default: the own convolutional pyramid. */
  constructor(
    private readonly options: ArSegOptions,
    private readonly task: Task,
    encoder?: ImageEncoder,
  ) {
    super()
    const { autoencoder, segmentor } = options
    const smaller = checkedSide(task.imageSize, autoencoder)
    // As many halvings as bring the image to the prefix grid, but not more than there are levels.
    const downs = Math.max(
      0,
      Math.min(segmentor.encoderWidths.length, Math.round(Math.log2(smaller / segmentor.prefixSide))),
    )
    this.autoencoder = new MaskAutoencoder(autoencoder)
    this.condition = new ImageCondition(
      encoder ??
        new PyramidImageEncoder(task.imageChannels, {
          widths: segmentor.encoderWidths,
          blocks: segmentor.encoderBlocks,
          normGroups: segmentor.encoderNormGroups,
          downs,
        }),
      segmentor,
    )
    const { depth, width, heads, dropout, levelEmbedding, condMean, context, classDropout, prefixSide } =
      segmentor
    const { positions, imageAtTokens } = segmentor
    const block = segmentor.block === 'auto' ? (task.classes.length > 1 ? 'var' : 'gpt') : segmentor.block
    this.transformer = new NextScaleTransformer({
      block,
      depth,
      width,
      heads,
      dropout,
      levelEmbedding,
      condMean,
      context,
      positions,
      imageAtTokens,
      scales: autoencoder.scales,
      prefix: prefixSide * prefixSide,
      codes: autoencoder.codes,
      codeChannels: autoencoder.codeChannels,
      classes: task.classes.length,
      noClass: classDropout > 0 || block === 'var',
    })
  }

  phases(): readonly Phase[] {
    const { flip, rotateDegrees, intensity } = this.options.augmentation
    const recipe = {
      flipHorizontal: flip,
      flipVertical: flip,
      rotateDegrees,
      rotate90: false,
      crop: this.task.imageSize,
      cropAt: 'centre' as const,
      intensity,
    }
    const { autoencoder, segmentor } = this.options
    return [
      autoencoderPhase(this.autoencoder, autoencoder, this.task, { ...recipe, intensity: 0 }),
      segmentorPhase(this.autoencoder, this.condition, this.transformer, segmentor, this.task, recipe),
    ]
  }

  engine(useCache = this.options.sampling.cache): TorchEngine {
    return new TorchEngine(
      this.autoencoder,
      this.condition,
      this.transformer,
      useCache,
      this.options.autoencoder.codes,
    )
  }

  export(graphs: GraphExporter): BundleParts {
    const { autoencoder, condition, transformer, options, task } = this
    const temperature = stretchTemperatures(options.sampling.temperature, options.autoencoder.scales.length)
    const engine = this.engine() as BundleParts['engine']
    return exportArSeg(graphs, { autoencoder, condition, transformer, options, task, temperature, engine })
  }

  /** Samples masks of every class for each image and fuses them (sections 5 and 6). */
  async predict(images: Tensor, options: PredictOptions): Promise<Prediction> {
    const [count, , height, width] = images.shape as [number, number, number, number]
    const classes = this.task.classes.length
    const pixels = height * width
    const { sampling } = this.options
    const scales = this.options.autoencoder.scales
    const probabilities = new Float32Array(count * classes * pixels)
    const uncertainty = new Float32Array(count * classes * pixels)
    const samples = new Float32Array(options.samples * count * classes * pixels)
    const stages = scales.map(() => new Float32Array(count * classes * pixels))
    const engine = this.engine()
    for (let n = 0; n < count; n++) {
      const image = images.narrow(0, n, 1)
      const condition = engine.encode(image)
      image.free()
      try {
        for (let c = 0; c < classes; c++) {
          const drawn = await sampleMasks(engine, condition, {
            samples: options.samples,
            seed: options.seed,
            imageStream: options.firstImage + n,
            temperature: stretchTemperatures(options.temperature ?? sampling.temperature, scales.length),
            topK: options.topK ?? (sampling.topK || undefined),
            topP: options.topP ?? sampling.topP,
            guidance: sampling.guidance,
            greedy: options.greedy ?? false,
            classIndex: c,
            stages: options.stages ? 1 : 0,
            signal: options.signal,
          })
          const fused = fuseSamples(drawn.logits, options.rule)
          const at = (n * classes + c) * pixels
          probabilities.set(fused.probability, at)
          uncertainty.set(fused.uncertainty.entropy, at)
          drawn.logits.forEach((logits, s) => {
            const from = ((s * count + n) * classes + c) * pixels
            for (let i = 0; i < pixels; i++) samples[from + i] = logits[i]! > 0 ? 1 : 0
          })
          drawn.stages?.[0]?.forEach((logits, k) => {
            for (let i = 0; i < pixels; i++) stages[k]![at + i] = 1 / (1 + Math.exp(-logits[i]!))
          })
        }
      } finally {
        engine.releaseCondition(condition)
      }
    }
    const shape = [count, classes, height, width]
    const volume = (data: Float32Array): Volume => ({ data, shape })
    return {
      probabilities: volume(probabilities),
      uncertainty: volume(uncertainty),
      samples: { data: samples, shape: [options.samples, ...shape] },
      stages: options.stages
        ? scales.map((side, k): Stage => ({ name: `${side}x${side}`, probabilities: volume(stages[k]!) }))
        : undefined,
    }
  }
}
