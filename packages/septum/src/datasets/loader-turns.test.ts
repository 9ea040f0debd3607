import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFolderDataset, type SegmentationCase } from './dataset.js'
import { TrainingLoader } from './loader.js'
import { CaseStore } from './store.js'
import { Folder } from './testing.js'

/** Names as if of three data sets of 7, 3 and 2 cases. */
const parts = [7, 3, 2].map((count, part) =>
  Array.from(
    { length: count },
    (_, i) => ({ name: `${part}-${i}`, shape: [1, 4, 4] }) as unknown as SegmentationCase,
  ),
)
let folder: Folder
let store: CaseStore
beforeAll(async () => {
  folder = new Folder()
  await folder.picture('images/a.png', [4, 4], new Uint8Array(16).fill(9))
  await folder.picture('masks/a.png', [4, 4], new Uint8Array(16).fill(255))
  store = new CaseStore(await openFolderDataset(folder.dir))
})
afterAll(() => folder.remove())

const loaderOf = (batchSize: number, turns = parts, seed = 1) =>
  new TrainingLoader({ store, cases: turns.flat(), turns, size: [4, 4], batchSize, seed })
const names = (loader: TrainingLoader, batches: number) =>
  Array.from({ length: batches }, (_, k) => loader.casesOf(k).map(({ name }) => name))
const counts = (batch: readonly string[]) =>
  [0, 1, 2].map((part) => batch.filter((name) => name.startsWith(`${part}-`)).length)

describe('data sets that take turns', () => {
  it('have as many cases in every batch, as far as they divide it', () => {
    for (const batch of names(loaderOf(6), 40)) expect(counts(batch)).toEqual([2, 2, 2])
    const uneven = names(loaderOf(4), 30).map(counts)
    for (const one of uneven) expect(Math.max(...one) - Math.min(...one)).toBeLessThanOrEqual(1)
    // 30 batches of 4 are 120 cases, 40 of each.
    expect([0, 1, 2].map((part) => uneven.reduce((sum, one) => sum + one[part]!, 0))).toEqual([40, 40, 40])
  })

  it('each bring all their cases once before any twice', () => {
    const all = names(loaderOf(3), 42).flat()
    for (const [part, own] of parts.entries()) {
      const order = all.filter((name) => name.startsWith(`${part}-`))
      for (let from = 0; from + own.length <= order.length; from += own.length)
        expect(new Set(order.slice(from, from + own.length)).size).toBe(own.length)
    }
  })

  it('are a function of seed and number; one alone has the order it had', () => {
    expect(names(loaderOf(6), 5)).toEqual(names(loaderOf(6), 5))
    expect(names(loaderOf(6), 5)).not.toEqual(names(loaderOf(6, parts, 2), 5))
    const alone = new TrainingLoader({ store, cases: parts[0]!, size: [4, 4], batchSize: 2, seed: 1 })
    expect(names(loaderOf(2, [parts[0]!]), 20)).toEqual(names(alone, 20))
  })
})
