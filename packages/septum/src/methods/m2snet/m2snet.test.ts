import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentReporter } from '@septum/core'
import { F, manualSeed, noGrad, ones, rand, saveTensors, scope, setThreads, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { makeOptimizer } from '../../training/optimization.js'
import { profile } from '../profile.js'
import { squareTask } from '../testing.js'
import { windowMean } from './box-filter.js'
import { BoxNorm } from './box-norm.js'
import { LossNet } from './loss-net.js'
import { M2SNet } from './model.js'
import { M2SNetwork } from './network.js'
import { m2snetOptions, msnetOptions } from './options.js'
import { AdditionUnit, BoxMeanUnit, DilatedUnit, SubtractionUnit } from './units.js'

setThreads(1)

const tiny = (options: object = {}) =>
  m2snetOptions.parse({ encoder: 'mobilenet-v2', encoderWidth: 0.25, channels: 8, ...options })

describe('at the size of the paper', () => {
  // Parameters without the classifier; multiply-adds of convolutions counted by the fact sheets on the released modules.
  it.each([
    ['MSNet', msnetOptions.parse({}), 27_692_329],
    ['M2SNet', m2snetOptions.parse({}), 27_692_585],
    ['M2SNet with shared statistics', m2snetOptions.parse({ normStatistics: 'shared' }), 27_692_585],
  ])('%s has its parameters', (_, options, count) => {
    expect(new M2SNetwork(1, options).parameterCount({ trainable: true })).toBe(count)
  })

  it('M2SNet takes 8.909 G multiply-adds at 256x256 and 16.844 G at 352x352', () => {
    const network = new M2SNetwork(1, m2snetOptions.parse({}))
    const cost = (side: number) => profile(network, () => network.forward(rand([1, 3, side, side])))
    expect((cost(256).macs / 1e9).toFixed(3)).toBe('8.909')
    const { macs, layers } = cost(352)
    expect((macs / 1e9).toFixed(3)).toBe('16.844')
    // 64 x 64 x 9 weights, 64 biases, 128 of the norm: 10 units, x5_dem_4, 3 levels, 3 outputs.
    const convolutions = layers.filter(
      ({ path, parameters }) => !path.startsWith('resnet') && parameters === 36_928,
    )
    expect(convolutions).toHaveLength(17)
    expect(layers.find(({ path }) => path === 'output1.0')!.parameters).toBe(577)
  }, 60_000)

  it('has the state dict of the released code: 680 and 690 entries less the classifier', () => {
    const names = (options: object) =>
      new Set(
        new M2SNetwork(1, m2snetOptions.parse({ normStatistics: 'shared', ...options })).stateDict().keys(),
      )
    const [ms, m2s] = [names({ kernels: [1] }), names({})]
    expect([ms.size, m2s.size]).toEqual([678, 688])
    const more = [...m2s].filter((name) => !ms.has(name))
    expect(more.sort()).toEqual(
      ['conv_3', 'conv_5'].flatMap((conv) =>
        ['bias', 'num_batches_tracked', 'running_mean', 'running_var', 'weight'].map(
          (n) => `${conv}.norm.${n}`,
        ),
      ),
    )
  })
})

describe('box sums', () => {
  it('are the dense convolution with kernels of ones, all channels equal', () => {
    const x = rand([2, 8, 11, 9])
    for (const k of [3, 5, 7]) {
      const dense = F.conv2d(x, ones([8, 8, k, k]), null, { padding: (k - 1) / 2 })
      const sum = windowMean(x.sum(1, true), k, 'ones').mul(k * k)
      expect(dense.sub(sum).abs().amax().item()).toBeLessThan(1e-6 * dense.amax().item() * 10)
    }
  })

  it('of 64 channels of ones are 64 k^2 inside and 64 ((k + 1) / 2)^2 in a corner', () => {
    const sum = (k: number) => windowMean(ones([1, 64, 9, 9]).sum(1, true), k, 'ones').mul(k * k)
    const at = (t: Tensor, y: number, x: number) => t.select(2, y).select(2, x).item()
    expect([at(sum(3), 4, 4), at(sum(3), 0, 0)].map(Math.round)).toEqual([576, 256])
    expect([at(sum(5), 4, 4), at(sum(5), 0, 0)].map(Math.round)).toEqual([1600, 576])
  })

  it('weighted by a Gaussian keep the sum of an inner pixel', () => {
    const x = ones([1, 2, 15, 15])
    expect(windowMean(x, 5, 'gaussian').select(2, 7).select(2, 7).flatten().toArray()[0]).toBeCloseTo(1, 5)
  })
})

const boxes = (uses = 0) => new Map([3, 5].map((k) => [k, new BoxNorm(8, uses)]))
const units = {
  single: () => new SubtractionUnit({ channels: 8, kernels: [1], shape: 'ones', norms: new Map() }, 0),
  multi: () => new SubtractionUnit({ channels: 8, kernels: [1, 3, 5], shape: 'ones', norms: boxes() }, 0),
  paper: () => new BoxMeanUnit({ channels: 8, kernels: [1, 3, 5], shape: 'ones', norms: new Map() }),
  aspp: () => new DilatedUnit(8, false),
  denseaspp: () => new DilatedUnit(8, true),
}

describe.each(Object.entries(units))('unit %s', (_, make) => {
  it('of two equal maps is constant over space, in training and in evaluation', () => {
    manualSeed(2)
    const unit = make()
    const x = rand([2, 8, 10, 6])
    for (const training of [true, false]) {
      unit.train(training)
      const y = unit.forward(x, x)
      // 0 everywhere, zero padding too: ReLU(BN(bias)).
      expect(
        y
          .sub(y.narrow(2, 0, 1).narrow(3, 0, 1))
          .abs()
          .amax()
          .item(),
      ).toBe(0)
    }
  })

  it('does not mind the order of its maps', () => {
    manualSeed(3)
    const unit = make().eval()
    const [a, b] = [rand([2, 8, 10, 6]), rand([2, 8, 10, 6])]
    expect(unit.forward(a, b).sub(unit.forward(b, a)).abs().amax().item()).toBeLessThan(1e-5)
  })
})

it('a multi-scale unit whose norms give 0 is the single-scale one', () => {
  const norms = boxes()
  const multi = new SubtractionUnit({ channels: 8, kernels: [1, 3, 5], shape: 'ones', norms }, 0).eval()
  const single = units.single().eval()
  single.loadStateDict(multi.stateDict())
  for (const box of norms.values()) {
    box.eval()
    noGrad(() => {
      box.norm.weight!.fill_(0)
      box.norm.bias!.fill_(0)
    })
  }
  const [a, b] = [rand([2, 8, 10, 6]), rand([2, 8, 10, 6])]
  expect(multi.forward(a, b).equal(single.forward(a, b))).toBe(true)
})

it('box terms of a map and the same map with an offset barely differ in training: the norm takes it away', () => {
  const box = new BoxNorm(8, 0)
  const term = (x: Tensor) => box.forward(windowMean(x.sum(1, true), 3, 'ones').mul(9), 0)
  const x = rand([2, 8, 40, 40])
  const inner = (t: Tensor) => t.narrow(2, 2, 36).narrow(3, 2, 36)
  const moved = inner(term(x.add(0.05)))
    .sub(inner(term(x)))
    .abs()
    .mean()
    .item()
  // Taken as it is, the offset would move every sum by 0.05 x 8 x 9 = 3.6, more than its standard deviation.
  expect(moved).toBeLessThan(0.3)
})

it('an addition unit adds', () => {
  const unit = new AdditionUnit(8).eval()
  const [a, b] = [rand([1, 8, 5, 5]), rand([1, 8, 5, 5])]
  expect(unit.forward(a, b).equal(unit.forward(a.add(b), b.sub(b)))).toBe(true)
})

describe('variants', () => {
  it.each([
    [{ kernels: [1] }],
    [{ kernels: [1, 3] }],
    [{ kernels: [1, 3, 5, 7] }],
    [{ kernelShape: 'gaussian' }],
    [{ unit: 'paper' }],
    [{ unit: 'paper', kernelShape: 'gaussian' }],
    [{ unit: 'addition' }],
    [{ unit: 'aspp' }],
    [{ unit: 'denseaspp' }],
    [{ order: 1 }],
    [{ order: 2 }],
    [{ order: 3 }],
    [{ order: 4 }],
    [{ normStatistics: 'shared' }],
    [{ deepSupervision: true }],
    [{ encoder: 'resnet18' }],
    [{ encoder: 'vgg16' }],
    [{ encoder: 'pvtv2-b2' }],
    [{ encoder: 'convnext-t' }],
  ])('%j: logits of any size, a gradient for every parameter', (change) => {
    manualSeed(1)
    const network = new M2SNetwork(2, tiny(change))
    scope(() => {
      const maps = network.train().forward(rand([2, 3, 70, 53]))
      expect(maps).toHaveLength('deepSupervision' in change ? 4 : 1)
      for (const map of maps) expect(map.shape).toEqual([2, 2, 70, 53])
      maps
        .map((map) => map.square().mean())
        .reduce((a, b) => a.add(b))
        .backward()
    })
    for (const [key, p] of network.namedParameters())
      expect(Number.isFinite(p.grad?.abs().sum().item()), key).toBe(true)
  })

  // 64 channels, Res2Net-50: MSNet less what a lower order leaves out (a unit: 37,056; x5_dem_4 the same; x5_dem_1
  // 1,179,840), and plus three 3x3 convolutions of 36,928 in each of ten units.
  it.each([
    [{ order: 4 }, 27_692_585 - 2 * 37_056],
    [{ order: 2 }, 27_692_585 - 7 * 37_056],
    [{ order: 1 }, 27_692_329 - 11 * 37_056 - 1_179_840],
    [{ kernels: [1, 3] }, 27_692_329 + 128],
    [{ unit: 'addition' }, 27_692_329],
    [{ unit: 'aspp' }, 27_692_329 + 30 * 36_928],
  ])('%j has %i parameters', (change, count) => {
    expect(new M2SNetwork(1, m2snetOptions.parse(change)).parameterCount()).toBe(count)
  })
})

describe('running statistics', () => {
  const scales = [1, 5, 20, 100]
  const maps = scales.map((scale) => rand([2, 1, 24, 24]).mul(scale))

  /** Mean difference of training and evaluation after many passes over maps of unlike sizes, as levels are. */
  function lag(uses: number): number {
    const box = new BoxNorm(8, uses)
    return noGrad(() => {
      let trained: Tensor[] = []
      for (let i = 0; i < 60; i++) trained = maps.map((map, use) => box.train().forward(map, use))
      const differences = maps.map((map, use) =>
        box.eval().forward(map, use).sub(trained[use]!).abs().mean().item(),
      )
      return Math.max(...differences)
    })
  }

  it('kept for each use, evaluation agrees with training; shared as released, it is far off', () => {
    expect(lag(scales.length)).toBeLessThan(0.01)
    // The last map, of scale 100, prevails: its standard deviation is 29, so that the first one is about -1.7
    // throughout before the ReLU and its values of 0.4 on average are lost.
    expect(lag(0)).toBeGreaterThan(0.3)
  })
})

describe('LossNet on MobileNetV2', () => {
  const net = new LossNet('mobilenet-v2')
  const mask = ones([1, 1, 64, 64]).clone()
  noGrad(() => mask.narrow(2, 0, 40).fill_(0))

  it('is 0 for equal images, grows with the difference, and trains the prediction only', () => {
    // The mask goes through folded convolutions: rounding.
    expect(net.forward(mask, mask).item()).toBeLessThan(1e-9)
    const p = mask.mul(0.6).add(0.2).requiresGrad_()
    const near = net.forward(p, mask)
    near.backward()
    expect(p.grad!.abs().sum().item()).toBeGreaterThan(0)
    expect(near.item()).toBeGreaterThan(0)
    expect(net.forward(mask.neg().add(1), mask).item()).toBeGreaterThan(near.item())
  })

  it('takes each class as an image of its own', () => {
    const [p, m] = [rand([2, 3, 48, 40]), rand([2, 3, 48, 40]).gt(0.5).float()]
    const each = [0, 1, 2].map((k) => net.forward(p.narrow(1, k, 1), m.narrow(1, k, 1)).item())
    expect(net.forward(p, m).item()).toBeCloseTo(each.reduce((a, b) => a + b) / 3, 4)
  })

  it('refuses to compare random features', () => {
    expect(() => new LossNet('vgg16')).toThrow(/LossNet needs the ImageNet weights of vgg16/)
  })
})

describe('initialise', () => {
  const said: string[] = []
  const reporter = { ...silentReporter, info: (t: string) => said.push(t), warn: (t: string) => said.push(t) }
  const started = (options: object) => {
    said.length = 0
    const model = new M2SNet(tiny({ lossNet: 'none', ...options }), squareTask(32))
    model.initialise(reporter)
    return model
  }

  it('takes ImageNet weights that are at hand and says so', () => {
    const model = started({ encoderWidth: 1 })
    expect(said).toEqual([expect.stringMatching(/^The encoder mobilenet-v2 starts from the weights in /)])
    const [, running] = [...model.network.resnet.namedBuffers()][0]!
    expect(running.abs().sum().item()).toBeGreaterThan(0)
  })

  it('says plainly that an encoder starts at random', () => {
    started({ encoder: 'res2net50' })
    expect(said).toEqual([
      expect.stringMatching(
        /^The encoder res2net50 starts from random weights: .* septum weights import FILE$/,
      ),
    ])
    started({ pretrained: false })
    expect(said).toEqual(['The encoder mobilenet-v2 starts from random weights, as asked for.'])
  })

  it('takes a whole released network, and gives its statistics to every use', () => {
    const folder = mkdtempSync(join(tmpdir(), 'septum-m2snet-'))
    try {
      const released = new M2SNetwork(1, tiny({ normStatistics: 'shared' }))
      noGrad(() => released.train().forward(rand([2, 3, 64, 64])))
      const file = join(folder, 'released.safetensors')
      saveTensors(file, released.stateDict())
      const { network } = started({ startFrom: file })
      expect(said).toEqual([`The network starts from the weights in ${file}.`])
      const x = rand([1, 3, 48, 64])
      const logits = (net: M2SNetwork) => noGrad(() => net.eval().forward(x)[0]!)
      expect(logits(network).sub(logits(released)).abs().amax().item()).toBeLessThan(1e-5)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('stops before the first step when LossNet has no weights', () => {
    expect(() => started({ lossNet: 'vgg16' })).toThrow(/LossNet needs the ImageNet weights of vgg16/)
  })
})

describe('the recipe', () => {
  it('trains the encoder at a tenth of the rate, all of it, and nothing twice', () => {
    const model = new M2SNet(tiny({ lossNet: 'none' }), squareTask(32))
    const [phase] = model.phases()
    const optimizer = makeOptimizer(phase!.optimizer, phase!.trains)
    const count = (list: readonly Tensor[]) => list.reduce((sum, p) => sum + p.numel, 0)
    expect(optimizer.groups.map(({ lr, params }) => [Number(lr.toFixed(9)), count(params)])).toEqual([
      [0.05, model.network.parameterCount() - model.network.resnet.parameterCount()],
      [0.005, model.network.resnet.parameterCount()],
    ])
    optimizer.free()
  })

  it('draws a batch from the sizes 224, 256, 288, 320, 352', () => {
    const { multiScale } = new M2SNet(
      m2snetOptions.parse({ encoderWidth: 0.125 }),
      squareTask(352),
    ).phases()[0]!.augmentation
    expect(multiScale!.rates.map((rate) => Math.round((352 * rate) / multiScale!.multiple) * 32)).toEqual([
      224, 256, 288, 320, 352,
    ])
  })
})
