import { metricCatalogue } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { stepsOfPhases, validateEvery } from './budget.js'
import {
  comparisonJson,
  comparisonLatex,
  comparisonMarkdown,
  paperTable,
  runsCsv,
  summaryCsv,
} from './outputs/index.js'
import { requireSameSettings } from './settings.js'
import { comparison, config } from './testing.js'
import { TimeLeft } from './time-left.js'

describe('the table', () => {
  const result = comparison()
  const of = (name: string, metric: string) =>
    result.methods.find((method) => method.name === name)!.statistics.find((one) => one.metric === metric)!

  it('has mean and standard deviations over runs, seeds and folds, by hand', () => {
    // Runs 0.7, 0.8, 0.4, 0.6: mean 0.625, squares 0.005625 + 0.030625 + 0.050625 + 0.000625 = 0.0875, / 3.
    const dice = of('unet', 'meanDice')
    expect(dice.mean).toBeCloseTo(0.625, 12)
    expect(dice.sd).toBeCloseTo(Math.sqrt(0.0875 / 3), 12)
    // Seeds 0.55 and 0.7; folds 0.75 and 0.5.
    expect(dice.sdSeeds).toBeCloseTo(0.15 / Math.SQRT2, 12)
    expect(dice.sdFolds).toBeCloseTo(0.25 / Math.SQRT2, 12)
    // One run: no spread. A case without a value is left out of its mean.
    expect(of('other', 'meanDice')).toMatchObject({ runs: 1, mean: 0.75, sd: Number.NaN })
    expect(of('other', 'mae').mean).toBeCloseTo(0.2, 12)
  })

  it('pairs cases by their mean over the seeds', () => {
    const [dice] = result.evaluation!.comparisons
    // unet: a 0.9, b 0.6; other: 0.7, 0.8. c and d are not compared.
    expect(dice).toMatchObject({ metric: 'meanDice', a: 'unet', b: 'other', cases: 2, better: 1, worse: 1 })
    expect(dice!.difference).toBeCloseTo(0, 12)
  })

  it('has costs: median rate, mean time, finished of planned', () => {
    expect(result.methods[0]).toMatchObject({
      framesPerSecond: 10.5,
      trainingSeconds: 90,
      finished: 4,
      planned: 4,
    })
    expect(result.methods[1]).toMatchObject({ finished: 1, planned: 4 })
    expect(result.notes.at(-1)).toBe('other: 1 of 4 runs have finished; its values rest on these.')
  })

  it('sets published numbers beside, never best, and names their source', () => {
    const table = paperTable(result)
    expect(table.rows.map(({ kind, name }) => [kind, name])).toEqual([
      ['ours', 'unet'],
      ['published', 'U-Net'],
      ['ours', 'other'],
      ['published', 'M2SNet'],
    ])
    const texts = table.rows.map(({ cells }) => cells.map(({ text }) => text))
    expect(texts[0]).toEqual(['0.625', '0.225', '1.23', '7.65', '11', '1:30'])
    // Table 1 of the paper: Kvasir, mDice .821, MAE .055; table 6: 7.2 M, 12.2 G, 111 frames a second.
    expect(texts[1]).toEqual(['0.821', '0.055', '7.20', '12.2', '111', '–'])
    expect(texts[3]!.slice(0, 2)).toEqual(['0.912', '0.025'])
    expect(
      table.rows.flatMap(({ kind, cells }) => (kind === 'published' ? cells.map(({ place }) => place) : [])),
    ).toEqual(new Array(12).fill(null))
    // One run of four is no rival of four, whatever its mean.
    expect(
      table.rows.flatMap(({ cells }) => cells.map(({ place }) => place)).some((place) => place === 1),
    ).toBe(false)
    const even = { ...result, methods: result.methods.map((method) => ({ ...method, finished: 4 })) }
    const places = paperTable(even)
      .rows.filter(({ kind }) => kind === 'ours')
      .map(({ cells }) => cells.slice(0, 2))
    // 0.625 against 0.75 of Dice, 0.225 against 0.2 of error.
    expect(places.map((cells) => cells.map(({ place }) => place))).toEqual([
      [2, 2],
      [1, 1],
    ])
    expect(comparisonLatex(even)).toContain('unet & \\underline{0.625} {\\scriptsize$\\pm0.171$} &')
    expect(comparisonMarkdown(even)).toContain('| other | **0.750** |')
    expect(table.sources[0]).toMatch(/table 1 \(Kvasir\).*no test compares them with ours/)
    expect(table.others.map(({ name }) => name)).toContain('SFA')
  })

  it('as Markdown, LaTeX, CSV and JSON', () => {
    const markdown = comparisonMarkdown(result)
    expect(markdown).toContain('| unet | 0.625 ± 0.171 | 0.225 ± 0.087 | 1.23 | 7.65 | 11 | 1:30 |')
    expect(markdown).toContain('| *U-Net, published* | 0.821 | 0.055 | 7.20 | 12.2 | 111 | – |')
    expect(markdown).toContain('| other (1 of 4 runs) | 0.750 |')
    expect(markdown).toContain('- other, fold-1-seed-0: Loss is not finite. Lower the rate.')
    const latex = comparisonLatex(result)
    expect(latex).toContain('unet & 0.625 {\\scriptsize$\\pm0.171$} &')
    expect(latex).toContain('\\textcolor{gray}{U-Net, published} & \\textcolor{gray}{0.821}')
    expect(latex).toContain('kvasir\\_small')
    const [heads, first] = summaryCsv(result).split('\r\n')
    expect(heads!.split(',').slice(0, 4)).toEqual(['method', 'metric', 'mean', 'sd'])
    expect(first).toMatch(
      /^unet,meanDice,0\.62\d+,0\.17\d+,0\.10\d+,0\.17\d+,4,4,0\.821,,paper,1234567,7654321000,10\.5,90$/,
    )
    expect(runsCsv(result).split('\r\n')[5]).toMatch(/^other,0,0,2,60,10,.*,0\.75,0\.2$/)
    const json = JSON.parse(comparisonJson(result))
    expect(json).toMatchObject({
      format: 'septum-comparison',
      published: { scores: { id: 'm2snet-kvasir' } },
    })
    expect(json.methods[1].statistics[0].sd).toBeNull()
  })

  it('formulas of metrics become mathematics in LaTeX', () => {
    const named = { ...result, metrics: [metricCatalogue.get('weightedF')!] }
    expect(comparisonLatex(named)).toContain('F$_{\\beta}$$^{w}$ $\\uparrow$')
  })
})

