import { F, full, nn, noGrad, rand, scope, setThreads, type Tensor } from '@septum/torch'
import { expect, it } from 'vitest'
import { formulaImage } from './backbones/testing.js'
import { attendInParts, NonLocalBlock } from './non-local.js'
import { PartialDecoder } from './partial-decoder.js'
import { ReceptiveFieldBlock } from './receptive-field-block.js'
import { ReverseAttention, reverseAttention } from './reverse-attention.js'
import { SqueezeExcite } from './squeeze-excite.js'
import { expectStudy, readFixture, type Study } from './testing.js'

setThreads(1)

const studies = readFixture<Record<'rfb' | 'partial' | 'nonLocal' | 'squeezeExcite', Study>>(
  'fixtures/blocks.json',
  import.meta.url,
)

/** The part under the name that it has in the fixtures. */
class One<M extends nn.Module> extends nn.Module {
  constructor(readonly part: M) {
    super()
  }
}

const image = formulaImage([2, 12, 16, 24], 1.5)
const scaled = (x: Tensor, size: number[]) => F.interpolate(x, { size, mode: 'nearest' })

it("has PyTorch's receptive-field block", () => {
  const one = new One(new ReceptiveFieldBlock(12, 8))
  expectStudy(one, (x) => [one.part.forward(x)], image, studies.rfb)
})

it("has PyTorch's partial decoder", () => {
  const one = new One(new PartialDecoder(12, 2))
  const run = (x: Tensor) => [one.part.forward(scaled(x, [4, 6]), scaled(x, [8, 12]), x)]
  expectStudy(one, run, image, studies.partial)
})

it("has PyTorch's non-local block, which starts as the identity", () => {
  const block = new NonLocalBlock(12)
  expect(scope(() => block.forward(image).equal(image))).toBe(true)
  const one = new One(block)
  expectStudy(one, (x) => [one.part.forward(x)], image, studies.nonLocal)
  // One row or column leaves nothing to choose from.
  expect(noGrad(() => block.forward(rand([1, 12, 1, 5]))).shape).toEqual([1, 12, 1, 5])
})

it('attends in parts as it does at once, gradients included', () => {
  const [q, k, v] = [rand([2, 10, 3]), rand([2, 7, 3]), rand([2, 7, 4])] as const
  const results = [2 ** 25, 2 * 7 * 3, 1].map((held) => {
    const inputs = [q, k, v].map((t) => t.clone().requiresGrad_())
    const out = attendInParts(inputs[0]!, inputs[1]!, inputs[2]!, held)
    out.square().sum().backward()
    return [out, ...inputs.map((t) => t.grad!)]
  })
  const [whole, ...parts] = results as [Tensor[], ...Tensor[][]]
  for (const part of parts) {
    for (const [i, t] of part.entries()) expect(t.allclose(whole[i]!, 1e-5, 1e-6)).toBe(true)
  }
  expect(whole[0]!.allclose(F.attention(q, k, v, { scale: 1 }))).toBe(true)
})

it("has PyTorch's squeeze-and-excitation", () => {
  const one = new One(new SqueezeExcite(32))
  expectStudy(one, (x) => [one.part.forward(x)], formulaImage([2, 32, 16, 24]), studies.squeezeExcite)
})

it('looks only where the coarser map has marked nothing', () => {
  expect(
    reverseAttention(full([1, 1, 2, 2], 50))
      .amax()
      .item(),
  ).toBe(0)
  expect(
    reverseAttention(full([1, 1, 2, 2], 0))
      .amin()
      .item(),
  ).toBe(0.5)
  // Of two classes the surer one counts.
  const two = rand([1, 2, 3, 3]).mul(8).sub(4)
  const best = two.sigmoid().amax(1, true)
  expect(reverseAttention(two).allclose(best.neg().add(1))).toBe(true)
})

it('sees no features under a map that has marked everything', () => {
  const branch = new ReverseAttention(6, 1, { width: 8, kernel: 3, depth: 2, last: 3 }).eval()
  const [a, b] = [rand([1, 6, 5, 7]), rand([1, 6, 5, 7])]
  const marked = full([1, 1, 3, 4], 200)
  const open = full([1, 1, 3, 4], 0)
  noGrad(() => {
    expect(branch.forward(a, marked).equal(branch.forward(b, marked))).toBe(true)
    expect(branch.forward(a, open).allclose(branch.forward(b, open))).toBe(false)
  })
})
