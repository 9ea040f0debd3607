import { manualSeed, noGrad, rand, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import {
  backboneNames,
  buildBackbone,
  ConvNeXt,
  MobileNetV2,
  PvtV2B2,
  Res2Net50,
  ResNet,
  Vgg16,
} from './index.js'

setThreads(1)

// Parameters as published: torchvision's model table, the Res2Net, PVT and ConvNeXt papers and timm's results;
// those without a classifier are the published ones less width x 1000 + 1000 (and ConvNeXt's last norm, 2 x width).
describe.each([
  ['res2net50', () => new Res2Net50({ classes: 1000 }), 25_718_352],
  ['res2net50 without classifier', () => new Res2Net50(), 23_669_352],
  ['resnet18', () => new ResNet('resnet18', { classes: 1000 }), 11_689_512],
  ['resnet34', () => new ResNet('resnet34', { classes: 1000 }), 21_797_672],
  ['resnet50', () => new ResNet('resnet50', { classes: 1000 }), 25_557_032],
  ['vgg16 features', () => new Vgg16(), 14_714_688],
  ['pvtv2-b2', () => new PvtV2B2({ classes: 1000 }), 25_362_856],
  ['convnext-t', () => new ConvNeXt('convnext-t', { classes: 1000 }), 28_589_128],
  ['convnext-b', () => new ConvNeXt('convnext-b', { classes: 1000 }), 88_591_464],
  ['convnextv2-b', () => new ConvNeXt('convnextv2-b', { classes: 1000 }), 88_717_800],
  // 3,504,872 less the last convolution (320 x 1280 + 2 x 1280) and the classifier (1280 x 1000 + 1000).
  ['mobilenet-v2', () => new MobileNetV2(), 3_504_872 - 412_160 - 1_281_000],
] as const)('%s', (_, make, count) => {
  it('has as many parameters as published', () => {
    expect(make().parameterCount()).toBe(count)
  })
})

describe.each(backboneNames)('%s as an encoder', (name) => {
  const encoder = buildBackbone(name, { width: 0.25 })

  it.each([
    [64, 64],
    [97, 71],
    [16, 13],
  ])('gives maps of size ceil(side / stride) for %i x %i', (h, w) => {
    scope(() => {
      const { stride2, stem, levels } = noGrad(() => encoder.eval().forward(rand([1, 3, h, w])))
      const at = (stride: number) => [Math.ceil(h / stride), Math.ceil(w / stride)]
      const { channels } = encoder
      levels.forEach((level, i) => {
        expect(level.shape).toEqual([1, channels.levels[i], ...at(4 * 2 ** i)])
      })
      expect(stride2 ? stride2.shape : null).toEqual(
        channels.stride2 ? [1, channels.stride2, ...at(2)] : null,
      )
      expect(stem ? stem.shape : null).toEqual(channels.stem ? [1, channels.stem, ...at(4)] : null)
    })
  })

  it('sends gradients to every parameter', () => {
    manualSeed(3)
    const one = buildBackbone(name, { width: 0.25 }).train()
    scope(() => {
      const { levels } = one.forward(rand([2, 3, 64, 64]))
      levels
        .map((level) => level.square().mean())
        .reduce((a, b) => a.add(b))
        .backward()
    })
    for (const [key, p] of one.namedParameters()) {
      expect(Number.isFinite(p.grad?.abs().sum().item()), key).toBe(true)
    }
  })

  it('gives the same in evaluation with folded batch norms and without', () => {
    scope(() => {
      const x = rand([1, 3, 64, 48])
      // Running statistics that are not 0 and 1.
      noGrad(() => encoder.train().forward(rand([2, 3, 64, 64])))
      const plain = encoder.eval().forward(x).levels[3]
      const folded = noGrad(() => encoder.forward(x).levels[3])
      const scale = plain.abs().amax().item()
      expect(folded.sub(plain).abs().amax().item()).toBeLessThan(1e-4 * scale)
      // Weights that change are folded anew.
      for (const p of encoder.parameters()) noGrad(() => p.mul_(1.05))
      const changed = encoder.forward(x).levels[3]
      const refolded = noGrad(() => encoder.forward(x).levels[3])
      expect(refolded.sub(changed).abs().amax().item()).toBeLessThan(1e-4 * changed.abs().amax().item())
      expect(changed.sub(plain).abs().amax().item()).toBeGreaterThan(1e-3 * scale)
    })
  })
})

it('names its tensors as the published Res2Net-50 v1b: 524 of them', () => {
  const names = [...new Res2Net50({ classes: 1000 }).stateDict()].map(([key, t]) => `${key} ${t.shape}`)
  expect(names).toHaveLength(524)
  for (const name of [
    'conv1.0.weight 32,3,3,3',
    'conv1.4.running_mean 32',
    'conv1.6.weight 64,32,3,3',
    'bn1.weight 64',
    'layer1.0.conv1.weight 104,64,1,1',
    'layer1.1.conv1.weight 104,256,1,1',
    'layer2.0.convs.1.weight 52,52,3,3',
    'layer3.5.bns.2.running_var 104',
    'layer4.2.conv3.weight 2048,832,1,1',
    'layer1.0.downsample.1.weight 256,64,1,1',
    'layer4.0.downsample.2.bias 2048',
    'fc.weight 1000,2048',
  ])
    expect(names).toContain(name)
})
