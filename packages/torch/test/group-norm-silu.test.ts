import { F, manualSeed, noGrad, ones, randn, type Tensor, zeros } from '@septum/torch'
import { describe, expect, it } from 'vitest'

/** Largest difference relative to the largest value. */
function difference(a: Tensor, b: Tensor): number {
  return noGrad(() => a.sub(b).abs().amax().item() / Math.max(1e-12, b.abs().amax().item()))
}

const cases = [
  { shape: [2, 8, 5, 7], groups: 8 },
  { shape: [3, 32, 16, 16], groups: 32 },
  { shape: [2, 64, 40, 40], groups: 32 },
  { shape: [1, 6, 1, 1], groups: 2 },
  { shape: [2, 48, 33, 3], groups: 1 },
]

// The judge is libtorch's own group_norm and silu on a contiguous tensor, in double precision.
describe('groupNormSilu equals group_norm and silu of libtorch', () => {
  for (const { shape, groups } of cases) {
    for (const activate of [true, false]) {
      it(`${shape.join('x')} in ${groups} groups${activate ? ' with SiLU' : ''}`, () => {
        manualSeed(3)
        const channels = shape[1]!
        const x = randn(shape).mul(3).add(5)
        const weight = randn([channels])
        const bias = randn([channels])
        const upstream = randn(shape)
        const run = (
          make: (x: Tensor, w: Tensor, b: Tensor) => Tensor,
          leaves: Tensor[],
          gradient: Tensor,
        ) => {
          for (const leaf of leaves) leaf.requiresGrad_()
          const y = make(leaves[0]!, leaves[1]!, leaves[2]!)
          y.backward(gradient)
          return [y, ...leaves.map((leaf) => leaf.grad!)]
        }
        const ours = run(
          (a, w, b) => F.groupNormSilu(a, groups, w, b, { eps: 1e-6, activate }),
          [x.to({ memoryFormat: 'channels_last' }).clone(), weight.clone(), bias.clone()],
          upstream,
        )
        const wide = (t: Tensor) => t.to({ dtype: 'float64' })
        const theirs = run(
          (a, w, b) => {
            const normed = F.groupNorm(a, groups, w, b, 1e-6)
            return activate ? F.silu(normed) : normed
          },
          [wide(x), wide(weight), wide(bias)],
          wide(upstream),
        )
        // A group of one element has no spread: its gradient is zero up to rounding of 1/sqrt(eps).
        const tolerance = shape[2]! * shape[3]! * (channels / groups) < 4 ? 5e-4 : 1e-5
        ours.forEach((value, i) => {
          expect(difference(wide(value), theirs[i]!)).toBeLessThan(tolerance)
        })
      })
    }
  }

  it('is exact where it falls back: contiguous and float64 tensors', () => {
    const x = randn([2, 8, 4, 4], { dtype: 'float64' })
    const w = randn([8], { dtype: 'float64' })
    expect(F.groupNormSilu(x, 4, w, w).equal(F.silu(F.groupNorm(x, 4, w, w)))).toBe(true)
  })

  it('refuses groups that do not divide the channels', () => {
    const w = randn([6])
    expect(() => F.groupNormSilu(randn([1, 6, 2, 2]), 4, w, w)).toThrow(/group_norm_silu.*4 groups/)
  })

  it('lets NaN through in both directions', () => {
    const make = () => {
      const x = randn([1, 8, 4, 4]).to({ memoryFormat: 'channels_last' })
      noGrad(() => x.select(1, 3).fill_(Number.NaN))
      return x.requiresGrad_()
    }
    const x = make()
    const y = F.groupNormSilu(x, 8, ones([8]), zeros([8]))
    y.sum().backward()
    const bad = (t: Tensor) => noGrad(() => t.ne(t).float().mean([0, 2, 3]).toArray())
    // Eight groups of one channel: only the fourth is spoilt.
    expect(bad(y)).toEqual([0, 0, 0, 1, 0, 0, 0, 0])
    expect(bad(x.grad!)).toEqual([0, 0, 0, 1, 0, 0, 0, 0])
  })
})
