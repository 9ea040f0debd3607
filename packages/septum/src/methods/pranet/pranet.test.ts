import { manualSeed, noGrad, rand, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'
import { expectStudy, readFixture, type Study } from '../../blocks/testing.js'
import { profile } from '../profile.js'
import { expectGradients, expectLearnt, learning, twoRamps } from '../testing/pranet-family.js'
import { disc, predictOptions, ramp, squareBatch, squareTask } from '../testing.js'
import { PraNet, PraNetNetwork, pranetOptions } from './index.js'

setThreads(1)

const small = pranetOptions.parse({
  encoder: 'res2net50',
  encoderWidth: 0.25,
  channels: 8,
  attentionWidths: [8, 12, 16],
})

describe('at the size of the paper', () => {
  const network = new PraNetNetwork(1, pranetOptions.parse({}))

  it('has 30,498,319 parameters: the released 32,547,319 without the classifier of 2,049,000', () => {
    expect(network.parameterCount()).toBe(32_547_319 - 2_049_000)
  })

  it('takes 6.88 G multiply-adds at 256x256 and 13.00 G at 352x352', () => {
    // Every convolution grows with the area: a 64x64 image has 4 of the 32x32 tiles of which 256 has 64 and 352 121.
    const tile = profile(network, () => network.forward(rand([1, 3, 64, 64]))).macs / 4
    expect(((64 * tile) / 1e9).toFixed(2)).toBe('6.88')
    expect(((121 * tile) / 1e9).toFixed(2)).toBe('13.00')
  })

  it('names its tensors as the released code does', () => {
    const names = new Map([...network.stateDict()].map(([name, t]) => [name, `${t.shape}`]))
    for (const [name, shape] of [
      ['resnet.layer4.2.conv3.weight', '2048,832,1,1'],
      ['rfb2_1.branch3.1.conv.weight', '32,32,1,7'],
      ['rfb4_1.conv_res.conv.weight', '32,2048,1,1'],
      ['agg1.conv_concat3.bn.running_var', '96'],
      ['agg1.conv5.bias', '1'],
      ['ra4_conv4.conv.weight', '256,256,5,5'],
      ['ra4_conv5.bn.weight', '1'],
      ['ra2_conv4.conv.weight', '1,64,3,3'],
    ])
      expect(names.get(name!), name).toBe(shape)
    expect(names.has('ra3_conv5.conv.weight')).toBe(false)
  })
})

it("has the outputs and gradients of PyTorch's", () => {
  const network = new PraNetNetwork(1, small)
  const study = readFixture<Study>('fixtures/pranet.json', import.meta.url)
  expectStudy(network, (x) => network.forward(x), formulaImage([2, 3, 64, 96]), study)
})

it.each(['mobilenet-v2', 'pvtv2-b2', 'vgg16'])(
  'stands on %s and takes odd sizes and several classes',
  (encoder) => {
    const options = pranetOptions.parse({ ...small, encoder })
    const network = new PraNetNetwork(3, options).eval()
    const maps = scope(() => noGrad(() => network.forward(rand([1, 3, 71, 50]))))
    expect(maps.map((map) => map.shape)).toEqual(new Array(4).fill([1, 3, 71, 50]))
  },
)

it('sums the structure losses of its four maps, and every parameter has a gradient', () => {
  manualSeed(1)
  const model = fillByFormula(new PraNet(small, squareTask(64))).train()
  const losses = scope(() => {
    const { total, ...maps } = model.phases()[0]!.losses(twoRamps())
    total.backward()
    return { total: total.item(), maps: Object.entries(maps).map(([name, t]) => [name, t.item()] as const) }
  })
  expect(losses.maps.map(([name]) => name)).toEqual(['global', 's4', 's3', 's2'])
  expect(losses.total).toBeCloseTo(
    losses.maps.reduce((sum, [, value]) => sum + value, 0),
    4,
  )
  expectGradients(model.network)
})

it('learns two images by heart', () => {
  expectLearnt(
    (task) => new PraNet(pranetOptions.parse({ ...learning, attentionWidths: [16, 16, 16] }), task),
  )
})

it('stretches predicted maps to [0, 1] on request only', async () => {
  const images = squareBatch(32, [ramp(32, 1, 0), disc(32, 9)], [[disc(32, 3)], [disc(32, 3)]]).images
  const predict = async (stretch: boolean) => {
    manualSeed(4)
    const model = new PraNet({ ...small, stretch }, squareTask(32)).eval()
    return (await model.predict(images, predictOptions())).probabilities.data
  }
  const [plain, stretched] = [await predict(false), await predict(true)]
  for (const n of [0, 1]) {
    const part = plain.slice(n * 1024, (n + 1) * 1024)
    const [low, high] = [Math.min(...part), Math.max(...part)]
    expect(high - low).toBeGreaterThan(1e-4)
    expect(high - low).toBeLessThan(0.999)
    part.forEach((p, i) => {
      expect(stretched[n * 1024 + i]!).toBeCloseTo((p - low) / (high - low), 3)
    })
  }
})
