import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noGrad, rand, saveTensors, scope, setThreads, type Tensor, tensor, zeros } from '@septum/torch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildBackbone, MobileNetV2, Res2Net50 } from '../index.js'
import { importWeights } from './import.js'
import { ourName } from './names.js'
import { loadPretrained } from './pretrained.js'
import { findWeights } from './store.js'

setThreads(1)

interface Reference {
  readonly features: Readonly<
    Record<string, { shape: number[]; mean: number; std: number; max: number; first: number[] }>
  >
}

const said: string[] = []
const reporter = {
  info: (text: string) => void said.push(`info ${text}`),
  warn: (text: string) => void said.push(`warn ${text}`),
  progress: () => ({ update() {}, done() {} }),
} as unknown as Parameters<typeof loadPretrained>[1]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-weights-'))
  process.env.SEPTUM_WEIGHTS = join(folder, 'store')
  said.length = 0
})
afterEach(() => {
  delete process.env.SEPTUM_WEIGHTS
  rmSync(folder, { recursive: true })
})

describe('the MobileNetV2 that comes with the project', () => {
  const reference = JSON.parse(
    readFileSync(new URL('../fixtures/mobilenet-v2-imagenet.json', import.meta.url), 'utf8'),
  ) as Reference
  const side = 224
  // x[c][h][w] = sin(0.7 c + 0.05 h + 0.031 w), already in [-1, 1].
  const values = Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const [c, h, w] = [Math.floor(i / side / side), Math.floor(i / side) % side, i % side]
    return Math.sin(0.7 * c + 0.05 * h + 0.031 * w)
  })

  it('gives the activations of its card', () => {
    const encoder = new MobileNetV2().eval()
    expect(loadPretrained(encoder, reporter)).toBe(true)
    expect(said[0]).toMatch(/^info The encoder mobilenet-v2 starts from the weights in .*models/)
    scope(() => {
      const { stride2, levels } = noGrad(() => encoder.forward(tensor(values, { shape: [1, 3, side, side] })))
      const names = ['block1', 'block3', 'block6', 'block13', 'block17']
      for (const [i, map] of [stride2!, ...levels].entries()) {
        const want = reference.features[names[i]!]!
        expect(map.shape.slice(1)).toEqual(want.shape)
        const got = map.contiguous()
        // Activations of other programs with other orders of sums: four digits of the map's own spread.
        const close = (a: number, b: number) => expect(Math.abs(a - b)).toBeLessThan(2e-3 * want.std)
        close(got.mean().item(), want.mean)
        close(got.flatten().std(0).item(), want.std)
        close(got.amax().item(), want.max)
        for (const [at, value] of want.first.entries()) close(got.flatten().select(0, at).item(), value)
      }
    })
  })

  it('keeps the spread of its maps in training mode, where batch norms use the statistics of the batch', () => {
    const encoder = new MobileNetV2()
    loadPretrained(encoder, reporter)
    scope(() => {
      const images = tensor(values, { shape: [1, 3, side, side] })
      const spread = (x: readonly Tensor[]) => x.map((map) => map.flatten().std(0).item())
      const evaluated = spread(noGrad(() => encoder.eval().forward(images)).levels)
      const trained = spread(noGrad(() => encoder.train().forward(images)).levels)
      // With the scales of folded weights (1) and no statistics they would differ by orders of magnitude.
      for (const [i, value] of trained.entries()) {
        expect(value / evaluated[i]!).toBeGreaterThan(0.3)
        expect(value / evaluated[i]!).toBeLessThan(3)
      }
    })
  })
})

describe('loadPretrained', () => {
  it('says plainly that a backbone starts at random, and what to do', () => {
    expect(loadPretrained(buildBackbone('resnet18', { width: 0.125 }), reporter)).toBe(false)
    expect(said).toEqual([
      "warn The encoder resnet18 starts from random weights: published ones are not at hand. For published weights, get resnet18 of torchvision's model zoo and run: septum weights import FILE",
    ])
  })

  it('says that published weights do not fit another width', () => {
    expect(loadPretrained(new MobileNetV2({ width: 0.25 }), reporter)).toBe(false)
    expect(said[0]).toContain('fit its full width only')
  })
})

