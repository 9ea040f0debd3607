import { Random } from '@septum/core'
import {
  about,
  autocast,
  checkpoint,
  F,
  full,
  generatorState,
  grad,
  inferenceMode,
  isGradEnabled,
  limitKeptMemory,
  manualSeed,
  memoryStatistics,
  nn,
  noGrad,
  ones,
  performanceWarning,
  randn,
  releaseKeptMemory,
  scope,
  setGeneratorState,
  type Tensor,
  tensor,
  zeros,
} from '@septum/torch'
import { describe, expect, it } from 'vitest'

describe('checkpoint', () => {
  /** Loss and gradients of a network with dropout whose middle runs plainly or is computed again. */
  function run(checkpointed: boolean, use: (model: nn.Sequential, x: Tensor) => Tensor): number[][] {
    manualSeed(3)
    const model = new nn.Sequential(
      new nn.Linear(4, 8),
      new nn.Dropout(0.5),
      new nn.Tanh(),
      new nn.Linear(8, 2),
    )
    return scope(() => {
      const x = randn([5, 4]).requiresGrad_()
      const first = x.mul(2)
      const segment = (t: Tensor) => use(model, t)
      const y = checkpointed ? checkpoint(segment, first) : segment(first)
      const after = randn([5, 2])
      const loss = y.mul(after).sum()
      loss.backward()
      const next = randn([3])
      return [loss, x.grad!, ...model.parameters().map((p) => p.grad!), next].map((t) => t.toArray())
    })
  }

  it('gives the values, gradients and random numbers of the plain pass, with dropout', () => {
    const forward = (model: nn.Sequential, x: Tensor) => model.forward(x)
    expect(run(true, forward)).toEqual(run(false, forward))
  })

  it('nests', () => {
    const forward = (model: nn.Sequential, x: Tensor) => {
      const inner = checkpoint((t: Tensor) => model.at(1).forward(model.at(0).forward(t)), x)
      return model.at(3).forward(model.at(2).forward(inner))
    }
    const plain = (model: nn.Sequential, x: Tensor) => model.forward(x)
    expect(run(true, forward)).toEqual(run(false, plain))
  })

  it('passes errors of the second run on and works afterwards', () => {
    const x = ones([2]).requiresGrad_()
    let runs = 0
    const fails = (t: Tensor) => {
      if (++runs === 2) throw new Error('second run')
      return t.square()
    }
    const y = checkpoint(fails, x)
    expect(() => y.sum().backward()).toThrow(/second run/)
    checkpoint((t: Tensor) => t.square(), x)
      .sum()
      .backward()
    expect(x.grad!.toArray()).toEqual([2, 2])
  })

  it('takes several inputs and outputs, some without a gradient', () => {
    const [a, b] = [ones([2]).requiresGrad_(), tensor([2, 3])]
    const [sum, product] = checkpoint((x: Tensor, y: Tensor) => [x.add(y), x.mul(y)], a, b) as [
      Tensor,
      Tensor,
    ]
    sum.add(product).sum().backward()
    // d/da (a + b + a b) = 1 + b
    expect(a.grad!.toArray()).toEqual([3, 4])
    expect(b.grad).toBeNull()
  })
})

