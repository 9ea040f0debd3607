import { manualSeed, noGrad, rand, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'
import { expectStudy, readFixture, type Study } from '../../blocks/testing.js'
import { profile } from '../profile.js'
import { expectGradients, expectLearnt, learning, twoRamps } from '../testing/pranet-family.js'
import { squareTask } from '../testing.js'
import { AttentionGuidedContext } from './global-context.js'
import { BcsNet, BcsNetwork, bcsnetOptions } from './index.js'

setThreads(1)

const small = bcsnetOptions.parse({
  encoder: 'res2net50',
  encoderWidth: 0.25,
  channels: 8,
  decoderWidths: [8, 16],
})

describe('at the size of the paper', () => {
  const network = new BcsNetwork(1, bcsnetOptions.parse({}))

  it('has 44,822,583 parameters: the released ones without the classifier and three modules that it never calls', () => {
    // Each of those: 1x1 from 2, 3 or 4 maps to 256, 3x3 to 256, 1x1 to 1, without biases.
    const unused = [2, 3, 4].reduce((sum, maps) => sum + 256 * maps + 256 * 256 * 9 + 256, 0)
    expect(network.parameterCount()).toBe(48_644_127 - 2_049_000 - unused)
    expect(network.parameterCount()).toBe(44_822_583)
  })

  it('takes 14.77 G multiply-adds at 256x256 and 27.9 G at 352x352', () => {
    const { macs, layers } = profile(network, () => network.forward(rand([1, 3, 64, 64])))
    // One convolution works on a single mean, whatever the size of the image.
    const mean = layers.find(({ path }) => path === 'AGGC1.aspp.conv')!.macs
    expect(mean).toBe(512 * 256)
    const tile = (macs - mean) / 4
    expect(((64 * tile + mean) / 1e9).toFixed(2)).toBe('14.77')
    expect(((121 * tile + mean) / 1e9).toFixed(1)).toBe('27.9')
  })
})

it("has the outputs and gradients of PyTorch's", () => {
  const network = new BcsNetwork(1, small)
  const study = readFixture<Study>('fixtures/bcsnet.json', import.meta.url)
  const forward = (x: ReturnType<typeof rand>) => {
    const { masks, boundary } = network.forward(x)
    return [...masks, boundary]
  }
  expectStudy(network, forward, formulaImage([2, 3, 64, 96]), study)
})

it('starts without global context: features times 1 + attention + boundary', () => {
  const context = new AttentionGuidedContext(16, false).eval()
  const [x, boundary] = [rand([1, 16, 5, 4]), rand([1, 1, 5, 4])]
  noGrad(() => {
    const attention = context.sau.forward(x).add(boundary)
    expect(context.forward(x, boundary).allclose(x.mul(attention.add(1)))).toBe(true)
    context.gcm.delta.fill_(1)
    expect(context.forward(x, boundary).allclose(x.mul(attention.add(1)))).toBe(false)
  })
})

it('stands on mobilenet-v2 and takes odd sizes and several classes', () => {
  const network = new BcsNetwork(2, bcsnetOptions.parse({ ...small, encoder: 'mobilenet-v2' })).eval()
  const { masks, boundary } = scope(() => noGrad(() => network.forward(rand([1, 3, 71, 50]))))
  for (const map of masks) expect(map.shape).toEqual([1, 2, 71, 50])
  expect(boundary.shape).toEqual([1, 1, 71, 50])
})

it('adds the cross-entropy of the boundary to the losses of its maps, and every parameter has a gradient', () => {
  manualSeed(1)
  const model = fillByFormula(new BcsNet({ ...small, boundaryWeight: 2 }, squareTask(64))).train()
  const [total, boundary, sum] = scope(() => {
    const { total, boundary, ...maps } = model.phases()[0]!.losses(twoRamps())
    total.backward()
    return [total.item(), boundary!.item(), Object.values(maps).reduce((a, t) => a + t.item(), 0)] as const
  })
  expect(total).toBeCloseTo(sum + 2 * boundary, 4)
  // Every query is moved by the same bias of its key, which a softmax over keys does not see.
  expectGradients(model.network, /gcm\.conv_k\.bias$/)
})

it('learns two images by heart', () => {
  expectLearnt((task) => new BcsNet(bcsnetOptions.parse({ ...learning, decoderWidths: [16, 16] }), task))
})
