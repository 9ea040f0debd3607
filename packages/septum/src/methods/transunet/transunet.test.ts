import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Reporter, silentReporter } from '@septum/core'
import {
  manualSeed,
  noGrad,
  rand,
  randn,
  saveTensors,
  setThreads,
  type Tensor,
  tensor,
  zeros,
} from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { WeightStandardConv2d } from '../../blocks/weight-standard-conv.js'
import { profile } from '../profile.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { TransunetNetwork, transunetOptions } from './index.js'
import { loadPublished, resizedPositions } from './published.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/transunet.json', import.meta.url))
const options = (some: object = {}) => transunetOptions.parse(some)
const tiny = {
  resnetWidth: 8,
  resnetUnits: [2, 1, 1],
  channels: 12,
  layers: 2,
  heads: 3,
  mlp: 20,
  dropout: 0,
  bridgeChannels: 10,
  decoderChannels: [8, 6, 4, 4],
}
const small = {
  ...tiny,
  resnetUnits: [1, 1, 1],
  channels: 8,
  layers: 1,
  heads: 2,
  mlp: 16,
  bridgeChannels: 8,
  skips: 1,
}

describe('size', () => {
  // All layers are equal: counting one and multiplying is cheaper than building twelve.
  it('105,275,921 parameters at 224 x 224 and 105,322,001 at 256 x 256, as published', () => {
    const count = (layers: number, side: number) =>
      new TransunetNetwork(3, 1, [side, side], options({ layers })).parameterCount()
    const one = count(1, 224)
    // 4 linear layers 768 x 768, 2 of 768 x 3072, their biases, two norms.
    const layer = 4 * 768 * 769 + 768 * 3072 * 2 + 3072 + 768 + 4 * 768
    expect(count(2, 224) - one).toBe(layer)
    expect(one + 11 * layer).toBe(105_275_921)
    expect(count(1, 256) + 11 * layer).toBe(105_322_001)
  })

  it('21.7 G multiply-adds in the layers at 256 x 256', () => {
    const network = new TransunetNetwork(3, 1, [32, 32], options({ layers: 1, resnetWidth: 8 }))
    const { layers } = profile(network, () => network.forward(rand([1, 3, 32, 32])))
    const linear = layers.filter(({ kind }) => kind === 'Linear').reduce((sum, { macs }) => sum + macs, 0)
    // 2 x 2 tokens in place of 16 x 16, one layer in place of twelve.
    expect((linear * 64 * 12) / 1e9).toBeCloseTo(21.7, 1)
  })
})

describe('network', () => {
  it("has PyTorch's maps and gradients", () => {
    expectNetwork(new TransunetNetwork(3, 1, [48, 64], options(tiny)), fixtures.rgb!)
  })

  it("has PyTorch's maps and gradients for grey images with one skip", () => {
    expectNetwork(new TransunetNetwork(1, 2, [32, 32], options(small)), fixtures.grey!)
  })

  it('takes sizes other than the one it was built for', () => {
    const network = new TransunetNetwork(3, 1, [32, 32], options(small)).eval()
    expect(noGrad(() => network.forward(rand([1, 3, 48, 16])))[0]!.shape).toEqual([1, 1, 48, 16])
  })

  it('standardises weights: scaling and shifting a filter changes nothing', () => {
    const conv = new WeightStandardConv2d(3, 4, 3)
    const x = randn([1, 3, 5, 5])
    noGrad(() => {
      conv.weight.mul_(10)
      const before = conv.forward(x)
      conv.weight.mul_(3).add_(1)
      expect(conv.forward(x).allclose(before, 1e-2, 1e-2)).toBe(true)
    })
  })
})

it('resizes positions with corners on corners', () => {
  const two = tensor([0, 3, 6, 9], { shape: [1, 4, 1] })
  // [0 3; 6 9] on 4 x 4: rows 0, 2, 4, 6 and columns 0, 1, 2, 3 added.
  const wanted = [0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9]
  const four = Array.from(resizedPositions(two, [2, 2], [4, 4]).toTypedArray(), Number)
  expect(four).toHaveLength(16)
  four.forEach((value, i) => void expect(value).toBeCloseTo(wanted[i]!, 5))
})

