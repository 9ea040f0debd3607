import { cat, nn, noGrad, rand, setThreads, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { profile } from '../profile.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { squareTask } from '../testing.js'
import { NormalizedAttention, PnsNet, PnsNetwork, pnsNetOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/pns-net.json', import.meta.url))
const options = (some: object = {}) =>
  pnsNetOptions.parse({ encoderWidth: 0.25, channels: 8, dropout: 0, ...some })

/** A network with the number of frames of its clips. */
class Clips extends nn.Module {
  constructor(
    private readonly network: PnsNetwork,
    private readonly frames: number,
  ) {
    super()
  }

  override children(): Generator<[string, nn.Module]> {
    return this.network.children()
  }

  forward(x: Tensor): readonly Tensor[] {
    return [this.network.forward(x, this.frames)]
  }
}

describe("has PyTorch's maps and gradients", () => {
  it.each([
    ['clip', 1, 2, true],
    ['frame', 2, 1, true],
    ['image', 1, 0, false],
  ] as const)('%s', (name, classes, frames, attention) => {
    const network = new PnsNetwork(classes, [64, 96], options({ attention }))
    expectNetwork(new Clips(network, frames), fixtures[name]!)
  })
})

describe('at the size of the paper, 256 x 448', () => {
  // Printed by fixtures/make_fixtures.py.
  it.each([
    [true, 9_793_731],
    [false, 9_771_203],
  ])('attention %s: %i parameters', (attention, count) => {
    const network = new PnsNetwork(1, [256, 448], pnsNetOptions.parse({ attention }))
    expect(network.parameterCount()).toBe(count)
  })

  it('takes 8.741 G multiply-adds a frame', () => {
    const network = new PnsNetwork(1, [256, 448], pnsNetOptions.parse({}))
    expect(profile(network, () => network.forward(rand([1, 3, 256, 448]))).macs).toBe(8_741_199_872)
  })
})

it('sees nothing of a frame beyond the clip', () => {
  const attention = new NormalizedAttention(8, [5, 4])
  const [a, b] = [rand([1, 2, 8, 5, 4]), rand([1, 2, 8, 5, 4])]
  noGrad(() => {
    const both = attention.forward(cat([a, b], 0))
    expect(both.narrow(0, 0, 1).allclose(attention.forward(a), 1e-5, 1e-6)).toBe(true)
    // But all of the clip: each frame alone gives something else.
    expect(attention.forward(a.narrow(1, 0, 1)).allclose(both.narrow(0, 0, 1).narrow(1, 0, 1), 1e-3)).toBe(
      false,
    )
  })
})

it('trains without attention first, then all of it; without attention there is one phase', () => {
  const model = (some: object) => new PnsNet(options(some), squareTask(64))
  const [first, second] = model({}).phases()
  const names = (phase: typeof first) => phase!.trains.flatMap((part) => [...part.namedParameters()]).length
  const attention = 2 * (4 + 2)
  expect([first!.name, second!.name, names(second) - names(first)]).toEqual(['images', 'frames', attention])
  expect(model({ attention: false }).phases()).toHaveLength(1)
})

it('takes sizes other than the one it was made for', () => {
  const network = new PnsNetwork(1, [64, 64], options()).eval()
  expect(noGrad(() => network.forward(rand([1, 3, 71, 50]))).shape).toEqual([1, 1, 71, 50])
})
