import { nn, noGrad, scope, type Tensor } from '@septum/torch'
import { PyramidDecoder, PyramidEncoder } from '../../blocks/pyramid.js'
import type { AutoencoderOptions } from './options.js'
import { MultiScaleQuantizer, type Quantized } from './quantizer.js'

/**
 * Multi-scale mask autoencoder (section 2): a mask becomes K token maps from coarse to fine, and back.
 * 4,393,025 parameters at the paper's setting.
 */
export class MaskAutoencoder extends nn.Module {
  readonly encoder: PyramidEncoder
  readonly quant_conv: nn.Conv2d
  readonly quantizer: MultiScaleQuantizer
  readonly post_quant_conv: nn.Conv2d
  readonly decoder: PyramidDecoder

  constructor(options: AutoencoderOptions) {
    super()
    const { latentChannels, codeChannels, blocks, normGroups, outputBias } = options
    const widths = options.multipliers.map((m) => m * options.width)
    this.encoder = new PyramidEncoder(1, latentChannels, { widths, blocks, normGroups })
    this.quant_conv = new nn.Conv2d(latentChannels, codeChannels, 1)
    this.quantizer = new MultiScaleQuantizer(options)
    this.post_quant_conv = new nn.Conv2d(codeChannels, latentChannels, 1)
    this.decoder = new PyramidDecoder(latentChannels, 1, { widths, blocks: blocks + 1, normGroups })
    if (outputBias !== null) noGrad(() => this.decoder.output.bias!.fill_(outputBias))
  }

  /** @param masks [N, 1, H, W] of 0 and 1, float32. @returns latent [N, C, n, n] */
  encode(masks: Tensor): Tensor {
    return this.quant_conv.forward(this.encoder.forward(masks.to({ memoryFormat: 'channels_last' })))
  }

  /** @param latent [N, C, n, n] @returns mask logits [N, 1, H, W] */
  decode(latent: Tensor): Tensor {
    return this.decoder.forward(this.post_quant_conv.forward(latent.to({ memoryFormat: 'channels_last' })))
  }

  /**
   * @param masks [N, 1, H, W] @param depth scales to decode from, all by default.
   * @returns logits of the same size and what was quantised
   */
  forward(masks: Tensor, depth?: number): { logits: Tensor; quantized: Quantized } {
    const quantized = this.quantizer.forward(this.encode(masks), depth)
    return { logits: this.decode(quantized.latent), quantized }
  }

  /** @param masks [N, 1, H, W] @returns [N, p²] int64 for each scale */
  encodeTokens(masks: Tensor): Tensor[] {
    return scope(() => noGrad(() => this.quantizer.encodeTokens(this.encode(masks))))
  }

  /** Mask logits after 1, 2, ... K scales, coarse to fine. @returns [N, 1, H, W] each */
  decodeStages(tokens: readonly Tensor[]): Tensor[] {
    return noGrad(() => this.quantizer.latents(tokens).map((latent) => scope(() => this.decode(latent))))
  }
}
