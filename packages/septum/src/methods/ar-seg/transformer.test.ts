import { cat, eye, F, manualSeed, noGrad, randint, randn, type Tensor, tensor, where } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { stored } from '../../../../torch/test/reference.js'
import { GptBlock } from './gpt-block.js'
import { attentionMask, sequenceLayout } from './layout.js'
import { sinePositions } from './placement.js'
import { expectReference, layerCase, type Named } from './testing.js'
import { NextScaleTransformer, type TransformerShape } from './transformer.js'
import { Modulation, VarBlock } from './var-block.js'

const lidc: TransformerShape = {
  block: 'gpt',
  depth: 8,
  width: 256,
  heads: 8,
  dropout: 0.1,
  levelEmbedding: false,
  condMean: false,
  context: 'all',
  positions: 'zeros',
  imageAtTokens: false,
  scales: [1, 2, 3, 4, 5, 6, 7, 8],
  prefix: 64,
  codes: 1024,
  codeChannels: 32,
  classes: 1,
  noClass: false,
}
const small = {
  ...lidc,
  positions: 'sine' as const,
  imageAtTokens: true,
  depth: 2,
  width: 32,
  heads: 4,
  levelEmbedding: true,
  scales: [1, 2, 3],
  prefix: 4,
  codes: 16,
  codeChannels: 8,
}

describe('parameters', () => {
  it('of the released LIDC core are 6,657,792 without the class embedding', () => {
    const core = new NextScaleTransformer(lidc)
    expect(core.parameterCount() - core.class_embedding.weight.numel).toBe(6_657_792)
  })

  it('of VAR at depth 16 with 1000 classes and 680 tokens are 310,283,520', () => {
    // All blocks are alike: two short networks tell the size of a block, and the sum that of sixteen.
    const count = (depth: number) =>
      new NextScaleTransformer({
        ...lidc,
        block: 'var',
        depth,
        width: 1024,
        heads: 16,
        levelEmbedding: true,
        prefix: 0,
        codes: 4096,
        classes: 1000,
        noClass: true,
        scales: [1, 2, 3, 4, 5, 6, 8, 10, 13, 16],
      }).parameterCount()
    const one = count(1)
    expect(one + 15 * (count(2) - one)).toBe(310_283_520)
  })
})

describe('sequence', () => {
  it('has 64 + 204 = 268 positions', () => {
    const layout = sequenceLayout(lidc.scales, 64, 'all')
    expect(layout.counts).toEqual([1, 4, 9, 16, 25, 36, 49, 64])
    expect(layout.tokens).toBe(204)
    expect(layout.starts).toEqual([0, 1, 5, 14, 30, 55, 91, 140])
    expect(attentionMask(layout, 'cpu').shape).toEqual([268, 268])
  })

  it('lets a scale see the prefix, coarser scales and itself', () => {
    const seen = (context: 'all' | 'previous') =>
      attentionMask(sequenceLayout([1, 2, 3], 1, context), 'cpu')
        .exp()
        .toArray()
    const rows = (columns: string[]) =>
      columns.flatMap((row, level) =>
        Array.from({ length: [1, 1, 4, 9][level]! }, () =>
          [...row].flatMap((c, l) => new Array([1, 1, 4, 9][l]!).fill(Number(c))),
        ).flat(),
      )
    // One digit for prefix, start, 2x2 and 3x3.
    expect(seen('all')).toEqual(rows(['1000', '1100', '1110', '1111']))
    expect(seen('previous')).toEqual(rows(['1000', '1100', '1110', '1011']))
  })
})

