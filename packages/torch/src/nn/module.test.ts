import {
  arange,
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

class Branches extends nn.Module {
  stem = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.ReLU())
  heads = [new nn.Linear(2, 3), new nn.Linear(2, 4, { bias: false })]
  scale = parameter(ones([1]))
  tied = this.heads[0]
}

describe('Module', () => {
  it('names parameters and buffers as PyTorch does', () => {
    const model = new Branches()
    expect([...model.stateDict().keys()].sort()).toEqual(
      [
        'heads.0.bias',
        'heads.0.weight',
        'heads.1.weight',
        'scale',
        'stem.0.bias',
        'stem.0.weight',
        'stem.1.bias',
        'stem.1.num_batches_tracked',
        'stem.1.running_mean',
        'stem.1.running_var',
        'stem.1.weight',
      ].sort(),
    )
    // 2 * 9 + 2 convolution, 2 + 2 norm, 2 * 3 + 3 and 2 * 4 heads, 1 scale
    expect(model.parameterCount()).toBe(20 + 4 + 9 + 8 + 1)
    expect(
      model.heads[0]!.requiresGrad_(false)
        .parameters()
        .some((p) => p.requiresGrad),
    ).toBe(false)
    expect(model.parameterCount({ trainable: true })).toBe(42 - 9)
  })

  it('switches all parts to eval mode and back', () => {
    const model = new Branches().eval()
    expect([...model.modules()].map(([, module]) => module.training)).not.toContain(true)
    expect(model.train().stem.at(-1).training).toBe(true)
  })

  it('refuses weights of another model and changes nothing then', () => {
    const model = new nn.Linear(2, 2)
    const before = model.weight.detach().clone()
    const state = new Map([
      ['weight', zeros([2, 2])],
      ['bias', zeros([3])],
    ])
    expect(() => model.loadStateDict(state)).toThrow(/bias has \[3\], the model \[2\]/)
    expect(() => model.loadStateDict(new Map([['weight', zeros([2, 2])]]))).toThrow(/missing: bias/)
    expect(model.weight.equal(before)).toBe(true)
    const report = model.loadStateDict(
      new Map([
        ['weight', zeros([2, 2])],
        ['other', zeros([1])],
      ]),
      { strict: false },
    )
    expect(report).toEqual({ missing: ['bias'], unexpected: ['other'] })
    expect(model.weight.toArray()).toEqual([0, 0, 0, 0])
  })

  it('keeps parameters that are made inside a scope', () => {
    const layer = scope(() => {
      const made = new nn.Linear(2, 2)
      return { forward: (x: Tensor) => made.forward(x) }
    })
    expect(layer.forward(ones([1, 2])).shape).toEqual([1, 2])
  })

  it('converts layout and dtype, keeps what is frozen and counts batches in int64', () => {
    const model = new Branches()
    model.stem.requiresGrad_(false)
    model.to({ memoryFormat: 'channels_last', dtype: 'float64' })
    const first = model.stem.at(0) as nn.Conv2d
    expect(first.weight.dtype).toBe('float64')
    expect(first.weight.isContiguous('channels_last')).toBe(true)
    expect(first.weight.requiresGrad).toBe(false)
    expect(model.heads[0]!.weight.requiresGrad).toBe(true)
    expect((model.stem.at(1) as nn.BatchNorm2d).num_batches_tracked!.dtype).toBe('int64')
  })

  it('keeps parameters the same objects when it converts them, also shared ones, with their gradients', () => {
    const model = new Branches()
    model.heads[1]!.weight = model.heads[0]!.weight = parameter(ones([3, 2]))
    const before = model.parameters()
    const sgd = new optim.SGD(before, { lr: 1 })
    model.heads[0]!.weight.grad = ones([3, 2])
    const live = liveTensors()
    model.to({ dtype: 'float64' })
    expect(liveTensors()).toBe(live)
    expect(model.parameters()).toEqual(before)
    expect(model.heads[1]!.weight).toBe(model.heads[0]!.weight)
    expect(model.heads[0]!.weight.grad!.dtype).toBe('float64')
    scope(() =>
      model.heads[0]!.forward(ones([1, 2], { dtype: 'float64' }))
        .sum()
        .backward(),
    )
    sgd.step()
    // Gradient 1 from before the conversion and 1 from after it.
    expect(model.heads[1]!.weight.toArray()).toEqual(new Array(6).fill(-1))
  })
})

