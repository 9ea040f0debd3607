import { SeptumError } from '@septum/core'
import { manualSeed, noGrad, rand, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { profile } from '../profile.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { disc, predictOptions, ramp, squareBatch, squareTask } from '../testing.js'
import { UnetPlusPlusNetwork, unetPlusPlus, unetPlusPlusOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/unet-plus-plus.json', import.meta.url))
const options = (some: object = {}) => unetPlusPlusOptions.parse(some)

describe('size', () => {
  // Published counts of the common implementation, three image channels and one class.
  it.each([
    [false, 9_163_329],
    [true, 9_163_428],
  ])('with deep supervision %s: %i parameters', (deepSupervision, parameters) => {
    expect(new UnetPlusPlusNetwork(3, 1, options({ deepSupervision })).parameterCount()).toBe(parameters)
  })

  it('34.5 G multiply-adds at 256 x 256, which grow with the area', () => {
    const network = new UnetPlusPlusNetwork(3, 1, options())
    const { macs } = profile(network, () => network.forward(rand([1, 3, 32, 32])))
    expect((macs * 64) / 1e9).toBeCloseTo(34.5, 0.5)
    expect((macs * 121) / 1e9).toBeCloseTo(65.2, 0.5)
  })
})

describe('network', () => {
  it("has PyTorch's maps and gradients", () => {
    expectNetwork(new UnetPlusPlusNetwork(3, 1, options({ widths: [4, 6, 8, 10] })), fixtures.plain!)
  })

  it("has PyTorch's maps and gradients with deep supervision", () => {
    const deep = options({ widths: [4, 6, 8], deepSupervision: true })
    expectNetwork(new UnetPlusPlusNetwork(1, 2, deep), fixtures.deep!)
  })

  it('takes the maps of a backbone of any size', () => {
    const small = options({ widths: [4, 8], encoder: 'resnet18', encoderWidth: 0.125, deepSupervision: true })
    const network = new UnetPlusPlusNetwork(2, 1, small)
    // Pooled stem and four levels: four columns.
    const maps = network.forward(rand([2, 2, 45, 38]))
    expect(maps.map((map) => map.shape)).toEqual(new Array(4).fill([2, 1, 45, 38]))
    maps
      .reduce((a, b) => a.add(b))
      .sum()
      .backward()
    for (const [name, p] of network.namedParameters()) expect(p.grad, name).not.toBeNull()
  })
})

describe('prediction with deep supervision', () => {
  const base = { widths: [4, 6, 8, 10], deepSupervision: true }
  const image = rand([1, 1, 16, 16])
  const networks = (some: object) => {
    manualSeed(3)
    return new UnetPlusPlusNetwork(1, 1, options({ ...base, ...some })).eval()
  }
  const heads = noGrad(() => networks({}).forward(image))

  it('accurate: the mean of all probabilities', async () => {
    const mean = heads
      .map((h) => h.sigmoid())
      .reduce((a, b) => a.add(b))
      .div(3)
    const model = unetPlusPlus.build(options(base), squareTask(16)).eval()
    model.loadStateDict(new Map([...networks({}).stateDict()].map(([name, t]) => [`network.${name}`, t])))
    const { probabilities } = await model.predict(image, predictOptions())
    const wanted = Array.from(mean.toTypedArray(), Number)
    expect(wanted.every((p, i) => Math.abs(p - probabilities.data[i]!) < 1e-5)).toBe(true)
  })

  it.each([1, 2, 3])('fast at depth %i: that head, without the deeper nodes', (depth) => {
    const network = networks({ prediction: 'fast', depth })
    let met: readonly string[] = []
    noGrad(() => {
      expect(network.decide(image)[0]!.allclose(heads[3 - depth]!, 1e-5, 1e-6)).toBe(true)
    })
    met = profile(network, () => network.decide(image))
      .layers.filter(({ calls }) => calls > 0)
      .map(({ path }) => path)
    // Levels 0 to depth of the encoder, nodes (i, j) with i + j <= depth, two convolutions each, and the head.
    expect(met).toHaveLength(2 * (depth + 1) + depth * (depth + 1) + 1)
  })

  it('refuses a depth that is not there', () => {
    expect(() => networks({ depth: 4 })).toThrow('depth is at most 3')
  })
})

it('refuses volumes', () => {
  const task = { ...squareTask(16), dimensions: 3 as const, imageSize: [16, 16, 16] }
  expect(() => unetPlusPlus.build(options({ widths: [4, 8] }), task)).toThrow(SeptumError)
})

it('sums the losses of its heads: 0.5 cross-entropy and Dice each', () => {
  const model = unetPlusPlus.build(options({ widths: [4, 6, 8], deepSupervision: true }), squareTask(8))
  noGrad(() => {
    for (const [name, p] of model.namedParameters()) if (name.includes('heads')) p.zero_()
  })
  const marked = disc(8, 2)
  const area = marked.reduce((a, b) => a + b)
  const { total } = model.phases()[0]!.losses(squareBatch(8, [ramp(8, 1, 0)], [[marked]]))
  // Probability one half everywhere: BCE ln 2, Dice 1 - 2 (area / 2) / (32 + area).
  expect(total.item()).toBeCloseTo(2 * (0.5 * Math.log(2) + 1 - area / (32 + area)), 4)
})

it('predicts odd sizes with several classes', async () => {
  const model = unetPlusPlus.build(options({ widths: [4, 6, 8] }), squareTask(16, ['a', 'b'])).eval()
  const { probabilities } = await model.predict(rand([1, 1, 13, 18]), predictOptions())
  expect(probabilities.shape).toEqual([1, 2, 13, 18])
})
