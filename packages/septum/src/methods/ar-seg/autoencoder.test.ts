import { F, type Module, manualSeed, noGrad, ones, rand, type Tensor, zeros } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { expectClose, stored } from '../../../../torch/test/reference.js'
import { PyramidDecoder, PyramidEncoder } from '../../blocks/pyramid.js'
import { ResidualBlock, SpatialAttention } from '../../blocks/residual.js'
import { MaskAutoencoder } from './autoencoder.js'
import { autoencoderOptions } from './options.js'
import { expectReference, inputsOf, layerCase } from './testing.js'

describe('parameters at the setting of the paper (section 2.1)', () => {
  const model = new MaskAutoencoder(autoencoderOptions.parse({}))

  it('are as many as in every part of the release', () => {
    expect(model.encoder.parameterCount()).toBe(1_778_560)
    expect(model.decoder.parameterCount()).toBe(2_536_353)
    expect(model.quantizer.parameterCount()).toBe(69_760)
    expect(model.quant_conv.parameterCount()).toBe(4_128)
    expect(model.post_quant_conv.parameterCount()).toBe(4_224)
    expect(model.parameterCount()).toBe(4_393_025)
  })

  it('bring a 128x128 mask to an 8x8 latent of 32 channels and back to logits', () => {
    manualSeed(1)
    const masks = rand([1, 1, 128, 128]).gt(0.5).float()
    noGrad(() => {
      expect(model.encode(masks).shape).toEqual([1, 32, 8, 8])
      const { logits, quantized } = model.forward(masks)
      expect(logits.shape).toEqual([1, 1, 128, 128])
      expect(quantized.tokens.map((r) => r.size(1))).toEqual([1, 4, 9, 16, 25, 36, 49, 64])
    })
  })

  it('start the last bias where asked', () => {
    const { decoder } = new MaskAutoencoder(
      autoencoderOptions.parse({ width: 4, latentChannels: 4, outputBias: -4 }),
    )
    expect(decoder.output.bias!.item()).toBe(-4)
  })
})

describe('blocks against PyTorch', () => {
  const residual = (name: string, from: number, to: number) => {
    const block = new ResidualBlock(from, to)
    expectReference(layerCase(name), block, ([x]) => ({ y: block.forward(x!) }))
  }

  it('residual block', () => residual('arseg-residual-block', 32, 32))
  it('residual block with another width', () => residual('arseg-residual-block-shortcut', 64, 32))

  it('attention block', () => {
    const block = new SpatialAttention(32)
    expectReference(layerCase('arseg-attention-block'), block, ([x]) => ({ y: block.forward(x!) }))
  })

  /** Makes everything but the resizing an identity: what is left is norm and SiLU of the resized map. */
  const resized = (network: PyramidEncoder | PyramidDecoder, name: string, at: number): Tensor => {
    const one = layerCase(name)
    const set = (module: Module, values: Map<string, Tensor>) => void module.loadStateDict(values)
    const identity = zeros([4, 4, 3, 3])
    for (let c = 0; c < 4; c++) identity.select(0, c).select(0, c).select(0, 1).narrow(0, 1, 1).fill_(1)
    noGrad(() => {
      for (const conv of [network.input, network.output])
        set(
          conv,
          new Map([
            ['weight', identity],
            ['bias', zeros([4])],
          ]),
        )
      for (const block of [network.middle.first, network.middle.second]) {
        block.conv2.weight.zero_()
        block.conv2.bias!.zero_()
      }
      network.middle.attention.projection.weight.zero_()
      network.middle.attention.projection.bias!.zero_()
    })
    set(
      network.levels[at]!.resize!,
      new Map(
        ['weight', 'bias'].map((key) => [key, stored(one, `param/conv.${key}`).to({ dtype: 'float32' })]),
      ),
    )
    return noGrad(() => network.forward(inputsOf(one)[0]!.detach()))
  }
  const normed = (name: string) =>
    noGrad(() =>
      F.silu(
        F.groupNorm(
          stored(layerCase(name), 'output/y').to({ dtype: 'float32' }),
          4,
          ones([4]),
          zeros([4]),
          1e-6,
        ),
      ),
    )

  it('down-sampling pads right and bottom', () => {
    const encoder = new PyramidEncoder(4, 4, { widths: [4, 4], blocks: 0 })
    expectClose(resized(encoder, 'arseg-downsample', 0), normed('arseg-downsample'), 'down', 1e-4)
  })

  it('up-sampling repeats the nearest', () => {
    const decoder = new PyramidDecoder(4, 4, { widths: [4, 4], blocks: 0 })
    expectClose(resized(decoder, 'arseg-upsample', 0), normed('arseg-upsample'), 'up', 1e-4)
  })
})
