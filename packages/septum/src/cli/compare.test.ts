import { EventEmitter } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writePng } from '../formats/write.js'
import { methods } from '../methods/index.js'
import type { Cli } from './context.js'
import { run } from './program.js'

const side = 32
let folder: string
const at = (...names: string[]) => join(folder, ...names)

/** Twelve grey pictures with a bright disc each, and the disc as mask. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'septum-compare-'))
  mkdirSync(at('data', 'images'), { recursive: true })
  mkdirSync(at('data', 'masks'))
  const random = new Random(7)
  for (let n = 0; n < 12; n++) {
    const [x, y, r] = [10 + 12 * random.uniform(), 10 + 12 * random.uniform(), 4 + 4 * random.uniform()]
    const inside = Uint8Array.from({ length: side * side }, (_, i) =>
      ((i % side) - x) ** 2 + (Math.floor(i / side) - y) ** 2 < r * r ? 1 : 0,
    )
    const image = inside.map((value) => 60 + 130 * value + Math.floor(30 * random.uniform()))
    const name = `case${String(n).padStart(2, '0')}.png`
    await writePng(at('data', 'images', name), { data: image, shape: [1, side, side] })
    await writePng(at('data', 'masks', name), { data: inside.map((v) => 255 * v), shape: [1, side, side] })
  }
  writeFileSync(
    at('compare.yaml'),
    `options:
  batchSize: 4
  rotateDegrees: 0
methods:
  narrow:
    method: unet
    options:
      widths: [4, 8]
  wide: {method: unet, options: {widths: [6, 12], lr: 0.002}}
`,
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The command line with real methods and training. `watch` sees each line of stderr as it comes. */
async function septum(
  argv: readonly string[],
  watch?: (text: string, stop: () => void) => void,
): Promise<Said> {
  const out: string[] = []
  const err: string[] = []
  const signals = new EventEmitter()
  const cli: Cli = {
    stdout: { write: (text) => out.push(text) },
    stderr: {
      write(text) {
        err.push(text)
        watch?.(text, () => signals.emit('SIGINT'))
        return true
      },
    },
    env: { LANG: 'C.UTF-8' },
    argv,
    version: '1.2.3',
    signals,
    exit: () => {},
    load: {
      training: () => import('../training/index.js'),
      exporting: () => import('../export/index.js'),
      evaluation: () => import('../evaluation/index.js'),
      methods: async () => methods,
    },
  }
  const code = await run(cli)
  return { code, stdout: out.join(''), stderr: err.join('') }
}

const compare = (out: string, ...more: string[]) => [
  ...['compare', at('data'), '--config', at('compare.yaml'), '--out', at(out), '--threads', '1'],
  ...['--device', 'cpu', '--metrics', 'dice,mae', '--steps', '4', ...more],
]

interface Stored {
  readonly scores: readonly { readonly case: string; readonly values: Readonly<Record<string, number>> }[]
}
const scoresOf = (out: string, method: string, name: string): Stored =>
  JSON.parse(readFileSync(at(out, 'runs', method, name, 'scores.json'), 'utf8'))
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