describe('budget', () => {
  const phase = (name: string, steps: number, batchSize: number) => ({
    name,
    steps,
    batchSize,
    accumulate: 1,
  })

  it.each([
    // All steps to the only phase.
    ['one phase', [phase('a', 20_000, 8)], { kind: 'steps', steps: 300 }, 100, { a: 300 }],
    // 10 epochs of 100 cases in batches of 8: 1000 / 8 = 125.
    ['epochs', [phase('a', 20_000, 8)], { kind: 'epochs', epochs: 10 }, 100, { a: 125 }],
    // 1 : 3 of 400 steps.
    [
      'two phases',
      [phase('a', 10, 8), phase('b', 30, 4)],
      { kind: 'steps', steps: 400 },
      100,
      { a: 100, b: 300 },
    ],
    // Images 80 and 120 of 200: shares 0.4 and 0.6 of 10 epochs of 100: 400 / 8 and 600 / 4.
    [
      'epochs of two',
      [phase('a', 10, 8), phase('b', 30, 4)],
      { kind: 'epochs', epochs: 10 },
      100,
      { a: 50, b: 150 },
    ],
    [
      'never none',
      [phase('a', 1, 8), phase('b', 999, 8)],
      { kind: 'steps', steps: 10 },
      100,
      { a: 1, b: 10 },
    ],
  ] as const)('%s', (_, phases, budget, cases, expected) => {
    expect(stepsOfPhases(phases, budget, cases)).toEqual(expected)
  })

  it('a short training is validated five times, a long one as often as configured', () => {
    expect([
      validateEvery(500, { a: 100 }),
      validateEvery(500, { a: 3 }),
      validateEvery(500, { a: 9000 }),
    ]).toEqual([20, 1, 500])
  })
})

it('time left goes by the method, else by all', () => {
  const runs = ['slow', 'fast', 'new', 'slow', 'fast', 'new'].map((entry) => ({ entry }))
  const time = new TimeLeft(runs)
  expect(time.text()).toBeUndefined()
  time.done(runs[0]!, 100)
  time.done(runs[1]!, 20)
  // slow 100, fast 20, new twice the mean of all, 60.
  expect([time.left, time.text()]).toEqual([240, '4:00'])
  time.done(runs[2]!, null)
  expect(time.left).toBe(180)
})

it('a run is taken only with the settings that it was made with; where and how fast it ran does not matter', () => {
  const now = {
    ...config,
    device: 'cuda',
    threads: 4,
    data: { ...config.data, path: 'elsewhere', splits: 'x.json' },
  }
  expect(() => requireSameSettings(config, now, 'f')).not.toThrow()
  const other = { ...config, options: { lr: 1 } }
  expect(() => requireSameSettings(config, other, 'f')).toThrow('options.lr nothing, not 1')
})
