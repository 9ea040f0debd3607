import { cat, manualSeed, noGrad, randn, stack, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { cases, expectClose, stored } from '../../../../torch/test/reference.js'
import { type AutoencoderOptions, autoencoderOptions } from './options.js'
import { MultiScaleQuantizer, phiIndices } from './quantizer.js'
import { expectReference, layerCase } from './testing.js'

const paper = autoencoderOptions.parse({})
const small = (changes: Partial<AutoencoderOptions> = {}) =>
  new MultiScaleQuantizer({ ...paper, codes: 16, codeChannels: 4, scales: [1, 2, 3, 4], ...changes })

const latent = (seed: number, shape = [2, 4, 4, 4]): Tensor => {
  manualSeed(seed)
  return randn(shape)
}
const numbers = (t: Tensor): number[] => t.toArray()
const largest = (t: Tensor): number => t.abs().amax().item()

describe('choice of the shared convolutions', () => {
  it('is the nearest tick', () => {
    expect(phiIndices(8, 4)).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
    expect(phiIndices(10, 4)).toEqual([0, 0, 1, 1, 1, 2, 2, 3, 3, 3])
  })

  it('agrees with the reference for other numbers', () => {
    const rows = cases('table').flatMap((one) =>
      one.name === 'arseg-phi-table'
        ? (one as unknown as { table: { scales: number; phis: number; choice: number[] }[] }).table
        : [],
    )
    expect(rows.length).toBeGreaterThan(5)
    for (const { scales, phis, choice } of rows) expect(phiIndices(scales, phis)).toEqual(choice)
  })
})

describe('multi-scale quantiser', () => {
  it.each(['arseg-quantizer', 'arseg-quantizer-4-phi'])('agrees with PyTorch: %s', (name) => {
    const one = layerCase(name)
    const { codes, width, scales, phis, rho, beta } = one.options as {
      codes: number
      width: number
      scales: number[]
      phis: number
      rho: number
      beta: number
    }
    const quantizer = new MultiScaleQuantizer({
      ...paper,
      codes,
      codeChannels: width,
      scales,
      sharedConvolutions: phis,
      blend: rho,
      commitment: beta,
    })
    expectReference(one, quantizer, ([f]) => {
      const { latent: out, loss, tokens } = quantizer.forward(f!)
      const sums = quantizer.latents(tokens)
      return {
        out,
        loss,
        tokens: cat(tokens, 1),
        fhat: stack(sums),
        rest: f!.sub(sums.at(-1)!),
        teacherInput: quantizer.teacherInput(tokens),
      }
    })
    expect(
      quantizer.encodeTokens(stored(one, 'input/f').to({ dtype: 'float32' })).flatMap((t) => t.shape),
    ).toEqual(scales.flatMap((p) => [stored(one, 'input/f').size(0), p * p]))
  })

  it('has 1, 4, ... 64 tokens, 204 in all, and 203 teacher inputs of 32 channels', () => {
    const quantizer = new MultiScaleQuantizer(paper)
    const tokens = quantizer.encodeTokens(latent(1, [2, 32, 8, 8]))
    expect(tokens.map((r) => r.shape)).toEqual([1, 4, 9, 16, 25, 36, 49, 64].map((n) => [2, n]))
    expect(cat(tokens, 1).size(1)).toBe(204)
    expect(quantizer.teacherInput(tokens).shape).toEqual([2, 203, 32])
  })

  it('splits the latent into what is coded and a rest', () => {
    const quantizer = small()
    const f = latent(2)
    const { latent: coded, tokens } = quantizer.forward(f)
    let rest = f
    let sum: Tensor | null = null
    tokens.forEach((r, k) => {
      const h = quantizer.contribution(r, k)
      rest = rest.sub(h)
      sum = sum ? sum.add(h) : h
    })
    expect(largest(coded.sub(sum!))).toBeLessThan(1e-5)
    expect(largest(coded.add(rest).sub(f))).toBeLessThan(1e-5)
    expect(largest(quantizer.latents(quantizer.encodeTokens(f)).at(-1)!.sub(coded))).toBeLessThan(1e-5)
  })

  it('codes a constant latent at scale 1 alone', () => {
    const quantizer = small({ blend: 0 })
    const value = [0.5, -1.25, 2, 0.75]
    noGrad(() => {
      quantizer.codebook.weight.fill_(9)
      quantizer.codebook.weight.select(0, 5).copy_(tensor(value))
      quantizer.codebook.weight.select(0, 11).copy_(tensor([0.01, 0, 0, 0]))
    })
    const f = tensor(value).view([1, 4, 1, 1]).expand([1, 4, 4, 4]).contiguous()
    const tokens = quantizer.encodeTokens(f)
    expect(numbers(tokens[0]!)).toEqual([5])
    expect(largest(quantizer.latents(tokens)[0]!.sub(f))).toBeLessThan(1e-6)
    // Nothing is left: the later scales take the code nearest to 0 and the rest drifts by 0.01 a scale.
    expect(new Set(tokens.slice(1).flatMap(numbers))).toEqual(new Set([11]))
  })

  it('takes the lowest of equally near codes', () => {
    const quantizer = small()
    noGrad(() => quantizer.codebook.weight.select(0, 9).copy_(quantizer.codebook.weight.select(0, 3)))
    const vector = quantizer.codebook.weight.select(0, 9).detach().view([1, 1, 4])
    expect(numbers(quantizer.nearest(vector))).toEqual([3])
  })
})

describe('gradients of the quantiser', () => {
  const gradientsOf = (
    commitment: number,
    loss: (q: ReturnType<MultiScaleQuantizer['forward']>) => Tensor,
  ) => {
    manualSeed(3)
    const quantizer = small({ commitment })
    const f = latent(4).requiresGrad_()
    loss(quantizer.forward(f)).backward()
    return {
      f: f.grad,
      codebook: quantizer.codebook.weight.grad,
      phi: quantizer.phi.map((conv) => conv.weight.grad),
    }
  }

  it('of the decoder reach the encoder unchanged and nothing else', () => {
    const { f, codebook, phi } = gradientsOf(0.25, ({ latent: z }) => z.mul(3).sum())
    expect(numbers(f!).every((g) => g === 3)).toBe(true)
    for (const gradient of [codebook, ...phi]) expect(gradient === null ? 0 : largest(gradient)).toBe(0)
  })

  it('of the quantiser loss reach codebook and convolutions; beta scales only the share of the encoder', () => {
    const quarter = gradientsOf(0.25, ({ loss }) => loss)
    const half = gradientsOf(0.5, ({ loss }) => loss)
    expect(largest(quarter.codebook!)).toBeGreaterThan(0)
    for (const gradient of quarter.phi) expect(largest(gradient!)).toBeGreaterThan(0)
    expect(largest(half.codebook!.sub(quarter.codebook!))).toBe(0)
    quarter.phi.forEach((gradient, i) => {
      expect(largest(half.phi[i]!.sub(gradient!))).toBe(0)
    })
    expectClose(half.f!, quarter.f!.mul(2), 'gradient of f', 1e-6)
  })
})

describe('codebook care', () => {
  it('averages hits: the first update copies, then 0.9 and 0.1', () => {
    const quantizer = small({ scales: [1], sharedConvolutions: 1, codes: 2, codeChannels: 1 })
    noGrad(() => quantizer.codebook.weight.copy_(tensor([[0], [10]])))
    quantizer.forward(tensor([1, 2, 3, 9], { shape: [4, 1, 1, 1] })) // hits 3, 1
    expect(numbers(quantizer.usage)).toEqual([3, 1])
    quantizer.forward(tensor([1, 2, 3, 4], { shape: [4, 1, 1, 1] })) // hits 4, 0
    expect(numbers(quantizer.usage).map((x) => Number(x.toFixed(5)))).toEqual([3.1, 0.9])
    // Threshold 0.08 B n n / V: 0.04 B.
    expect(quantizer.codeUsage(4)).toEqual([1])
    expect(quantizer.codeUsage(30)).toEqual([0.5])
    quantizer.eval()
    quantizer.forward(tensor([9, 9, 9, 9], { shape: [4, 1, 1, 1] }))
    expect(quantizer.updates.item()).toBe(2)
  })

  it('restarts exactly the codes without hits, with vectors of the latent', () => {
    const quantizer = small({ scales: [1], sharedConvolutions: 1, codes: 3, codeChannels: 1, blend: 0 })
    noGrad(() => quantizer.codebook.weight.copy_(tensor([[0], [100], [5]])))
    const f = tensor([1, 4], { shape: [2, 1, 1, 1] })
    quantizer.forward(f)
    manualSeed(0)
    expect(quantizer.restart(f)).toBe(1)
    const [first, second, third] = numbers(quantizer.codebook.weight.detach())
    expect([first, third]).toEqual([0, 5])
    expect([1, 4]).toContain(second)
    expect(numbers(quantizer.hits)).toEqual([0, 0, 0])
  })

  it('starts from vectors of the latent', () => {
    const quantizer = small({ codeChannels: 1 })
    const f = latent(6, [2, 1, 4, 4])
    quantizer.initialize(f)
    const pool = new Set(numbers(f))
    expect(numbers(quantizer.codebook.weight.detach()).every((x) => pool.has(x))).toBe(true)
  })
})