describe('autocast', () => {
  it('narrows matrix products and convolutions on a CPU, and ends with its body', () => {
    const x = randn([2, 2])
    const conv = new nn.Conv2d(1, 1, 1)
    autocast({ device: 'cpu' }, () => {
      expect(x.matmul(x).dtype).toBe('bfloat16')
      expect(conv.forward(randn([1, 1, 2, 2])).dtype).toBe('bfloat16')
      expect(autocast({ device: 'cpu', enabled: false }, () => x.matmul(x).dtype)).toBe('float32')
      expect(x.matmul(x).dtype).toBe('bfloat16')
    })
    expect(x.matmul(x).dtype).toBe('float32')
    expect(() =>
      autocast({ device: 'cpu' }, () => {
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(x.matmul(x).dtype).toBe('float32')
  })

  it('trains float32 parameters with float32 gradients', () => {
    const layer = new nn.Linear(3, 2)
    for (let i = 0; i < 2; i++) {
      autocast({ device: 'cpu' }, () => layer.forward(ones([1, 3])))
        .float()
        .sum()
        .backward()
      expect(layer.weight.grad!.dtype).toBe('float32')
      // The second pass must see the new weights, not the narrowed copy of the first.
      noGrad(() => layer.weight.fill_(i + 1))
      noGrad(() => layer.bias!.zero_())
      expect(autocast({ device: 'cpu' }, () => layer.forward(ones([1, 3]))).toArray()).toEqual([
        3 * (i + 1),
        3 * (i + 1),
      ])
    }
  })
})

describe('gradient modes', () => {
  it('record or do not', () => {
    const x = ones([1]).requiresGrad_()
    expect(noGrad(() => [isGradEnabled(), x.mul(2).requiresGrad])).toEqual([false, false])
    expect(isGradEnabled()).toBe(true)
    const y = inferenceMode(() => x.mul(2))
    expect(y.requiresGrad).toBe(false)
    expect(() => y.mul(x).sum().backward()).toThrow(/[Ii]nference/)
  })

  it('grad() gives derivatives without touching `grad`, of second order too', () => {
    const x = tensor([3]).requiresGrad_()
    const unused = ones([1]).requiresGrad_()
    const [first, none] = grad([x.pow(3)], [x, unused], { createGraph: true })
    // d x^3 = 3 x^2 = 27; d 3 x^2 = 6 x = 18
    expect(first!.item()).toBe(27)
    expect(none).toBeNull()
    expect(grad([first!], [x])[0]!.item()).toBe(18)
    expect(x.grad).toBeNull()
  })
})

it('checkpoint() joins the graph only when something in it requires a gradient', () => {
  const plain = ones([2])
  const weight = ones([2]).requiresGrad_()
  expect(checkpoint((t) => t.mul(2), plain).requiresGrad).toBe(false)
  expect(checkpoint((t) => t.mul(2), plain.clone().requiresGrad_()).requiresGrad).toBe(true)
  const y = checkpoint((t) => t.mul(weight), plain)
  expect(y.requiresGrad).toBe(true)
  y.sum().backward()
  expect(weight.grad!.toArray()).toEqual([1, 1])
})

it('attention takes masks of truth values and of numbers', () => {
  const [q, k, v] = [
    tensor([[1, 0]]),
    tensor([
      [1, 0],
      [0, 1],
      [5, 5],
    ]),
    tensor([[1], [2], [100]]),
  ] as const
  const truth = tensor([[true, true, false]], { dtype: 'bool' })
  const added = F.attention(q, k, v, { mask: tensor([[0, 0, -Infinity]]) }).item()
  // softmax([1, 0] / sqrt(2)) = 1 / (1 + exp(-0.70710678)) = 0.66976155; 0.66976155 + 2 (1 - 0.66976155) = 1.33023845
  expect(added).toBeCloseTo(1.33023845, 6)
  expect(F.attention(q, k, v, { mask: truth }).item()).toBe(added)
})

describe('random numbers', () => {
  it('follow the seed and the state of the generator', () => {
    manualSeed(5)
    // torch 1.13: torch.manual_seed(5); torch.randn(3)
    const first = randn([3]).toArray()
    for (const [i, value] of [-0.4867808, -0.6038216, -0.5580962].entries())
      expect(first[i]).toBeCloseTo(value, 6)
    const state = generatorState()
    const a = randn([4]).toArray()
    setGeneratorState('cpu', state)
    expect(randn([4]).toArray()).toEqual(a)
    expect(() => setGeneratorState('cpu', ones([3]))).toThrow()
    expect(() => manualSeed(-1)).toThrow(RangeError)
    expect(() => manualSeed(0.5)).toThrow(RangeError)
  })
})

it('counts the memory of tensors', () => {
  const mega = 2 ** 20
  /** Waiting memory is counted in pages of 2 MB, each of which may lie beside a tensor. */
  const page = 2 * mega
  releaseKeptMemory()
  const before = memoryStatistics()
  expect(before.kept).toBeLessThan(2 * page)
  const x = zeros([4 * mega]) // 16 MB
  const during = memoryStatistics()
  expect(during.live - before.live).toBe(16 * mega)
  expect(during.peak).toBeGreaterThanOrEqual(during.live)
  x.free()
  const after = memoryStatistics()
  expect(after.live).toBe(before.live)
  expect(Math.abs(after.kept - 16 * mega)).toBeLessThan(2 * page)
  // The next tensors take the memory that waits, whatever their sizes.
  const y = zeros([3 * mega])
  const z = zeros([mega - 1024])
  expect(memoryStatistics().kept).toBeLessThan(2 * page)
  expect(memoryStatistics().peak).toBe(during.peak)
  y.free()
  z.free()
  releaseKeptMemory()
  expect(memoryStatistics().kept).toBeLessThan(2 * page)
  limitKeptMemory(8 * mega)
  zeros([4 * mega]).free()
  expect(memoryStatistics().kept).toBeLessThanOrEqual(8 * mega)
  limitKeptMemory(4 * 2 ** 30)
  // Blocks of different sizes: the peak is the most that was live at once, also when all of it had waited.
  const [a, b] = [zeros([8 * mega]), zeros([8 * mega])]
  const peak = memoryStatistics().peak
  expect(peak - before.live).toBe(64 * mega)
  a.free()
  b.free()
  const [c, d, e] = [zeros([8 * mega]), zeros([8 * mega]), zeros([mega])]
  expect(memoryStatistics().peak - peak).toBe(4 * mega)
  for (const t of [c, d, e]) t.free()
  expect(() => limitKeptMemory(-1)).toThrow()
})

it('keeps tensors of changing sizes apart and takes hardly more memory than they need at once', () => {
  const random = new Random(5)
  releaseKeptMemory()
  const start = memoryStatistics()
  const held: { readonly t: Tensor; readonly mark: number }[] = []
  let [most, resident] = [0, 0]
  for (let step = 0; step < 3000; step++) {
    if (held.length < 40 && random.uniform() < 0.6) {
      // 64 KB to 4 MB, as maps of many layers are.
      const t = full([Math.round(16384 * 64 ** random.uniform())], step)
      held.push({ t, mark: step })
    } else if (held.length > 0) {
      const [{ t, mark }] = held.splice(random.int(held.length), 1) as [(typeof held)[0]]
      expect(t.amin().item()).toBe(mark)
      expect(t.amax().item()).toBe(mark)
      t.free()
    }
    const { live, kept } = memoryStatistics()
    most = Math.max(most, live - start.live)
    resident = Math.max(resident, live + kept - start.live)
  }
  for (const { t } of held) t.free()
  expect(most).toBeGreaterThan(20 * 2 ** 20)
  // Blocks that are only used again for their own size would add up to several times as much.
  expect(resident / most).toBeLessThan(1.5)
})

it('says what it runs on', () => {
  expect(about().blas).not.toBe('reference')
  expect(about().libtorch).toMatch(/^\d+\.\d+/)
  expect(performanceWarning() === null).toBe(about().blas !== 'reference')
})
