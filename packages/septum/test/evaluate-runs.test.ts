import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { septumHere } from './run-here.js'
import { madeUpData, removeFolder, temporaryFolder } from './tiny-run.js'

let folder: string
let data: string
const at = (...names: readonly string[]): string => join(folder, ...names)

interface Result {
  readonly methods: readonly string[]
  readonly cases: number
  readonly perCase: readonly { case: string; method: string; values: Record<string, number> }[]
  readonly unpaired: readonly unknown[]
}

async function evaluated(...words: readonly string[]): Promise<Result & { readonly warnings: string }> {
  const { code, stdout, stderr } = await septumHere([
    'evaluate',
    ...words,
    '--json',
    '--metrics',
    'dice,hd95,mae',
  ])
  const lines = stdout.trim().split('\n')
  expect([code, code === 0 ? stderr : lines.at(-1)]).toEqual([0, ''])
  const warnings = lines.filter((line) => line.includes('"warning"')).join('\n')
  return { ...(JSON.parse(lines.at(-1)!) as Result), warnings }
}

const valuesOf = ({ perCase }: Result, method: string) =>
  perCase.filter((one) => one.method === method).map(({ case: name, values }) => [name, values])

async function train(run: string, seed: number): Promise<void> {
  const settings = [
    'options.widths=[8,16]',
    'options.steps=80',
    'options.batchSize=4',
    'options.lr=0.02',
    'data.imageSize=[16,16]',
  ]
  const { code, stderr } = await septumHere([
    ...[
      'train',
      data,
      '--method',
      'unet',
      '--out',
      at(run),
      '--device',
      'cpu',
      '--threads',
      '1',
      '--no-export',
    ],
    ...['--seed', String(seed), ...settings.flatMap((one) => ['--set', one])],
  ])
  expect([code, stderr]).toEqual([0, expect.any(String)])
}

beforeAll(async () => {
  folder = temporaryFolder()
  data = await madeUpData(at('data'), { raters: 1, cases: 12 })
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `c${from + i}`)
  const splits = {
    by: 'patient',
    scheme: 'by hand',
    train: names(0, 6),
    val: ['c6', 'c7'],
    test: names(8, 12),
  }
  writeFileSync(join(data, 'splits.json'), JSON.stringify(splits))
  await train('one', 1)
  await train('two', 2)
}, 180_000)
afterAll(() => removeFolder(folder))

describe('runs among several methods', () => {
  it('score as their written masks do, on the same cases', async () => {
    for (const run of ['one', 'two']) {
      const words = ['predict', at(run), '--split', 'test', '--out', at(`${run} masks`)]
      expect((await septumHere(words)).code).toBe(0)
    }
    const masks = await evaluated(
      `one=${at('one masks')}`,
      `two=${at('two masks')}`,
      ...['--reference', data, '--split', 'test'],
    )
    const runs = await evaluated(at('one'), at('two'), '--out', at('compared'))
    expect(runs).toMatchObject({ methods: ['one', 'two'], cases: 4 })
    expect(runs.warnings).toBe('')
    for (const method of runs.methods) expect(valuesOf(runs, method)).toEqual(valuesOf(masks, method))
    expect(valuesOf(runs, 'one')).not.toEqual(valuesOf(runs, 'two'))
    // The pictures of the page were drawn from the masks, which are gone by now.
    expect(readFileSync(at('compared', 'report.html'), 'utf8')).toContain('The 4 worst cases')

    const mixed = await evaluated(`best=${at('two')}`, at('one masks'), '--reference', data)
    expect(mixed).toMatchObject({ methods: ['best', 'one masks'], cases: 4 })
    expect(valuesOf(mixed, 'best')).toEqual(valuesOf(masks, 'two'))
    expect(valuesOf(mixed, 'one masks')).toEqual(valuesOf(masks, 'one'))
  }, 180_000)

  it('say which of them have learnt from a case', async () => {
    const splits = JSON.parse(readFileSync(join(data, 'splits.json'), 'utf8')) as Record<string, string[]>
    writeFileSync(at('other.json'), JSON.stringify({ ...splits, train: splits.test, test: splits.train }))
    const text = readFileSync(at('two', 'config.yaml'), 'utf8')
    writeFileSync(at('two', 'config.yaml'), text.replace(/splits: null/, `splits: ${at('other.json')}`))
    const { warnings } = await evaluated(at('one'), at('two'))
    writeFileSync(at('two', 'config.yaml'), text)
    expect(warnings).toContain('two was trained on 4 of the 4 cases compared')
    expect(warnings).not.toContain('one was trained')
  }, 180_000)

  it('are told from a run and its data set', async () => {
    const alone = await evaluated(at('one'), data)
    expect(alone).toMatchObject({ methods: ['one'], cases: 4 })
    const unclear = await septumHere(['evaluate', at('one'), at('one masks'), at('two masks')])
    expect([unclear.code, unclear.stderr]).toEqual([2, expect.stringContaining('--reference REFERENCES')])
  }, 180_000)
})