describe('a comparison', () => {
  it('of two methods in two folds and two seeds has the table that its stored scores give', async () => {
    const argv = compare('cross', '--methods', 'narrow,wide', '--folds', '2', '--seeds', '2')
    const { code, stdout, stderr } = await septum(argv)
    expect(stderr).not.toContain('failed')
    expect(code).toBe(0)
    expect(stderr).toContain('Run 1 of 8: narrow, fold 0, seed 0.')
    expect(stderr).toMatch(/Run 8 of 8: wide, fold 1, seed 1 \(about 0:\d\d left for all\)\./)
    const results = JSON.parse(readFileSync(at('cross', 'results.json'), 'utf8'))
    for (const method of ['narrow', 'wide']) {
      const runs = ['fold-0-seed-0', 'fold-0-seed-1', 'fold-1-seed-0', 'fold-1-seed-1']
      const byRun = runs.map((name) =>
        mean(scoresOf('cross', method, name).scores.map(({ values }) => values.dice!)),
      )
      const own = results.methods.find(({ name }: { name: string }) => name === method)
      const [dice] = own.statistics
      expect(dice).toMatchObject({ metric: 'dice', runs: 4 })
      expect(dice.mean).toBeCloseTo(mean(byRun), 12)
      const variance = byRun.reduce((sum, value) => sum + (value - mean(byRun)) ** 2, 0) / 3
      expect(dice.sd).toBeCloseTo(Math.sqrt(variance), 12)
      // Two seeds, two folds: the standard deviation of two numbers is their distance over root 2.
      const seeds = [mean([byRun[0]!, byRun[2]!]), mean([byRun[1]!, byRun[3]!])]
      expect(dice.sdSeeds).toBeCloseTo(Math.abs(seeds[0]! - seeds[1]!) / Math.SQRT2, 12)
      const folds = [mean([byRun[0]!, byRun[1]!]), mean([byRun[2]!, byRun[3]!])]
      expect(dice.sdFolds).toBeCloseTo(Math.abs(folds[0]! - folds[1]!) / Math.SQRT2, 12)
      expect(readFileSync(at('cross', 'table.md'), 'utf8')).toMatch(
        new RegExp(`\\| ${method} \\| \\**${dice.mean.toFixed(3)}\\** ± ${dice.sd.toFixed(3)} \\|`),
      )
      // A case is paired with its mean over the seeds.
      const [first] = scoresOf('cross', method, 'fold-0-seed-0').scores
      const again = scoresOf('cross', method, 'fold-0-seed-1').scores.find((one) => one.case === first!.case)!
      const shown = results.evaluation.perCase.find(
        (one: { case: string; method: string }) => one.case === first!.case && one.method === method,
      )
      expect(shown.values.dice).toBeCloseTo((first!.values.dice! + again.values.dice!) / 2, 12)
    }
    // Every case was tested once in each seed; training, validation and test share no patient.
    expect(results.evaluation.cases).toBe(12)
    expect(results.evaluation.comparisons).toHaveLength(2)
    for (const fold of [0, 1]) {
      const { train, val, test } = JSON.parse(
        readFileSync(at('cross', 'splits', `fold-${fold}.json`), 'utf8'),
      )
      expect([train.length, val.length, test.length]).toEqual([5, 1, 6])
      expect(new Set([...train, ...val, ...test]).size).toBe(12)
    }
    expect(stdout).toMatch(/^narrow, wide on data$/m)
    expect(stdout).toMatch(/Next: septum predict .*runs\/(narrow|wide)\/fold-0-seed-0 IMAGES/)
    for (const name of [
      'report.html',
      'summary.csv',
      'runs.csv',
      'cases.csv',
      'comparisons.csv',
      'table.tex',
    ])
      expect(existsSync(at('cross', name)), name).toBe(true)
    const config = readFileSync(at('cross', 'runs', 'wide', 'fold-1-seed-1', 'config.yaml'), 'utf8')
    for (const line of ['lr: 0.002', 'widths: [ 6, 12 ]', 'batchSize: 4', 'unet: 4', 'fold-1.json'])
      expect(config).toContain(line)
  }, 300_000)

  it('typed again keeps what is finished, and scores again without training for other metrics', async () => {
    const weights = () =>
      statSync(at('cross', 'runs', 'narrow', 'fold-0-seed-0', 'weights.safetensors')).mtimeMs
    const before = weights()
    const argv = compare('cross', '--methods', 'narrow,wide', '--folds', '2', '--seeds', '2')
    const again = await septum(argv)
    expect(again.code).toBe(0)
    expect(again.stderr).toContain('8 of 8 runs are finished already and stay as they are.')
    expect(again.stderr).not.toContain('Run 1')
    const other = await septum(argv.map((word) => (word === 'dice,mae' ? 'iou' : word)))
    expect(other.code).toBe(0)
    expect(other.stderr).toContain('Run 1 of 8: narrow, fold 0, seed 0, only to be scored.')
    expect(weights()).toBe(before)
    const { values } = scoresOf('cross', 'narrow', 'fold-0-seed-0').scores[0]!
    expect(Object.keys(values)).toEqual(['iou'])
  }, 300_000)

  it('refuses runs that were made with other settings, before training anything', async () => {
    const set = ['--set', 'methods.wide.options.lr=0.1']
    const argv = compare('cross', '--methods', 'narrow,wide', '--folds', '2', '--seeds', '2', ...set)
    const { code, stderr } = await septum(argv)
    expect(code).toBe(1)
    expect(stderr).toContain('The run was made with options.lr 0.002, not 0.1')
    const folds = await septum(compare('cross', '--methods', 'narrow', '--folds', '3'))
    expect(folds.stderr).toContain('The comparison was begun with another division of the patients')
  })

  it('stopped in the middle of a run goes on, and ends as one that was not stopped', async () => {
    const argv = (out: string) =>
      compare(out, '--methods', 'narrow,wide', '--set', 'training.checkpointEvery=1')
    expect((await septum(argv('whole'))).code).toBe(0)
    const stopped = await septum(argv('parts'), (text, stop) => {
      if (text.includes('Run 2 of 2')) stop()
    })
    expect(stopped.code).toBe(130)
    expect(stopped.stdout).toContain('Stopped: 1 of 2 runs have finished')
    expect(stopped.stdout.trimEnd().split('\n').at(-1)).toBe(`Next: septum ${argv('parts').join(' ')}`)
    expect(existsSync(at('parts', 'runs', 'wide', 'seed-0', 'scores.json'))).toBe(false)
    const finished = await septum(argv('parts'))
    expect(finished.code).toBe(0)
    expect(finished.stderr).toContain('Run 2 of 2: wide, seed 0, going on')
    for (const method of ['narrow', 'wide'])
      expect(scoresOf('parts', method, 'seed-0').scores).toEqual(scoresOf('whole', method, 'seed-0').scores)
  }, 300_000)

  it('goes on when a method fails, says so, and ends with 1', async () => {
    const set = ['--set', 'methods.wide.data.imageSize=[32,32]', '--set', 'methods.wide.options.lr=1e30']
    const { code, stdout, stderr } = await septum(compare('broken', '--methods', 'wide,narrow', ...set))
    expect(code).toBe(1)
    expect(stderr).toMatch(/warning: wide, seed-0 failed: .* The other runs go on\./)
    expect(stdout).toMatch(/^narrow on data$/m)
    expect(stdout).toMatch(/^Failed: wide, seed-0: /m)
    const results = JSON.parse(readFileSync(at('broken', 'results.json'), 'utf8'))
    expect(results.failures).toMatchObject([{ entry: 'wide', run: 'seed-0' }])
    expect(
      results.methods.map(({ name, finished }: { name: string; finished: number }) => [name, finished]),
    ).toEqual([
      ['wide', 0],
      ['narrow', 1],
    ])
  }, 300_000)
})