describe('blocks against PyTorch', () => {
  const joined = (named: Named, kind: 'weight' | 'bias', parts: string[]): Tensor =>
    cat(parts.map((part) => named.get(`attention.${part}.${kind}`)!))
  const rename = (named: Named, rules: [string, string][]): Named =>
    new Map(
      [...named]
        .filter(([name]) => !/attention\.(query|key|value)\./.test(name))
        .map(([name, t]) => [rules.reduce((n, [from, to]) => n.replace(from, to), name), t]),
    )
  const maskOf = (name: string) =>
    where(stored(layerCase(name), 'option/may'), 0, Number.NEGATIVE_INFINITY).float()

  it('block of the release', () => {
    const block = new GptBlock(16, 4, 0)
    const mask = maskOf('arseg-gpt-block')
    const adapt = (named: Named) =>
      rename(named, [])
        .set('attention.qkv.weight', joined(named, 'weight', ['query', 'key', 'value']))
        .set('attention.qkv.bias', joined(named, 'bias', ['query', 'key', 'value']))
    expectReference(
      layerCase('arseg-gpt-block'),
      block,
      ([x]) => ({ y: block.forward(x!, x!, mask, null) }),
      adapt,
    )
  })

  it('block of VAR', () => {
    const block = new VarBlock(16, 4, 0)
    const mask = maskOf('arseg-var-block')
    const adapt = (named: Named) =>
      rename(named, [
        ['adaln', 'modulation.linear'],
        ['attention.scale', 'attention.scale_mul'],
      ])
        .set('attention.scale_mul', named.get('attention.scale')!.view([1, 4, 1, 1]))
        .set('attention.mat_qkv.weight', joined(named, 'weight', ['query', 'key', 'value']))
        .set('attention.q_bias', named.get('attention.query.bias')!)
        .set('attention.v_bias', named.get('attention.value.bias')!)
    expectReference(
      layerCase('arseg-var-block'),
      block,
      ([x, c]) => ({ y: block.forward(x!, c!, mask, null) }),
      adapt,
    )
  })

  it('head of VAR', () => {
    const model = new NextScaleTransformer({ ...small, block: 'var', width: 16, codes: 10 })
    const one = layerCase('arseg-var-head')
    // The head is two fields of the transformer.
    class Head extends Modulation {
      readonly head = model.head
    }
    const head = new Head(16, 2)
    ;(model as { head_modulation: Modulation }).head_modulation = head
    const adapt = (named: Named) =>
      new Map([...named].map(([name, t]) => [name.replace('linear.', 'head.').replace('adaln', 'linear'), t]))
    expectReference(one, head, ([x, c]) => ({ y: model.logits(x!, c!) }), adapt)
  })
})

describe.each(['gpt', 'var'] as const)('next-scale transformer (%s)', (block) => {
  manualSeed(1)
  const model = new NextScaleTransformer({ ...small, block, classes: 2, noClass: true }).eval()
  // The first gates and head are nearly zero; larger ones let every input matter.
  noGrad(() => {
    for (const p of model.parameters()) p.add_(randn(p.shape), 0.1)
  })
  const prefix = randn([2, 4, 32])
  const inputs = randn([2, 13, 8])
  const classes = tensor([0, 1], { dtype: 'int64' })
  const { starts, counts } = model.layout
  const run = (x: Tensor) => noGrad(() => model.forward(prefix, classes, x))
  const part = (logits: Tensor, k: number) => logits.narrow(1, starts[k]!, counts[k]!)

  it('gives logits of every token', () => {
    expect(run(inputs).shape).toEqual([2, 14, 16])
  })

  it.each([1, 2])('does not look ahead: inputs of scale index %i', (j) => {
    const other = inputs.clone()
    other.narrow(1, starts[j]! - 1, 1).add_(1)
    const before = run(inputs)
    const after = run(other)
    for (const k of counts.keys()) {
      const same = part(before, k).eq(part(after, k)).float()
      if (k < j) expect(same.mean().item()).toBe(1)
      // One changed token reaches every position of its own and of later scales.
      else expect(same.sum(2).amax().item()).toBeLessThan(16)
    }
  })

  it('keeps the start token from the prefix', () => {
    noGrad(() => {
      const condition = model.condition(prefix, classes)
      const hidden = (start: Tensor) =>
        model.run(
          cat([model.embedPrefix(prefix), start, model.embedTokens(inputs, 1, prefix)], 1),
          condition,
          model.mask('cpu'),
          null,
        )
      const start = model.embedStart(classes, prefix)
      const [a, b] = [hidden(start), hidden(start.add(randn(start.shape)))]
      const moved = (from: number, count: number) => a!.sub(b!).abs().narrow(1, from, count).amax([2])
      expect(moved(0, 4).amax().item()).toBe(0)
      expect(moved(4, 14).amin().item()).toBeGreaterThan(0)
    })
  })

  it('runs the first scales alone as it runs them inside the whole', () => {
    const short = noGrad(() => model.forward(prefix, classes, inputs.narrow(1, 0, 4)))
    expect(
      short
        .sub(run(inputs).narrow(1, 0, 5))
        .abs()
        .amax()
        .item(),
    ).toBeLessThan(1e-5)
  })
})

