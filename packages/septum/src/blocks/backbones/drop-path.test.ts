import { readFileSync } from 'node:fs'
import { arange, manualSeed, noGrad, ones, rand, setThreads, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { buildBackbone } from './build.js'
import { dropPath, dropPathRates } from './drop-path.js'

setThreads(1)

const timm = JSON.parse(readFileSync(new URL('fixtures/drop-path.json', import.meta.url), 'utf8')) as {
  readonly 'convnext-b': readonly number[]
  readonly 'pvtv2-b2': readonly number[]
  readonly factors: readonly (readonly [readonly number[], number])[]
}

describe('stochastic depth', () => {
  it('has rates that grow from 0 to the last block, as in timm', () => {
    const close = (ours: readonly number[], want: readonly number[]) => {
      expect(ours).toHaveLength(want.length)
      for (const [i, rate] of ours.entries()) expect(rate).toBeCloseTo(want[i]!, 12)
    }
    close(dropPathRates(0.5, 36), timm['convnext-b'])
    close(dropPathRates(0.1, 16), timm['pvtv2-b2'])
    expect(dropPathRates(0.3, 1)).toEqual([0])
    expect(() => dropPathRates(1, 4)).toThrow(RangeError)
  })

  it('draws and scales cases as timm does from the same seed', () => {
    manualSeed(5)
    const x = arange(1, 49).float().view([8, 2, 3])
    for (const [want, rate] of timm.factors) {
      const factors = dropPath(x, rate, true).div(x).flatten(1) // [8, 6]
      for (const [i, factor] of want.entries())
        for (const own of factors.select(0, i).toArray() as number[]) expect(own).toBeCloseTo(factor, 6)
    }
  })

  it('leaves out the share that is asked for and keeps the mean', () => {
    manualSeed(1)
    const kept = dropPath(ones([20_000, 1]), 0.3, true)
    // Standard error of the share 0.0032.
    expect(Math.abs(kept.eq(0).float().mean().item() - 0.3)).toBeLessThan(0.015)
    expect(Math.abs(kept.mean().item() - 1)).toBeLessThan(0.02)
    expect(kept.amax().item()).toBeCloseTo(1 / 0.7, 6)
  })

  it('draws nothing in evaluation and with the rate 0', () => {
    const x = rand([4, 3])
    manualSeed(9)
    const next = rand([1]).item()
    manualSeed(9)
    expect(dropPath(x, 0.9, false)).toBe(x)
    expect(dropPath(x, 0, true)).toBe(x)
    expect(rand([1]).item()).toBe(next)
  })

  it('cuts the gradient of a left-out residual and scales the others', () => {
    manualSeed(2)
    const x = ones([64, 3]).requiresGrad_()
    const y = dropPath(x, 0.5, true)
    y.sum().backward()
    expect(x.grad!.equal(y.detach())).toBe(true)
  })
})

describe.each(['convnext-t', 'convnextv2-b', 'pvtv2-b2'] as const)('%s', (name) => {
  const depth = (rate: number) => {
    manualSeed(3)
    return buildBackbone(name, { width: 0.125, dropPath: rate })
  }
  const deepest = (network: ReturnType<typeof depth>, x: Tensor) => noGrad(() => network.forward(x).levels[3])

  it('differs from pass to pass in training only, and has the same weights', () => {
    const [plain, dropping] = [depth(0), depth(0.5)]
    expect([...dropping.stateDict().keys()]).toEqual([...plain.stateDict().keys()])
    // ConvNeXt's first residuals are a millionth of their input: made visible.
    noGrad(() => {
      for (const network of [plain, dropping])
        for (const [key, p] of network.namedParameters()) if (key.endsWith('gamma')) p.fill_(1)
    })
    const x = rand([2, 3, 64, 64])
    const same = deepest(plain.eval(), x)
    expect(deepest(dropping.eval(), x).equal(same)).toBe(true)
    dropping.train()
    const passes = [deepest(dropping, x), deepest(dropping, x)] as const
    expect(passes[0].equal(passes[1])).toBe(false)
    expect(passes[0].equal(same)).toBe(false)
  })
})

it('networks without blocks of their own take the option without effect', () => {
  manualSeed(4)
  const network = buildBackbone('resnet18', { width: 0.125, dropPath: 0.5 }).train()
  const x = tensor(
    Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i)),
    { shape: [1, 3, 64, 64] },
  )
  const pass = () => noGrad(() => network.forward(x).levels[3])
  expect(pass().equal(pass())).toBe(true)
})