describe('layers', () => {
  it('run forward and backward without leaving tensors behind', () => {
    const model = new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 1 }),
      new nn.BatchNorm2d(4),
      new nn.PReLU(),
      new nn.MaxPool2d(2),
      new nn.Dropout2d(0.1),
      new nn.Upsample({ scaleFactor: 2 }),
      new nn.GroupNorm(2, 4),
      new nn.ConvTranspose2d(4, 1, 2, { stride: 2 }),
    )
    const attention = new nn.MultiheadAttention(4, 2, { dropout: 0.1 })
    const step = () =>
      scope(() => {
        model
          .forward(randn([2, 1, 8, 8]))
          .sum()
          .backward()
        const x = randn([1, 3, 4])
        attention
          .forward(x, x, x, { mask: ones([3, 3]).tril().to({ dtype: 'bool' }) })
          .sum()
          .backward()
      })
    step()
    const before = liveTensors()
    for (let i = 0; i < 5; i++) step()
    expect(liveTensors()).toBe(before)
  })

  it('dropout keeps the mean, is the identity in eval mode and refuses other probabilities', () => {
    manualSeed(0)
    const layer = new nn.Dropout(0.25)
    const x = ones([100, 100])
    const kept = layer.forward(x).ne(0).float().mean().item()
    // 10,000 draws: standard deviation 0.0043
    expect(kept).toBeGreaterThan(0.73)
    expect(kept).toBeLessThan(0.77)
    expect(layer.forward(x).amax().item()).toBeCloseTo(4 / 3, 6)
    expect(layer.eval().forward(x)).toBe(x)
    const channels = new nn.Dropout2d(0.5).forward(ones([8, 8, 3, 3])).mean([2, 3])
    expect(new Set(channels.toArray())).toEqual(new Set([0, 2]))
    expect(() => new nn.Dropout(1.5)).toThrow(RangeError)
  })

  it('attention takes a bool mask (true: may look) and the additive mask of the same meaning', () => {
    const layer = new nn.MultiheadAttention(4, 2)
    const x = randn([2, 3, 4])
    const may = ones([3, 3]).tril()
    const additive = zeros([3, 3]).maskedFill(may.eq(0), -Infinity)
    const a = layer.forward(x, x, x, { mask: may.to({ dtype: 'bool' }) })
    expect(a.allclose(layer.forward(x, x, x, { mask: additive }))).toBe(true)
    // The first query sees only itself: later tokens change nothing.
    const later = x.clone()
    noGrad(() => later.narrow(1, 1, 2).fill_(7))
    expect(layer.forward(later, later, later, { mask: additive }).select(1, 0).allclose(a.select(1, 0))).toBe(
      true,
    )
  })

  it('an embedding keeps its padding row at zero', () => {
    const layer = new nn.Embedding(4, 3, { paddingIdx: 1 })
    expect(layer.forward(tensor([1], { dtype: 'int64' })).toArray()).toEqual([0, 0, 0])
    layer.forward(arange(0, 4)).sum().backward()
    expect(layer.weight.grad!.sum([1]).toArray()).toEqual([3, 0, 3, 3])
  })

  it('say what is wrong with sizes', () => {
    expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(
      /input channels of 3 do not divide into 2 groups/,
    )
    expect(() => new nn.GroupNorm(3, 4)).toThrow(/4 channels do not divide into 3 groups/)
    expect(() => new nn.MultiheadAttention(6, 4)).toThrow(/width of 6 does not divide into 4 heads/)
    expect(() => new nn.BatchNorm2d(3).forward(zeros([2, 4, 5, 5]))).toThrow(
      /BatchNorm2d\(3\) takes 4 axes, got \[2,4,5,5\]/,
    )
    expect(() => new nn.Conv2d(3, 4, 3).forward(zeros([1, 2, 5, 5]))).toThrow(/conv2d/)
    expect(() => new nn.Sequential().at(0)).toThrow(RangeError)
    expect(() => nn.init.xavierUniform_(zeros([3]))).toThrow(/fan-in and fan-out need a weight/)
  })
})
