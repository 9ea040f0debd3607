import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { silentReporter } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../datasets/workers/testing.js'
import { writePng } from '../formats/write.js'
import { renderEvaluationPage } from '../report/evaluation/page.js'
import { evaluateFolders } from './evaluate-folders.js'
import { writeOutputs } from './outputs/index.js'
import type { EvaluateFoldersRequest } from './types.js'

const CASES = 6
let folder: string
let worker: Awaited<ReturnType<typeof bundle>>
const at = (...names: string[]) => join(folder, ...names)

/** A row of eight pixels: class 1 on the left, class 2 on the right, `one` and `two` of four pixels each. */
async function row(path: string, one: number, two: number): Promise<void> {
  mkdirSync(dirname(at(path)), { recursive: true })
  const data = Uint8Array.from(
    [0, 1, 2, 3].map((x) => Number(x < one)).concat([0, 1, 2, 3].map((x) => (x < two ? 2 : 0))),
  )
  await writePng(at(path), { data, shape: [1, 1, 8] })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'septum-by-class-'))
  for (let n = 0; n < CASES; n++) {
    await row(`ref/c${n}.png`, 4, 4)
    // Method a finds all of class 1 and half of class 2, b half of class 1; in class 2 it is as good but for one case.
    await row(`a/c${n}.png`, 4, 2)
    await row(`b/c${n}.png`, 2, n === 0 ? 1 : 2)
  }
  worker = await bundle(new URL('./worker.ts', import.meta.url))
}, 60_000)
afterAll(() => {
  rmSync(folder, { recursive: true })
  worker?.remove()
})

const evaluate = (more: Partial<EvaluateFoldersRequest> = {}) =>
  evaluateFolders({
    methods: ['a', 'b'].map((name) => ({ name, folder: at(name) })),
    references: at('ref'),
    metrics: ['dice'],
    reporter: silentReporter,
    signal: new AbortController().signal,
    ...more,
  })

describe('tests and rankings', () => {
  it('are of the mean over the classes, and of each class by itself', async () => {
    const { evaluation } = await evaluate()
    const { comparisons, rankings, byClass } = evaluation
    // Dice of 2 of 4 pixels is 2/3, of 1 of 4 2/5. Six differences of one sign: p = 2 / 2^6.
    expect(comparisons).toMatchObject([{ class: null, p: expect.closeTo(2 / 64, 12), better: 6 }])
    expect(byClass.comparisons).toMatchObject([
      // Holm over two: the smaller p twice, the larger as it is.
      {
        class: 'label 1',
        difference: expect.closeTo(1 / 3, 12),
        p: expect.closeTo(2 / 64, 12),
        pHolm: expect.closeTo(4 / 64, 12),
        better: 6,
        equal: 0,
      },
      // One difference that is not 0: p = 1.
      {
        class: 'label 2',
        difference: expect.closeTo((2 / 3 - 2 / 5) / 6, 12),
        p: 1,
        pHolm: 1,
        better: 1,
        equal: 5,
      },
    ])
    expect(rankings.map((one) => [one.class, ...one.ranks])).toEqual([[null, 1, 2]])
    expect(byClass.rankings.map((one) => [one.class, ...one.ranks])).toEqual([
      ['label 1', 1, 2],
      ['label 2', 1, 2],
    ])
    // a wins class 1 in every resample; class 2 where the first case is drawn, 1 - (5/6)^6 = 0.665, else they share the
    // ranks: 0.665 + 0.335 / 2 = 0.8326, three standard deviations of 1,000 resamples (some 0.04).
    expect(byClass.rankings[0]!.shares[0]![0]).toBe(1)
    expect(Math.abs(byClass.rankings[1]!.shares[0]![0]! - 0.8326)).toBeLessThan(0.04)
  })

  it('stand in all files and on the page', async () => {
    const { evaluation } = await evaluate()
    await writeOutputs(at('out'), evaluation)
    const read = (name: string) => readFileSync(at('out', name), 'utf8')
    expect(JSON.parse(read('results.json')).byClass.comparisons).toHaveLength(2)
    expect(
      read('comparisons.csv')
        .split('\r\n')
        .map((line) => line.split(',').slice(0, 4).join()),
    ).toEqual(['metric,class,a,b', 'dice,,a,b', 'dice,label 1,a,b', 'dice,label 2,a,b', ''])
    expect(read('table.md')).toMatch(/in each class[\s\S]*\| Dice \| label 1 \| a \| b \| 0\.333/)
    const page = await renderEvaluationPage({ evaluation, pictures: [] })
    expect(page).toMatch(/The same in each class[\s\S]*<td class="word">label 2<\/td>/)
  })

  it('are not repeated where there is one class', async () => {
    const { evaluation } = await evaluate({ classes: [{ name: 'all', values: [1, 2] }] })
    expect(evaluation.byClass).toEqual({ comparisons: [], rankings: [] })
  })
})

describe('threads', () => {
  it('give the file that one thread gives, but for its times', async () => {
    const results: Record<string, unknown>[] = []
    for (const workers of [1, 2]) {
      // A case that cannot be read and one without a partner come back the same way too.
      writeFileSync(at('b', 'c3.png'), 'no picture')
      await row('b/stranger.png', 1, 1)
      const { evaluation } = await evaluate({
        metrics: ['surface', 'saliency', 'dice'],
        workers,
        program: worker.program,
      })
      expect(evaluation.workers).toBe(workers)
      await writeOutputs(at(`threads ${workers}`), evaluation)
      const text = readFileSync(at(`threads ${workers}`, 'results.json'), 'utf8')
      const { seconds, workers: used, ...rest } = JSON.parse(text)
      expect([typeof seconds, used]).toEqual(['number', workers])
      results.push(rest)
    }
    expect(results[1]).toEqual(results[0])
    // Two methods and two classes, less the two classes of the damaged case.
    expect(results[0]!.perCase).toHaveLength(2 * 2 * CASES - 2)
    expect(results[0]!.problems).toMatchObject([{ case: 'c3', method: 'b' }])
  }, 60_000)
})
