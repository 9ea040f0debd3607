import { F, manualSeed, noGrad, rand, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'
import { expectStudy, readFixture, type Study } from '../../blocks/testing.js'
import { edgeTarget } from '../../losses/edge-target.js'
import { classTargets } from '../../losses/targets.js'
import { PhaseRun } from '../../training/phase-run.js'
import { profile } from '../profile.js'
import { disc, ramp, squareBatch, squareTask } from '../testing.js'
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

const batch = squareBatch(64, [ramp(64, 1, 0), ramp(64, 0, 1)], [[disc(64, 12)], [disc(64, 24)]])

it('adds the cross-entropy of contours to the losses of its maps, and every parameter has a gradient', () => {
  manualSeed(1)
  const model = fillByFormula(new InfNet({ ...small, edgeWeight: 3 }, squareTask(64))).train()
  const { total, edge, sum } = scope(() => {
    const { total, edge, ...maps } = model.phases()[0]!.losses(batch)
    total.backward()
    const sum = Object.values(maps).reduce((a, t) => a + t.item(), 0)
    return { total: total.item(), edge: edge!.item(), sum }
  })
  expect(total).toBeCloseTo(sum + 3 * edge, 4)
  scope(() => {
    // Batch norm in training: the same pass gives the same maps again.
    const map = noGrad(() => model.network.forward(model.input.forward(batch.images)).edge)
    const wanted = F.binaryCrossEntropyWithLogits(map, edgeTarget(classTargets(batch.masks, 1))).item()
    expect(edge).toBeCloseTo(wanted, 4)
  })
  for (const [name, p] of model.network.namedParameters())
    expect(p.grad!.abs().amax().item(), name).toBeGreaterThan(0)
})

it('learns two images by heart', () => {
  manualSeed(2)
  const discs = [disc(64, 13, 19, 19), disc(64, 16, 38, 38)]
  const lit = discs.map((mask) => ramp(64, 0.5, 0).map((v, i) => 0.5 * v + 0.5 * mask[i]!))
  const two = squareBatch(
    64,
    lit,
    discs.map((mask) => [mask]),
  )
  const options = infnetOptions.parse({
    encoder: 'resnet18',
    encoderWidth: 0.125,
    channels: 8,
    attentionWidths: [16, 16, 16],
    lr: 0.05,
    steps: 40,
  })
  const model = new InfNet(options, squareTask(64))
  const run = new PhaseRun(model, model.phases()[0]!, 0, 7, 'cpu', 'float32')
  // The last map: those of stride 16 and 32 cannot follow discs of this size.
  const losses = Array.from({ length: 40 }, (_, step) => run.step([{ ...two, step }]).losses.s2!)
  run.free()
  expect(losses.at(-1)!).toBeLessThan(0.35 * losses[0]!)
})
