import { manualSeed, noGrad, randn, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { EfficientSelfAttention } from '../../blocks/efficient-attention.js'
import { RelativePositionBias } from '../../blocks/relative-position-bias.js'
import { expectNetwork, networkFixtures } from '../testing/network-fixture.js'
import { ramp, squareBatch, squareTask } from '../testing.js'
import { UtnetNetwork, utnet, utnetOptions } from './index.js'

setThreads(1)

const fixtures = networkFixtures(new URL('fixtures/utnet.json', import.meta.url))
const options = (some: object = {}) => utnetOptions.parse(some)
const tiny = { baseChannels: 4, heads: 2, reducedSide: 2, dropout: 0 }

it('has 10,019,049 parameters, as published', () => {
  expect(new UtnetNetwork(3, 1, options()).parameterCount()).toBe(10_019_049)
})

describe('network', () => {
  it("has PyTorch's maps and gradients", () => {
    expectNetwork(new UtnetNetwork(3, 1, options(tiny)), fixtures.all!)
  })

  it("has PyTorch's maps and gradients with auxiliary heads and attention at two levels", () => {
    const some = { ...tiny, heads: 4, attentionLevels: [2, 3], auxiliary: true }
    expectNetwork(new UtnetNetwork(1, 2, options(some)), fixtures.auxiliary!)
  })

  it('drops attention weights and results while it trains only', () => {
    const attention = new EfficientSelfAttention(8, { heads: 2, reducedSide: 2, dropout: 0.5 })
    const x = randn([1, 8, 4, 4])
    noGrad(() => {
      expect(attention.train().forward(x).equal(attention.forward(x))).toBe(false)
      expect(attention.eval().forward(x).equal(attention.forward(x))).toBe(true)
    })
  })

  it('has attention in the encoder alone where asked for', () => {
    const names = [
      ...new UtnetNetwork(3, 1, options({ ...tiny, decoderAttention: false })).stateDict().keys(),
    ]
    expect(names.some((name) => name.startsWith('down') && name.includes('attention'))).toBe(true)
    expect(names.some((name) => name.startsWith('up') && name.includes('attention'))).toBe(false)
  })
})

describe('positions', () => {
  const bias = new RelativePositionBias(1, 2)
  // Rows of the table are offsets (dy, dx) from (-1, -1): number i is worth i.
  noGrad(() => bias.table.copy_(randn([9, 1]).zero_().add(0)))
  noGrad(() => {
    for (let i = 0; i < 9; i++) bias.table.select(0, i).fill_(i)
  })
  const rows = (size: [number, number]) => noGrad(() => Array.from(bias.forward(size).toTypedArray(), Number))

  it('are offsets from query to key', () => {
    // Query (0, 0), keys (0, 0), (0, 1), (1, 0), (1, 1): offsets (0, 0), (0, -1), (-1, 0), (-1, -1).
    expect(rows([2, 2]).slice(0, 4)).toEqual([4, 3, 1, 0])
    // Query (1, 1): (1, 1), (1, 0), (0, 1), (0, 0).
    expect(rows([2, 2]).slice(12)).toEqual([8, 7, 5, 4])
  })

  it('repeat cells for finer queries, any number of them', () => {
    // Four columns in two cells: queries 0 and 1 see what query 0 did.
    const wide = rows([2, 4])
    expect(wide.slice(0, 8)).toEqual([4, 3, 1, 0, 4, 3, 1, 0])
    // Three columns: cells 0, 0, 1 (2 x / 3 rounded down).
    expect(rows([1, 3])).toEqual([4, 3, 1, 0, 4, 3, 1, 0, 5, 4, 2, 1])
  })
})

it('weighs auxiliary heads by 0.4, 0.2 and 0.1, background by one half', () => {
  manualSeed(1)
  const model = utnet.build(options({ ...tiny, auxiliary: true, diceWeight: 0 }), squareTask(16))
  noGrad(() => {
    for (const [name, p] of model.namedParameters())
      if (name.startsWith('network.heads')) name.endsWith('bias') ? p.fill_(Math.log(3)) : p.zero_()
  })
  const half = Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 1 : 0))
  const { total } = model.phases()[0]!.losses(squareBatch(16, [ramp(16, 1, 0)], [[half]]))
  // Probability 3/4 everywhere, half of the pixels marked: (ln(4/3) + 0.5 ln 4) / 1.5, times 1 + 0.4 + 0.2 + 0.1.
  expect(total.item()).toBeCloseTo((1.7 * (Math.log(4 / 3) + 0.5 * Math.log(4))) / 1.5, 4)
})

it('refuses heads that do not divide the channels', () => {
  expect(() => options({ baseChannels: 5, heads: 4 })).toThrow('heads must divide')
  expect(options({ baseChannels: 5, heads: 4, attentionLevels: [] }).heads).toBe(4)
})