describe('importWeights', () => {
  const write = (state: Map<string, Tensor>): string => {
    const file = join(folder, 'published.safetensors')
    saveTensors(file, state)
    return file
  }

  it('recognises, checks and keeps weights; the classifier and missing counters are no trouble', () => {
    const source = new Res2Net50({ classes: 1000 })
    const state = new Map([...source.stateDict()].filter(([key]) => !key.endsWith('num_batches_tracked')))
    const report = importWeights(write(state))
    expect(report.backbone).toBe('res2net50')
    expect(report.parameters).toBe(23_669_352)
    expect([...report.unused].sort()).toEqual(['fc.bias', 'fc.weight'])
    expect(report.unknown).toEqual([])
    expect(findWeights('res2net50')).toBe(report.file)
    const target = new Res2Net50()
    expect(loadPretrained(target, reporter)).toBe(true)
    for (const [key, t] of target.stateDict()) {
      if (state.has(key)) expect(t.equal(state.get(key)!), key).toBe(true)
    }
  })

  it('reports what is missing and what has another shape, and keeps nothing', () => {
    const state = new Map(buildBackbone('resnet18').stateDict())
    state.delete('layer1.0.bn1.weight')
    state.set('conv1.weight', zeros([64, 1, 7, 7]))
    const failure = () => importWeights(write(state))
    expect(failure).toThrow('1 missing: layer1.0.bn1.weight')
    expect(failure).toThrow('1 of other shapes: conv1.weight [64,1,7,7], not [64,3,7,7]')
    expect(findWeights('resnet18')).toBeNull()
  })

  it('refuses weights of something else', () => {
    expect(() => importWeights(write(new Map([['a', rand([2])]])))).toThrow('fit none of the backbones')
  })

  it('takes them from inside a whole network', () => {
    const inner = buildBackbone('resnet18').stateDict()
    const state = new Map<string, Tensor>([...inner].map(([key, t]) => [`encoder.${key}`, t]))
    state.set('decoder.weight', rand([3]))
    const report = importWeights(write(state))
    expect([report.backbone, report.unknown]).toEqual(['resnet18', ['decoder.weight']])
  })
})

// Names as they stand in the files of the PVT and ConvNeXt authors, timm and torchvision.
it.each([
  ['convnext-t', 'downsample_layers.0.0.weight', 'stem.0.weight'],
  ['convnext-t', 'downsample_layers.2.1.bias', 'stages.2.downsample.1.bias'],
  ['convnext-t', 'stages.2.8.dwconv.weight', 'stages.2.blocks.8.conv_dw.weight'],
  ['convnext-t', 'stages.0.1.pwconv2.bias', 'stages.0.blocks.1.mlp.fc2.bias'],
  ['convnext-t', 'stages.3.2.gamma', 'stages.3.blocks.2.gamma'],
  ['convnext-t', 'norm.weight', 'head.norm.weight'],
  ['convnext-b', 'features.0.1.weight', 'stem.1.weight'],
  ['convnext-b', 'features.2.1.weight', 'stages.1.downsample.1.weight'],
  ['convnext-b', 'features.5.26.block.5.weight', 'stages.2.blocks.26.mlp.fc2.weight'],
  ['convnext-b', 'features.7.0.layer_scale', 'stages.3.blocks.0.gamma'],
  ['convnextv2-b', 'stages.0.0.grn.gamma', 'stages.0.blocks.0.mlp.grn.weight'],
  ['pvtv2-b2', 'patch_embed.proj.weight', 'patch_embed1.proj.weight'],
  ['pvtv2-b2', 'stages.1.downsample.norm.bias', 'patch_embed2.norm.bias'],
  ['pvtv2-b2', 'stages.2.blocks.5.attn.kv.weight', 'block3.5.attn.kv.weight'],
  ['pvtv2-b2', 'stages.0.blocks.0.mlp.dwconv.weight', 'block1.0.mlp.dwconv.dwconv.weight'],
  ['pvtv2-b2', 'block1.0.mlp.dwconv.dwconv.weight', 'block1.0.mlp.dwconv.dwconv.weight'],
  ['resnet50', 'layer1.0.downsample.0.weight', 'layer1.0.downsample.0.weight'],
] as const)('%s: %s is our %s', (backbone, published, ours) => {
  expect(ourName(backbone, published)).toBe(ours)
})