describe('wrong use', () => {
  it.each([
    [['--methods', 'narow'], 'There is no method "narow" (--methods)', 'Did you mean narrow?'],
    [['--methods', 'm2sent'], 'There is no method "m2sent" (--methods)', 'Did you mean m2snet?'],
    [['--methods', 'narrow,narrow'], 'narrow is named twice', 'Name each once'],
    [['--methods', '../x'], 'cannot be the name of a folder', 'Use letters'],
    [
      ['--set', 'options.widhts=[1,2]'],
      'None of the methods has an option widhts',
      'Did you mean options.widths?',
    ],
    [
      ['--set', 'methods.other.seed=1'],
      'This names no method of the comparison',
      '--set methods.narrow.options.lr=0.001',
    ],
    [['--epochs', '3'], '--steps and --epochs exclude each other', 'Leave one out'],
    [['--metrics', 'dise'], 'There is no metric "dise"', 'Did you mean dice'],
  ])('%s', async (words, message, hint) => {
    const { code, stderr } = await septum(compare('wrong', ...words))
    expect([code === 0, stderr.includes(message), stderr.includes(hint)], stderr).toEqual([false, true, true])
    expect(existsSync(at('wrong', 'runs'))).toBe(false)
  })

  it('a data set too small for the folds', async () => {
    const { code, stderr } = await septum(compare('small', '--methods', 'narrow', '--folds', '13'))
    expect(code).toBe(1)
    expect(stderr).toContain('12 patients cannot be compared in 13 folds')
  })

  it('names the line of a wrong value in the file, in the part of a method too', async () => {
    const file = at('wrong.yaml')
    writeFileSync(
      file,
      'options:\n  batchSize: 4\nmethods:\n  narrow:\n    method: unet\n    options:\n      lr: -1\n',
    )
    const { code, stderr } = await septum(['compare', at('data'), '--config', file, '--out', at('wrong')])
    expect(code).toBe(2)
    expect(stderr).toContain(`options.lr is -1, but a number above 0 is expected (${file}:7)`)
  })
})

it('options that a method lacks are left to those that have them', async () => {
  const argv = compare('shared', '--methods', 'narrow,msnet', '--set', 'options.encoder=nonsense')
  const { code, stderr } = await septum(argv)
  expect(code).toBe(2)
  // U-Net has no encoder: the value reaches MSNet alone, whose schema refuses it.
  expect(stderr).toContain('options.encoder is "nonsense"')
})

describe('profile', () => {
  it('lists every layer with its totals', async () => {
    const { code, stdout } = await septum([
      'profile',
      'unet',
      '--size',
      '8x8',
      '--channels',
      '1',
      '--set',
      'options.widths=[2,4]',
    ])
    expect(code).toBe(0)
    // 1 x 2 x 9 weights and 2 biases; 64 pixels x 18: see comparison/cost/cost.test.ts.
    expect(stdout).toMatch(/conv +Conv2d +20 +1,152 +\d+\.\d % +1 x 2 x 8 x 8/)
    expect(stdout).toMatch(/^total +\d{3} +\d+,\d{3} +100\.0 %$/m)
  })

  it('with --depth shows sums, with --json everything', async () => {
    const argv = ['profile', 'unet', '--size', '8', '--set', 'options.widths=[2,4]']
    const { stdout } = await septum([...argv, '--depth', '1'])
    expect(
      stdout.split('\n').filter((line) => /^\S+ +[\d,]+ +[\d,]+ +\d+\.\d %/.test(line)),
    ).not.toHaveLength(0)
    expect(stdout).not.toContain('BatchNorm2d')
    const json = JSON.parse((await septum([...argv, '--json'])).stdout.trim().split('\n').at(-1)!)
    expect(json).toMatchObject({ event: 'result', command: 'profile', method: 'unet', imageSize: [8, 8] })
    expect(json.layers.reduce((sum: number, layer: { macs: number }) => sum + layer.macs, 0)).toBe(json.macs)
  })

  it('knows the nearest method, and what a size is', async () => {
    expect((await septum(['profile', 'unte'])).stderr).toContain('Did you mean unet?')
    expect((await septum(['profile', 'unet', '--size', 'big'])).stderr).toContain(
      'Height and width are expected',
    )
  })
})
