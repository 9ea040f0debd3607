import { F, manualSeed, noGrad, rand, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'
import { expectStudy, readFixture, type Study } from '../../blocks/testing.js'
import { edgeTarget } from '../../losses/edge-target.js'
import { classTargets } from '../../losses/targets.js'
import { profile } from '../profile.js'
import { expectGradients, expectLearnt, learning, twoRamps } from '../testing/pranet-family.js'
import { squareTask } from '../testing.js'
import { InfNet, InfNetNetwork, infnetOptions } from './index.js'

setThreads(1)

const small = infnetOptions.parse({
  encoder: 'res2net50',
  encoderWidth: 0.25,
  channels: 8,
  attentionWidths: [8, 12, 16],
  edgeChannels: 8,
})

describe('at the size of the paper', () => {
  const network = new InfNetNetwork(1, infnetOptions.parse({}))

  it('has 31,072,721 parameters: the released 33,121,721 without the classifier of 2,049,000', () => {
    expect(network.parameterCount()).toBe(33_121_721 - 2_049_000)
  })

  it('takes 7.32 G multiply-adds at 256x256 and 13.84 G at 352x352', () => {
    const tile = profile(network, () => network.forward(rand([1, 3, 64, 64]))).macs / 4
    expect(((64 * tile) / 1e9).toFixed(2)).toBe('7.32')
    expect(((121 * tile) / 1e9).toFixed(2)).toBe('13.84')
  })

  it('takes the edge features after the first convolution of each correction', () => {
    const names = network.stateDict()
    expect(names.get('ra4_conv2.conv.weight')!.shape).toEqual([256, 320, 5, 5])
    expect(names.get('ra3_conv2.conv.weight')!.shape).toEqual([64, 128, 3, 3])
    expect(names.get('ra2_conv2.conv.weight')!.shape).toEqual([64, 128, 3, 3])
    expect(names.get('ParDec.conv5.weight')!.shape).toEqual([1, 96, 1, 1])
  })
})

it("has the outputs and gradients of PyTorch's", () => {
  const network = new InfNetNetwork(1, small)
  const study = readFixture<Study>('fixtures/infnet.json', import.meta.url)
  const forward = (x: ReturnType<typeof rand>) => {
    const { masks, edge } = network.forward(x)
    return [...masks, edge]
  }
  expectStudy(network, forward, formulaImage([2, 3, 64, 96]), study)
})

it('stands on mobilenet-v2 and takes odd sizes and several classes', () => {
  const network = new InfNetNetwork(2, infnetOptions.parse({ ...small, encoder: 'mobilenet-v2' })).eval()
  const { masks, edge } = scope(() => noGrad(() => network.forward(rand([1, 3, 71, 50]))))
  for (const map of [...masks, edge]) expect(map.shape).toEqual([1, 2, 71, 50])
})

it('adds the cross-entropy of contours to the losses of its maps, and every parameter has a gradient', () => {
  manualSeed(1)
  const model = fillByFormula(new InfNet({ ...small, edgeWeight: 3 }, squareTask(64))).train()
  const { total, edge, sum } = scope(() => {
    const { total, edge, ...maps } = model.phases()[0]!.losses(twoRamps())
    total.backward()
    const sum = Object.values(maps).reduce((a, t) => a + t.item(), 0)
    return { total: total.item(), edge: edge!.item(), sum }
  })
  expect(total).toBeCloseTo(sum + 3 * edge, 4)
  scope(() => {
    // Batch norm in training: the same pass gives the same maps again.
    const map = noGrad(() => model.network.forward(model.input.forward(twoRamps().images)).edge)
    const wanted = F.binaryCrossEntropyWithLogits(map, edgeTarget(classTargets(twoRamps().masks, 1))).item()
    expect(edge).toBeCloseTo(wanted, 4)
  })
  expectGradients(model.network)
})

it('learns two images by heart', () => {
  expectLearnt(
    (task) => new InfNet(infnetOptions.parse({ ...learning, attentionWidths: [16, 16, 16] }), task),
  )
})
