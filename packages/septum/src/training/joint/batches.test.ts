import { expect, it } from 'vitest'
import type { SegmentationCase } from '../../datasets/index.js'
import type { Batch } from '../../methods/method.js'
import type { RunPart } from '../run-task.js'
import { annotated, casesByPart, validateParts } from './batches.js'

const part = (name: string, told: readonly number[]) => ({ name, annotated: told }) as unknown as RunPart
const parts = [part('polyp', [0]), part('polyp2', [1, 2])]
const batchOf = (...cases: string[]) => ({ cases }) as unknown as Batch

it('says what the masks of each case tell of', () => {
  expect(annotated(batchOf('polyp2/a', 'polyp/b'), parts).annotated).toEqual([[1, 2], [0]])
  expect(annotated(batchOf('a'), undefined).annotated).toBeUndefined()
  const cases = ['polyp/a', 'polyp2/a', 'polyp/b'].map((name) => ({ name }) as SegmentationCase)
  expect(casesByPart(cases, parts).map((own) => own.map(({ name }) => name))).toEqual([
    ['polyp/a', 'polyp/b'],
    ['polyp2/a'],
  ])
})

it('scores data sets alike, however many cases they have', async () => {
  async function* batches(index: number) {
    // Nine cases of the first, one of the second.
    for (let i = 0; i < (index === 0 ? 9 : 1); i++) yield batchOf(`${parts[index]!.name}/${i}`)
  }
  const result = await validateParts(parts, batches, async (own) => {
    let dice = 0
    let count = 0
    for await (const { cases, annotated: told } of own) {
      expect(told).toEqual([cases[0]!.startsWith('polyp2') ? [1, 2] : [0]])
      dice = cases[0]!.startsWith('polyp2') ? 0.2 : 0.8
      count++
    }
    return { score: dice, metrics: { dice, count } }
  })
  expect(result.score).toBeCloseTo(0.5, 12)
  expect(result.metrics).toEqual({
    dice: 0.5,
    count: 5,
    'polyp.dice': 0.8,
    'polyp.count': 9,
    'polyp2.dice': 0.2,
    'polyp2.count': 1,
  })
})
