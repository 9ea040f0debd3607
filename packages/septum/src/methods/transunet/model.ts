import { type Reporter, SeptumError } from '@septum/core'
import { F, loadPth, loadTensors, nn, parameter, type Tensor, zeros } from '@septum/torch'
import { findWeights, ImageInput } from '../../blocks/backbones/index.js'
import { VitEncoder } from '../../blocks/vit.js'
import type { MaskNetwork } from '../mask-network.js'
import { Decoder } from './decoder.js'
import { HybridResNet } from './hybrid-resnet.js'
import type { TransunetOptions } from './options.js'
import { loadPublished, resizedPositions } from './published.js'

type Options = Omit<TransunetOptions, 'startFrom' | 'pretrained'> &
  Partial<Pick<TransunetOptions, 'startFrom' | 'pretrained'>>
type Size = readonly [height: number, width: number]

/** What tokens are made of: the map at stride 16, a linear layer, a learned position each. */
class Embeddings extends nn.Module {
  readonly hybrid_model: HybridResNet
  readonly patch_embeddings: nn.Conv2d
  readonly position_embeddings: Tensor

  constructor(
    readonly grid: Size,
    private readonly options: Options,
  ) {
    super()
    const { resnetWidth, resnetUnits, channels } = options
    this.hybrid_model = new HybridResNet(resnetWidth, resnetUnits)
    this.patch_embeddings = new nn.Conv2d(16 * resnetWidth, channels, 1)
    this.position_embeddings = parameter(zeros([1, grid[0] * grid[1], channels]))
  }

  /** @param x [N, 3, H, W] @returns tokens [N, H W / 256, channels], the size of their grid, skips coarse to fine */
  forward(x: Tensor): { tokens: Tensor; grid: Size; skips: readonly Tensor[] } {
    const { map, skips } = this.hybrid_model.forward(x)
    const grid = map.shape.slice(2) as [number, number]
    const tokens = this.patch_embeddings.forward(map).flatten(2).transpose(1, 2)
    const placed = tokens.add(resizedPositions(this.position_embeddings, this.grid, grid))
    return { tokens: F.dropout(placed, this.options.dropout, this.training), grid, skips }
  }
}

class Transformer extends nn.Module {
  readonly embeddings: Embeddings
  readonly encoder: VitEncoder

  constructor(grid: Size, options: Options) {
    super()
    this.embeddings = new Embeddings(grid, options)
    this.encoder = new VitEncoder(options)
  }
}

/** TransUNet (Chen et al. 2021), R50-ViT form, with the state-dict names of its release. */
export class TransunetNetwork extends nn.Module implements MaskNetwork {
  readonly multiple = 16
  readonly input: ImageInput
  readonly transformer: Transformer
  readonly decoder: Decoder
  readonly segmentation_head: nn.Conv2d[]

  /** @param imageSize the size that positions are learned for; others are interpolated */
  constructor(
    inChannels: number,
    classes: number,
    imageSize: Size,
    private readonly options: Options,
  ) {
    super()
    const { resnetWidth, skips, decoderChannels } = options
    // The release feeds values as they are.
    this.input = new ImageInput(inChannels, { mean: [0, 0, 0], std: [1, 1, 1] })
    const grid: Size = [Math.ceil(imageSize[0] / 16), Math.ceil(imageSize[1] / 16)]
    this.transformer = new Transformer(grid, options)
    const skipChannels = [8 * resnetWidth, 4 * resnetWidth, resnetWidth].slice(0, skips)
    this.decoder = new Decoder({ ...options, skipChannels })
    this.segmentation_head = [new nn.Conv2d(decoderChannels.at(-1)!, classes, 3, { padding: 1 })]
  }

  /** @param images [N, C, H, W], H and W multiples of 16 @returns one map of logits [N, classes, H, W] */
  forward(images: Tensor): readonly Tensor[] {
    const { tokens, grid, skips } = this.transformer.embeddings.forward(this.input.forward(images))
    const encoded = this.transformer.encoder.forward(tokens) // [N, H W / 256, channels]
    const map = encoded.transpose(1, 2).unflatten(2, grid).contiguous('channels_last')
    const features = this.decoder.forward(map, skips.slice(0, this.options.skips)) // [N, 16, H, W]
    return [this.segmentation_head[0]!.forward(features)]
  }

  initialise(reporter: Reporter): void {
    const { startFrom, pretrained } = this.options
    if (startFrom) this.#start(startFrom, reporter)
    else if (pretrained === false) reporter.warn('TransUNet starts from random weights, as asked for.')
    else {
      const kept = findWeights('transunet')
      if (kept) this.#startIfFitting(kept, reporter)
      else
        reporter.warn(
          'TransUNet starts from random weights; its paper starts from ImageNet-21k. Get R50+ViT-B_16.npz and run septum weights import, or set options.startFrom to vit_base_r50_s16_384 of timm.',
        )
    }
  }

  /** Weights that were kept for the published size are of no use to a smaller network. */
  #startIfFitting(file: string, reporter: Reporter): void {
    try {
      this.#start(file, reporter)
    } catch (error) {
      if (!(error instanceof SeptumError) || error.code !== 'state-mismatch') throw error
      reporter.warn('TransUNet starts from random weights: the kept ones fit another size of it.')
    }
  }

  #start(startFrom: string, reporter: Reporter): void {
    const { tensors } = startFrom.endsWith('.safetensors') ? loadTensors(startFrom) : loadPth(startFrom)
    try {
      const missing = loadPublished(this, this.transformer.embeddings.grid, tensors)
      const rest = missing.length > 0 ? `; ${missing.length} tensors are not in it and start at random` : ''
      reporter.info(`TransUNet starts from the weights in ${startFrom}${rest}.`)
    } finally {
      for (const t of tensors.values()) t.free()
    }
  }
}
