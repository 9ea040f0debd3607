import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readImage } from '../src/formats/index.js'
import { septumHere } from './run-here.js'
import { logOf, madeUpData, removeFolder, temporaryFolder, weightsOf } from './tiny-run.js'

let folder: string
const at = (...names: readonly string[]): string => join(folder, ...names)

beforeAll(async () => {
  folder = temporaryFolder()
  await madeUpData(at('discs'), { cases: 10, size: [32, 32], raters: 1 })
  await madeUpData(at('small'), { cases: 8, size: [24, 20], raters: 2 })
  writeFileSync(at('discs', 'dataset.yaml'), 'name: discs\nclasses: [disc]\n')
  writeFileSync(at('small', 'dataset.yaml'), 'name: small\nclasses: [blob]\n')
})
afterAll(() => removeFolder(folder))

const tiny = {
  'data.imageSize': '[32,32]',
  'data.resize': 'stretch',
  'training.validateEvery': 2,
  'training.checkpointEvery': 1,
  'training.logEvery': 1,
  'training.pictures': 0,
  'options.encoder': 'mobilenet-v2',
  'options.encoderWidth': 0.125,
  'options.channels': 8,
  'options.lossNet': 'none',
  'options.batchSize': 4,
  'options.steps': 4,
  'options.sizes': '[1]',
}
const train = (run: string, more: Readonly<Record<string, unknown>> = {}, rest: readonly string[] = []) =>
  septumHere([
    'train',
    at('discs'),
    at('small'),
    ...['--method', 'm2snet', '--out', at(run), '--threads', '1', '--device', 'cpu', '--no-export'],
    ...Object.entries({ ...tiny, ...more }).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ...rest,
  ])
const taskOf = (run: string) => JSON.parse(readFileSync(at(run, 'task.json'), 'utf8'))

describe('one network on two data sets', () => {
  it('learns one class from both, in batches of equal shares, and scores each by itself', async () => {
    const ran = await train('one')
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stderr).toMatch(/discs: 6 training, 2 validation, 2 test cases; disc learnt as target/)
    expect(ran.stderr).toMatch(/small: 6 training, 1 validation, 1 test cases; blob learnt as target/)
    expect(taskOf('one')).toMatchObject({
      classes: ['target'],
      raters: 2,
      imageChannels: 1,
      parts: [
        { name: 'discs', classes: ['disc'], annotated: [0], labels: [[1, 1]], raters: 1 },
        { name: 'small', classes: ['blob'], annotated: [0], labels: [[1, 1]], raters: 2 },
      ],
    })
    expect(readFileSync(at('one', 'config.yaml'), 'utf8')).toMatch(/more:\n\s+- path: .*small/)
    const validations = logOf(at('one')).filter(({ event }) => event === 'validation')
    const metrics = validations[0]!.metrics as Record<string, number>
    expect(Object.keys(metrics)).toEqual(['dice', 'discs.dice', 'small.dice'])
    expect(metrics.dice).toBeCloseTo((metrics['discs.dice']! + metrics['small.dice']!) / 2, 12)
  }, 120_000)

  it('is evaluated data set by data set, or on the one that is named', async () => {
    const ran = await septumHere(['evaluate', at('one'), '--out', at('scores'), '--json'])
    expect(ran.code).toBe(0)
    const lines = ran.stdout.trim().split('\n')
    const { parts } = JSON.parse(lines.at(-1)!).result ?? JSON.parse(lines.at(-1)!)
    expect(Object.keys(parts)).toEqual(['discs', 'small'])
    expect(existsSync(at('scores', 'discs', 'report.html'))).toBe(true)
    expect(existsSync(at('scores', 'small', 'cases.csv'))).toBe(true)
    const single = await septumHere(['evaluate', at('one'), 'small'])
    expect(single).toMatchObject({ code: 0, stdout: expect.stringMatching(/test split of small/) })
    const folderNamed = await septumHere(['evaluate', at('one'), at('discs')])
    expect(folderNamed).toMatchObject({ code: 0, stdout: expect.stringMatching(/test split of discs/) })
  }, 120_000)

  it('is predicted into a folder for each, at the size of the images', async () => {
    const ran = await septumHere(['predict', at('one'), '--split', 'test', '--out', at('masks')])
    expect(ran.code).toBe(0)
    for (const [name, size] of [
      ['discs', [32, 32]],
      ['small', [24, 20]],
    ] as const) {
      const [file] = readdirSync(at('masks', name)).filter((one) => one.endsWith('.png'))
      const { shape } = await readImage(at('masks', name, file!))
      expect(shape).toEqual([1, ...size])
    }
  }, 120_000)

  it('keeps classes of unlike names apart where that is asked for', async () => {
    expect(await train('named', { 'data.classes': 'named' })).toMatchObject({ code: 0 })
    expect(taskOf('named')).toMatchObject({
      classes: ['disc', 'blob'],
      parts: [
        { annotated: [0], labels: [[1, 1]] },
        { annotated: [1], labels: [[1, 2]] },
      ],
    })
    const { stdout } = await septumHere(['evaluate', at('named'), 'small', '--json'])
    expect(stdout).toMatch(/blob/)
    expect(stdout).not.toMatch(/"class":"disc"/)
  }, 120_000)

  it('gives the same bits twice', async () => {
    const options = { 'options.steps': 3 }
    expect(await train('whole', options)).toMatchObject({ code: 0 })
    expect(await train('again', options)).toMatchObject({ code: 0 })
    expect(weightsOf(at('again'))).toEqual(weightsOf(at('whole')))
  }, 120_000)

  it('says what cannot be trained together', async () => {
    const twice = await septumHere([
      ...['train', at('discs'), at('discs'), '--method', 'm2snet', '--out', at('twice')],
    ])
    expect(twice).toMatchObject({ code: 1, stderr: expect.stringMatching(/Two data sets are called discs/) })
    const unknowing = await septumHere([
      ...['train', at('discs'), at('small'), '--method', 'ar-seg', '--out', at('unknowing')],
      ...['--set', 'data.classes=named', '--set', 'data.imageSize=[32,32]'],
    ])
    expect(unknowing).toMatchObject({ code: 1, stderr: expect.stringMatching(/data.classes=one/) })
    const sizes = await septumHere([
      ...['train', at('discs'), at('small'), '--method', 'm2snet', '--out', at('sizes')],
    ])
    expect(sizes).toMatchObject({ code: 1, stderr: expect.stringMatching(/different sizes/) })
  }, 60_000)
})