describe('published weights', () => {
  const build = () => new TransunetNetwork(3, 1, [32, 32], options(small))

  /** The network's encoder with the names and shapes that timm gives them. */
  function asTimm(network: TransunetNetwork): Map<string, Tensor> {
    const state = network.stateDict()
    const get = (name: string) => state.get(`transformer.${name}`)!
    const file = new Map<string, Tensor>()
    file.set('cls_token', zeros([1, 1, 8]))
    file.set('head.weight', zeros([10, 8]))
    for (const part of ['weight', 'bias']) {
      if (part === 'weight')
        file.set('patch_embed.backbone.stem.conv.weight', get('embeddings.hybrid_model.root.conv.weight'))
      file.set(`patch_embed.backbone.stem.norm.${part}`, get(`embeddings.hybrid_model.root.gn.${part}`))
      file.set(`patch_embed.proj.${part}`, get(`embeddings.patch_embeddings.${part}`))
      file.set(`norm.${part}`, get(`encoder.encoder_norm.${part}`))
      for (const [stage, block] of [0, 1, 2].map((i) => [
        i,
        `embeddings.hybrid_model.body.block${i + 1}.unit1`,
      ])) {
        const to = `patch_embed.backbone.stages.${stage}.blocks.0`
        for (const n of [1, 2, 3]) {
          if (part === 'weight') file.set(`${to}.conv${n}.weight`, get(`${block}.conv${n}.weight`))
          file.set(`${to}.norm${n}.${part}`, get(`${block}.gn${n}.${part}`))
        }
        if (part === 'weight') file.set(`${to}.downsample.conv.weight`, get(`${block}.downsample.weight`))
        file.set(`${to}.downsample.norm.${part}`, get(`${block}.gn_proj.${part}`))
      }
      const layer = 'encoder.layer.0'
      file.set(`blocks.0.norm1.${part}`, get(`${layer}.attention_norm.${part}`))
      file.set(`blocks.0.norm2.${part}`, get(`${layer}.ffn_norm.${part}`))
      const qkv = ['query', 'key', 'value'].map((name) => get(`${layer}.attn.${name}.${part}`).toTypedArray())
      const whole = qkv.flatMap((values) => Array.from(values, Number))
      file.set(`blocks.0.attn.qkv.${part}`, tensor(whole, { shape: part === 'weight' ? [24, 8] : [24] }))
      file.set(`blocks.0.attn.proj.${part}`, get(`${layer}.attn.out.${part}`))
      for (const fc of ['fc1', 'fc2'])
        file.set(`blocks.0.mlp.${fc}.${part}`, get(`${layer}.ffn.${fc}.${part}`))
    }
    return file
  }

  it("are read with timm's names; positions lose the class token and are interpolated", () => {
    manualSeed(4)
    const [source, target] = [build(), build()]
    const file = asTimm(source)
    // A class token, then 3 x 3 places worth their number.
    const places = [100, 0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((v) => new Array<number>(8).fill(v))
    file.set('pos_embed', tensor(places, { shape: [1, 10, 8] }))
    const missing = loadPublished(target, [2, 2], file)
    expect(
      missing.every((name) => name.startsWith('decoder.') || name.startsWith('segmentation_head.')),
    ).toBe(true)
    const state = target.stateDict()
    for (const [name, t] of source.stateDict()) {
      if (!name.startsWith('transformer.') || name.endsWith('position_embeddings')) continue
      expect(state.get(name)!.equal(t), name).toBe(true)
    }
    const positions = state.get('transformer.embeddings.position_embeddings')!.select(2, 0).flatten()
    // Corners on corners.
    expect(Array.from(positions.toTypedArray(), Number)).toEqual([0, 2, 6, 8])
  })

  it('are read from a file with the names of the release, and said to be', () => {
    const folder = mkdtempSync(join(tmpdir(), 'septum-'))
    try {
      const startFrom = join(folder, 'transunet.safetensors')
      const source = new TransunetNetwork(3, 9, [32, 32], options(small))
      saveTensors(startFrom, source.stateDict())
      const said: string[] = []
      const reporter: Reporter = { ...silentReporter, info: (text) => void said.push(text) }
      const target = new TransunetNetwork(3, 1, [32, 32], options({ ...small, startFrom }))
      target.initialise(reporter)
      // The head is for nine classes there and for one here.
      expect(said[0]).toContain('2 tensors are not in it')
      const key = 'decoder.blocks.0.conv1.0.weight'
      expect(target.stateDict().get(key)!.equal(source.stateDict().get(key)!)).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('are refused where nothing fits', () => {
    expect(() => loadPublished(build(), [2, 2], new Map([['other', zeros([1])]]))).toThrow(
      'no weights of a TransUNet',
    )
  })

  it('are missed aloud', () => {
    const said: string[] = []
    build().initialise({ ...silentReporter, warn: (text) => void said.push(text) })
    expect(said[0]).toContain('random weights')
  })
})

it('refuses heads that do not divide the width', () => {
  expect(() => options({ heads: 5 })).toThrow('heads must divide')
})