describe('where a token lies', () => {
  it('its embedding gets the prefix averaged over the same part of the image', () => {
    const model = new NextScaleTransformer({ ...small, imageAtTokens: true }).eval()
    const plain = new NextScaleTransformer({ ...small, imageAtTokens: false }).eval()
    plain.loadStateDict(new Map([...model.stateDict()].filter(([name]) => !name.startsWith('image_at'))))
    noGrad(() => model.image_at!.weight.copy_(eye(32)))
    const prefix = randn([1, 4, 32]) // 2 x 2
    const inputs = randn([1, 13, 8])
    const added = (m: NextScaleTransformer) =>
      noGrad(() =>
        cat([m.embedStart(tensor([0], { dtype: 'int64' }), prefix), m.embedTokens(inputs, 1, prefix)], 1),
      )
    const difference = added(model).sub(added(plain))
    // 1x1: the mean of all; 2x2: each cell itself; 3x3: corners one cell, edges two, the centre all four.
    const cell = (...cells: number[]) =>
      cells
        .map((c) => prefix.narrow(1, c, 1))
        .reduce((a, b) => a.add(b))
        .div(cells.length)
    const nine = [[0], [0, 1], [1], [0, 2], [0, 1, 2, 3], [1, 3], [2], [2, 3], [3]]
    const wanted = cat(
      [[0, 1, 2, 3], [0], [1], [2], [3], ...nine].map((cells) => cell(...cells)),
      1,
    )
    expect(difference.sub(wanted).abs().amax().item()).toBeLessThan(1e-5)
  })

  it('starts its position at sines and cosines of the centre of its cell', () => {
    // Width 8: two waves, 2 and 1/4 of the side. The centre of a 1x1 grid is at 1/2: sin(pi/2), cos(pi/2),
    // then sin(4 pi), cos(4 pi) at the short wave, all by 0.1; the second cell of 2x2 lies at y = 1/4, x = 3/4.
    const values = sinePositions([1, 2], 8).toArray()
    const row = (i: number) => values.slice(8 * i, 8 * i + 8)
    const r = 0.1 * Math.SQRT1_2
    expect(row(0)).toEqual([0.1, 0, 0.1, 0, 0, 0.1, 0, 0.1].map((v) => expect.closeTo(v, 6)))
    expect(row(2)).toEqual([r, r, r, -r, 0, 0.1, 0, 0.1].map((v) => expect.closeTo(v, 6)))
  })
})

describe('before training', () => {
  it.each(['gpt', 'var'] as const)('the cross-entropy is that of guessing, ln 1024 = 6.93 (%s)', (block) => {
    manualSeed(2)
    const model = new NextScaleTransformer({ ...lidc, block, depth: 2 }).eval()
    const logits = noGrad(() =>
      model.forward(randn([2, 64, 256]), tensor([0, 0], { dtype: 'int64' }), randn([2, 203, 32])),
    )
    expect(logits.shape).toEqual([2, 204, 1024])
    const loss = F.crossEntropy(logits.flatten(0, 1), randint(0, 1024, [408])).item()
    expect(Math.abs(loss - 6.93)).toBeLessThan(0.15)
  })
})

describe('a first scale of more than one token', () => {
  it('predicts all tokens of a single scale from as many start positions', () => {
    manualSeed(1)
    const one = new NextScaleTransformer({ ...small, scales: [3], dropout: 0 })
    const logits = one.forward(randn([2, 4, 32]), tensor([0, 0], { dtype: 'int64' }), randn([2, 0, 8]))
    expect(logits.shape).toEqual([2, 9, 16])
  })
})
