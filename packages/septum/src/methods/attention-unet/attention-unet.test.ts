import { manualSeed, noGrad, rand, randn, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { AttentionGate, GridAttentionGate } from '../../blocks/attention-gate.js'
import { profile } from '../profile.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { AttentionUnetNetwork, attentionUnetOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/attention-unet.json', import.meta.url))
const options = (some: object = {}) => attentionUnetOptions.parse(some)

describe('size', () => {
  // Published: the gates add 351,532 to the U-Net's 34,527,041.
  it.each([
    ['none' as const, 34_527_041, 65.3],
    ['pixel' as const, 34_878_573, 66.4],
  ])('gate %s: %i parameters, %d G multiply-adds at 256 x 256', (gate, parameters, gigas) => {
    const network = new AttentionUnetNetwork(3, 1, options({ gate }))
    expect(network.parameterCount()).toBe(parameters)
    // Multiply-adds grow with the area.
    const { macs } = profile(network, () => network.forward(rand([1, 3, 32, 32])))
    expect(Math.abs((macs * 64) / 1e9 - gigas)).toBeLessThan(0.06)
  })
})

describe('network', () => {
  it("has PyTorch's maps and gradients", () => {
    expectNetwork(new AttentionUnetNetwork(3, 1, options({ widths: [4, 6, 8, 10] })), fixtures.pixel!)
  })

  it("has PyTorch's maps and gradients with grid gates", () => {
    expectNetwork(
      new AttentionUnetNetwork(1, 2, options({ widths: [4, 6, 8], gate: 'grid' })),
      fixtures.grid!,
    )
  })

  it('is the U-Net where gates are open', () => {
    manualSeed(2)
    const gated = new AttentionUnetNetwork(1, 1, options({ widths: [4, 6, 8] })).eval()
    const plain = new AttentionUnetNetwork(1, 1, options({ widths: [4, 6, 8], gate: 'none' })).eval()
    noGrad(() => {
      for (const { gate } of gated.decoder) if (gate instanceof AttentionGate) gate.psi.norm.bias!.fill_(100)
      const own = new Map([...gated.stateDict()].filter(([name]) => !name.includes('.gate.')))
      plain.loadStateDict(own)
      const image = rand([2, 1, 16, 24])
      expect(plain.forward(image)[0]!.allclose(gated.forward(image)[0]!, 1e-5, 1e-6)).toBe(true)
    })
  })

  it.each(['pixel', 'grid'] as const)('takes the maps of a backbone of any size, gate %s', (gate) => {
    const small = options({ widths: [4, 8], encoder: 'resnet18', encoderWidth: 0.125, gate })
    const network = new AttentionUnetNetwork(3, 1, small)
    const [map] = network.forward(rand([2, 3, 77, 68]))
    expect(map!.shape).toEqual([2, 1, 77, 68])
    map!.sum().backward()
    for (const [name, p] of network.namedParameters()) expect(p.grad, name).not.toBeNull()
  })
})

it('has one coefficient a pixel, in (0, 1)', () => {
  const x = randn([2, 6, 8, 10])
  const pixel = new AttentionGate(6, 4, 3).coefficients(x, randn([2, 4, 8, 10]))
  const grid = new GridAttentionGate(6, 4, 3).coefficients(x, randn([2, 4, 4, 5]))
  for (const alpha of [pixel, grid]) {
    expect(alpha.shape).toEqual([2, 1, 8, 10])
    expect(alpha.amin().item()).toBeGreaterThan(0)
    expect(alpha.amax().item()).toBeLessThan(1)
  }
})
