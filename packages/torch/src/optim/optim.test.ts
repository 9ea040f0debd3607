import {
  full,
  liveTensors,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  parameter,
  randn,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '@septum/torch'
import { describe, expect, it } from 'vitest'

const withGrad = (value: Tensor, gradient: Tensor): Tensor => {
  const p = parameter(value)
  p.grad = gradient
  return p
}

describe('Optimizer', () => {
  it('skips parameters without a gradient, and their steps do not count', () => {
    const a = withGrad(ones([2]), ones([2]))
    const b = parameter(ones([2]))
    const adam = new optim.Adam([a, b], { lr: 0.1 })
    adam.step()
    expect(b.toArray()).toEqual([1, 1])
    expect(adam.stateDict().numbers).toEqual({ 'step.0': 1, 'lr.0': 0.1 })
    b.grad = ones([2])
    adam.step()
    // Adam's first step of a parameter is lr sign(g), whatever its size.
    expect(b.toArray()[0]).toBeCloseTo(0.9, 6)
    expect(adam.stateDict().numbers).toEqual({ 'step.0': 2, 'step.1': 1, 'lr.0': 0.1 })
  })

  it('forgets gradients and scales learning rates', () => {
    const a = withGrad(ones([2]), ones([2]))
    const sgd = new optim.SGD([{ params: [a], lr: 0.5 }], { lr: 1 })
    sgd.scaleLearningRates(0.5)
    sgd.step()
    expect(a.toArray()).toEqual([0.75, 0.75])
    sgd.zeroGrad()
    expect(a.grad).toBeNull()
    sgd.step()
    expect(a.toArray()).toEqual([0.75, 0.75])
  })

  it('gives the same result for large parameters, which it updates block by block', () => {
    manualSeed(0)
    for (const make of [
      (p: Tensor[]) => new optim.AdamW(p, { lr: 0.01, weightDecay: 0.1 }),
      (p: Tensor[]) => new optim.SGD(p, { lr: 0.01, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
    ]) {
      // 600,000 elements: two blocks and a rest. The same numbers as 60 small parameters go 26 to a block.
      const value = randn([60, 100, 10, 10])
      const whole = parameter(value.clone().contiguous('channels_last'))
      const parts = value
        .clone()
        .reshape([60, 10000])
        .unbind()
        .map((row) => parameter(row.clone()))
      const [one, many] = [make([whole]), make(parts)]
      for (let step = 0; step < 3; step++) {
        const gradient = randn([60, 100, 10, 10])
        whole.grad = gradient.contiguous('channels_last')
        for (const [i, part] of parts.entries()) part.grad = gradient.select(0, i).flatten().clone()
        one.step()
        many.step()
      }
      for (const [i, part] of parts.entries()) {
        expect(whole.detach().select(0, i).flatten().allclose(part.detach(), 0, 1e-7)).toBe(true)
      }
      // A gradient in another layout takes the way in one piece.
      whole.grad = ones([60, 100, 10, 10])
      one.step()
    }
  })

  it('leaves no tensors behind and frees its state', () => {
    const p = parameter(randn([200_000]))
    const before = liveTensors()
    const adam = new optim.AdamW([p])
    const step = () =>
      scope(() => {
        adam.zeroGrad()
        p.square().sum().backward()
        optim.clipGradNorm_([p], 1)
        adam.step()
      })
    step()
    const after = liveTensors()
    expect(after - before).toBe(2)
    for (let i = 0; i < 10; i++) step()
    expect(liveTensors()).toBe(after)
    adam.free()
    expect(liveTensors()).toBe(before)
  })

  it('refuses a state of other parameters and stays as it was', () => {
    const a = withGrad(ones([2]), ones([2]))
    const b = withGrad(ones([3]), ones([3]))
    const adam = new optim.Adam([a])
    adam.step()
    const other = new optim.Adam([b])
    other.step()
    const before = [...other.stateDict().tensors.values()].map((t) => t.toArray())
    expect(() => other.loadStateDict(adam.stateDict())).toThrow(
      /parameter 0 has shape \[3\], its state \[2\]/,
    )
    expect(() => new optim.AdamW([a]).loadStateDict(adam.stateDict())).toThrow(/saved by Adam, this is AdamW/)
    expect(() => new optim.Adam([{ params: [a] }, { params: [b] }]).loadStateDict(adam.stateDict())).toThrow(
      /1 groups/,
    )
    const { tensors, ...rest } = adam.stateDict()
    const extra = new Map([...tensors, ['7.exp_avg', zeros([2])]])
    expect(() => adam.loadStateDict({ ...rest, tensors: extra })).toThrow(/belong to no parameter/)
    const partial = new Map([...tensors].slice(1))
    expect(() => adam.loadStateDict({ ...rest, tensors: partial })).toThrow(/lacks a state tensor/)
    expect([...other.stateDict().tensors.values()].map((t) => t.toArray())).toEqual(before)
  })

  it('refuses settings that make no sense', () => {
    const p = parameter(ones([1]))
    expect(() => new optim.SGD([p], { lr: -1 })).toThrow(/learning rate/)
    expect(() => new optim.SGD([p], { lr: Number.NaN })).toThrow(/learning rate/)
    expect(() => new optim.SGD([p], { lr: 1, nesterov: true })).toThrow(/Nesterov/)
    expect(() => new optim.Adam([p], { betas: [0.9, 1] })).toThrow(/betas/)
    expect(() => new optim.Adam([])).toThrow(/at least one parameter/)
    expect(() => new optim.Adam([{ params: [p] }, { params: [p] }])).toThrow(/two groups/)
  })
})

describe('clipGradNorm_', () => {
  it('returns the norm and scales to maxNorm / (norm + 1e-6)', () => {
    const p = withGrad(zeros([2]), tensor([3, 4]))
    const q = withGrad(zeros([1]), tensor([12]))
    expect(optim.clipGradNorm_([p, q], 26)).toBe(13)
    expect(p.grad!.toArray()).toEqual([3, 4])
    expect(optim.clipGradNorm_([p, q, parameter(zeros([1]))], 6.5)).toBe(13)
    expect(q.grad!.toArray()[0]).toBeCloseTo(6, 5)
    expect(optim.clipGradNorm_([parameter(zeros([1]))], 1)).toBe(0)
  })

  it('leaves gradients alone when the norm is not finite', () => {
    const p = withGrad(zeros([2]), tensor([Number.POSITIVE_INFINITY, 1]))
    expect(optim.clipGradNorm_([p], 1)).toBe(Number.POSITIVE_INFINITY)
    expect(p.grad!.toArray()).toEqual([Number.POSITIVE_INFINITY, 1])
    p.grad = tensor([Number.NaN, 1])
    expect(optim.clipGradNorm_([p], 1)).toBeNaN()
    expect(() => optim.clipGradNorm_([p], 0)).toThrow(RangeError)
  })
})

describe('EMA', () => {
  const set = (model: nn.Linear, value: number) => noGrad(() => model.weight.fill_(value))
  const model = () => {
    const made = new nn.Linear(1, 1, { bias: false })
    set(made, 0)
    return made
  }

  it('follows the formula, with and without warm-up', () => {
    const m = model()
    const plain = new optim.EMA(m, { decay: 0.9 })
    const warm = new optim.EMA(m, { decay: 0.9, warmup: true })
    set(m, 1)
    plain.update()
    warm.update()
    expect(plain.stateDict().tensors.get('weight')!.item()).toBeCloseTo(0.1, 6)
    // decay of the first update: min(0.9, 2 / 11)
    expect(warm.stateDict().tensors.get('weight')!.item()).toBeCloseTo(9 / 11, 6)
  })

  it('swaps with the model and back, also after an error', () => {
    const m = model()
    const ema = new optim.EMA(m, { decay: 0.5 })
    set(m, 1)
    ema.update()
    expect(ema.withAverage(() => m.weight.item())).toBe(0.5)
    expect(m.weight.item()).toBe(1)
    expect(() =>
      ema.withAverage(() => {
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(m.weight.item()).toBe(1)
    ema.swap()
    expect(() => ema.update()).toThrow(/while the average is in the model/)
    ema.swap()
    const other = model()
    ema.copyTo(other)
    expect(other.weight.item()).toBe(0.5)
  })

  it('averages running statistics, copies counters, saves and loads', () => {
    const m = new nn.BatchNorm2d(2)
    const ema = new optim.EMA(m, { decay: 0.5 })
    scope(() => m.forward(full([1, 2, 2, 2], 4)))
    ema.update()
    const { tensors } = ema.stateDict()
    // The running mean went from 0 to 0.1 * 4, the average half of the way.
    expect(tensors.get('running_mean')!.toArray()[0]).toBeCloseTo(0.2, 6)
    expect(tensors.get('num_batches_tracked')!.item()).toBe(1)
    const again = new optim.EMA(new nn.BatchNorm2d(2), { decay: 0.5 })
    again.loadStateDict(ema.stateDict())
    for (const [name, t] of again.stateDict().tensors) expect(t.equal(tensors.get(name)!)).toBe(true)
    expect(() => again.loadStateDict({ tensors: new Map(), numbers: { updates: 0 } })).toThrow(/do not fit/)
  })
})

describe('GradScaler', () => {
  it('unscales, skips overflowed steps and adapts the scale', () => {
    const p = parameter(ones([2]))
    const sgd = new optim.SGD([p], { lr: 1 })
    const scaler = new optim.GradScaler({ initialScale: 8, growthInterval: 2 })
    const step = (factor: number) =>
      scope(() => {
        sgd.zeroGrad()
        scaler.scale(p.sum().mul(factor)).backward()
        const good = scaler.unscale_(sgd)
        if (good) sgd.step()
        scaler.update()
        return good
      })
    expect(step(1)).toBe(true)
    expect(p.toArray()).toEqual([0, 0])
    expect(step(Number.POSITIVE_INFINITY)).toBe(false)
    expect(p.toArray()).toEqual([0, 0])
    expect(scaler.stateDict()).toEqual({ scale: 4, goodSteps: 0 })
    step(1)
    step(1)
    expect(scaler.currentScale).toBe(8)
    const again = new optim.GradScaler()
    again.loadStateDict(scaler.stateDict())
    expect(again.stateDict()).toEqual({ scale: 8, goodSteps: 0 })
  })
})
