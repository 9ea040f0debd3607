import { EventEmitter } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { SeptumError } from '@septum/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PredictedCase, TrainingApi, TrainRequest } from '../training/api.js'
import { runFake, testScores } from './test-support/fake-cli.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const finished = {
  interrupted: false,
  steps: 4,
  totalSteps: 4,
  testCases: 3,
  phases: [],
  seconds: 2,
  dataWait: 0.01,
}
const train = (...more: string[]) => ['train', 'd', '--method', 'ar-seg', '--out', folder, ...more]

describe('wrong usage ends with 2 and one sentence', () => {
  it.each([
    [['trian'], "error: Unknown command 'trian'.\n  Did you mean train?\n"],
    [['help', 'trian'], "error: Unknown command 'trian'.\n  Did you mean train?\n"],
    [['train', '--metod', 'x', '--out', 'y'], "error: Unknown option '--metod'.\n  Did you mean --method?\n"],
    [
      ['train', 'd'],
      "error: Required option '--out <dir>' not specified.\n  Type septum train --help for what it takes.\n",
    ],
    [
      ['train', 'd', '--out', 'nowhere', '--method', 'arseg'],
      'error: There is no method "arseg" (--method arseg).\n  Did you mean ar-seg?\n',
    ],
    [['methods', 'unt'], 'error: There is no method "unt".\n  Did you mean unet?\n'],
    [['train', 'd', '--out', 'x', '--seed', '-1'], /--seed <n>.*A whole number of at least 0/],
    [['predict', 'nowhere', '--out', 'm'], /No image is given/],
    [['predict', 'nowhere', 'a.png', '--split', 'test', '--out', 'm'], /Both images and --split/],
    [['predict', 'nowhere', 'a.png', '--out', 'm'], /run does not exist \(nowhere\)/],
    [
      ['data'],
      /No command is named\.\n {2}Type septum data followed by one of: check, split, convert, layouts/,
    ],
    [
      ['train', 'd', '--method', 'ar-seg', '--out', 'nowhere', '--set', 'training.steps=20'],
      /Say options\.steps=20 where the method has one phase/,
    ],
    [['evaluate', 'nowhere'], /run does not exist \(nowhere\)/],
    [['evaluate', 'a', 'b', '--samples', '3'], /--samples is for runs/],
    [['evaluate'], /Missing required argument 'run\|predictions'/],
  ])('%j', async (argv, expected) => {
    const { code, stdout, stderr } = await runFake(argv)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(expected instanceof RegExp ? expected : /^error: /)
    if (typeof expected === 'string') expect(stderr).toBe(expected)
  })

  it('is JSON with --json', async () => {
    const { code, stdout, stderr } = await runFake(['train', '--json', '--metod', 'x', '--out', 'y'])
    expect([code, stderr]).toEqual([2, ''])
    expect(JSON.parse(stdout)).toEqual({
      event: 'error',
      code: 'usage-unknown-option',
      message: "Unknown option '--metod'",
      hint: 'Did you mean --method?',
      place: {},
    })
  })
})

describe('help', () => {
  it.each([
    [['--help'], 0],
    [['train', '--help'], 0],
    [['predict', '-h'], 0],
    [['evaluate', '--help'], 0],
    [['help', 'methods'], 0],
    [[], 2],
  ])('%j ends with an example', async (argv, expected) => {
    const { code, stdout, stderr } = await runFake(argv)
    expect([code, stderr]).toEqual([expected, ''])
    expect(stdout).toMatch(/\nExamples?:\n {2}\$ septum \w+/)
  })

  it('prints the version', async () => {
    expect(await runFake(['--version'])).toMatchObject({ code: 0, stdout: '1.2.3\n' })
  })
})

describe('train', () => {
  it('hands over the resolved configuration and says what to type next', async () => {
    let seen: TrainRequest | undefined
    const { code, stdout } = await runFake(train('--seed', '7', '--set', 'options.depth=2'), {
      training: {
        train: async (request) => {
          seen = request
          return { ...finished, run: request.out }
        },
      },
    })
    expect(code).toBe(0)
    expect(seen).toMatchObject({ resume: false, out: folder, config: { seed: 7, options: { depth: 2 } } })
    expect(seen?.config.data.path).toBe(join(process.cwd(), 'd'))
    expect(seen?.configText).toContain(`# septum train d --method ar-seg --out ${folder} --seed 7`)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`Next: septum evaluate ${folder} --split test`)
  })

  it('writes a bundle at the end, which never costs the run', async () => {
    const training = { train: async () => ({ ...finished, run: folder }) }
    const done = await runFake(train('--set', 'licence=CC0-1.0'), {
      training,
      exportRun: async ({ run, licence, images }) => ({
        out: `${run}/model`,
        method: 'ar-seg',
        files: 2,
        bytes: 1_500_000,
        images,
        maxDifference: 2e-6,
        fixedSize: licence === 'CC0-1.0',
        seconds: 3,
      }),
    })
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toContain(
      `Bundle in ${folder}/model: 1.5 MB, at most 0.0000020 from the trained model, written in 0:03.`,
    )
    const graphless = new SeptumError(
      'export-operator',
      'The operator svd in encoder has no ONNX form',
      'No.',
    )
    const without = await runFake(train(), { training, exportRun: () => Promise.reject(graphless) })
    expect(without).toMatchObject({ code: 0, stderr: '' })
    expect(without.stdout).toContain('No bundle: The operator svd in encoder has no ONNX form.')
    const broken = await runFake(train('--json'), {
      training,
      exportRun: () => Promise.reject(new Error('disk')),
    })
    expect(broken.code).toBe(0)
    expect(broken.stdout).toContain(
      `The run is complete, but its bundle was not written: disk. Repeat it with septum export ${folder}.`,
    )
    expect(JSON.parse(broken.stdout.trimEnd().split('\n').at(-1)!)).toMatchObject({
      event: 'result',
      bundle: null,
    })
    const never = await runFake(train('--no-export'), {
      training,
      exportRun: () => Promise.reject(new Error('not asked for')),
    })
    expect(never).toMatchObject({ code: 0, stderr: '' })
    expect(never.stdout).not.toContain('undle')
  })

  it('refuses a folder that holds a run, and resumes it with what it was started with', async () => {
    const requests: TrainRequest[] = []
    const training = {
      train: async (request: TrainRequest) => {
        requests.push(request)
        writeFileSync(join(folder, 'config.yaml'), request.configText)
        return { ...finished, run: folder }
      },
    }
    await runFake(train('--set', 'options.depth=3'), { training })
    expect(await runFake(train(), { training })).toMatchObject({
      code: 2,
      stderr: `error: The folder already holds a run (${folder}).\n  Add --resume to go on with it, or give another --out.\n`,
    })
    const resumed = await runFake(['train', '--resume', '--out', folder, '--threads', '2'], { training })
    expect(resumed).toMatchObject({
      code: 0,
      stderr: 'warning: Going on with threads 2; the run began with 0\n',
    })
    expect(requests[1]).toMatchObject({ resume: true, config: { ...requests[0]!.config, threads: 2 } })
    const other = await runFake(['train', 'd', '--resume', '--out', folder, '--method', 'unet'], { training })
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('method "ar-seg", not "unet"') })
    expect(requests).toHaveLength(2)
  })

  it('prints a foreseen failure without a trace and ends with 1', async () => {
    const problem = new SeptumError('mask-missing', 'There is no mask', 'Add it.', {
      case: 'a\x1b[2J',
      file: 'm.png',
    })
    const { code, stdout, stderr } = await runFake(train(), {
      training: { train: () => Promise.reject(problem) },
    })
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      // Control characters of a file name do not reach the terminal.
      stderr: 'error: There is no mask (case a?[2J, m.png).\n  Add it.\n',
    })
  })

  it('puts system errors into words', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', path: '/runs/x' })
    const { code, stderr } = await runFake(train(), { training: { train: () => Promise.reject(full) } })
    expect([code, stderr]).toEqual([
      1,
      'error: The disk is full (/runs/x).\n  Make room, then go on with --resume or run the command again.\n',
    ])
  })

  it('keeps the trace of an unforeseen error in the run folder, and shows it with --verbose', async () => {
    const training = { train: () => Promise.reject(new TypeError('x is undefined\nmore')) }
    const { code, stderr } = await runFake(train(), { training })
    expect(code).toBe(1)
    const [, file = ''] = /trace is in (\S+\.txt); please report it\.\n$/.exec(stderr) ?? []
    expect(stderr).toMatch(/^error: Something .* foresee: TypeError: x is undefined\.\n/)
    expect(file.startsWith(folder)).toBe(true)
    expect(readFileSync(file, 'utf8')).toMatch(
      /^septum 1\.2\.3.*\nseptum train d [\s\S]*TypeError: x is undefined[\s\S]* at /,
    )
    expect(stderr).not.toContain(' at ')
    expect((await runFake(train('--verbose'), { training })).stderr).toContain(' at ')
  })

  it('lets the first Ctrl-C save and the second end at once', async () => {
    const signals = new EventEmitter()
    const { code, stdout, stderr, exits } = await runFake(train(), {
      signals,
      training: {
        train: async ({ signal, out }) => {
          expect(signal.aborted).toBe(false)
          signals.emit('SIGINT')
          expect(signal.aborted).toBe(true)
          signals.emit('SIGINT')
          return { ...finished, interrupted: true, steps: 2, run: out }
        },
      },
    })
    expect(code).toBe(130)
    expect(exits).toEqual([130])
    expect(stderr).toContain('Ctrl-C: saving a checkpoint, then stopping. Ctrl-C again stops at once.')
    expect(stdout).toContain('Stopped and saved after step 2 of 4')
    expect(stdout).toContain(`Next: septum train --resume --out ${folder}\n`)
    expect(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM')).toBe(0)
  })
})

describe('evaluate', () => {
  /** Two cases of a run: right, and half of the reference marked. */
  const evaluateRun: TrainingApi['evaluateRun'] = async ({ onCase }) => {
    const item = (name: string, patient: string, marks: number[], raters: number[]): PredictedCase => ({
      name,
      patient,
      width: 4,
      height: 1,
      image: Float32Array.of(0, 0.2, 0.4, 1),
      channels: 1,
      classes: [
        {
          name: 'lesion',
          probability: Float32Array.from(marks),
          uncertainty: new Float32Array(4),
          samples: [Uint8Array.from(marks)],
          stages: [],
          raters: [Uint8Array.from(raters)],
          scores: {},
        },
      ],
    })
    await onCase?.(item('one, two', 'p1', [0, 1, 1, 0], [0, 1, 1, 0]))
    await onCase?.(item('three', 'p2', [0, 1, 0, 0], [0, 1, 1, 1]))
    return testScores
  }

  it('scores a run and prints a table with intervals, notes and the next command', async () => {
    writeFileSync(join(folder, 'config.yaml'), 'method: unet\n')
    const out = join(folder, 'scores.csv')
    const argv = ['evaluate', folder, '--metrics', 'dice,iou', '--out', out]
    const { code, stdout } = await runFake(argv, { training: { evaluateRun } })
    expect(code).toBe(0)
    // Dice 1 and 2 x 1 / (1 + 3); IoU 1 and 1/3. Standard deviation of two values: difference / sqrt 2.
    expect(stdout.split('\n')).toEqual([
      'ar-seg on the test split of lidc',
      '2 cases of 2 patients, 0:33',
      '',
      'metric  mean [95 %]              SD  median  cases',
      'Dice ↑  0.750 [0.500, 1.000]  0.354   0.750      2',
      'IoU ↑   0.667 [0.333, 1.000]  0.471   0.667      2',
      '',
      '[ ]: 95 % bootstrap interval over patients.',
      `Scores of each case are in ${out}.`,
      `Next: septum predict ${folder} IMAGES --out masks --preview`,
      '',
    ])
    const name = basename(folder)
    expect(readFileSync(out, 'utf8')).toBe(
      `case,patient,method,class,empty,dice,iou\r\n"one, two",p1,${name},lesion,none,1,1\r\nthree,p2,${name},lesion,none,0.5,0.3333333333333333\r\n`,
    )
  })

  it('writes a page, tables and JSON without NaN', async () => {
    writeFileSync(join(folder, 'config.yaml'), 'method: unet\n')
    const out = join(folder, 'evaluation')
    const ran = await runFake(['evaluate', folder, '--out', out, '--json'], { training: { evaluateRun } })
    expect(ran.code).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject({ event: 'result', command: 'evaluate', cases: 2 })
    expect(readdirSync(out).sort()).toEqual(
      ['cases.csv', 'report.html', 'results.json', 'summary.csv', 'table.md', 'table.tex'].sort(),
    )
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8'))).toMatchObject({
      format: 'septum-evaluation',
      version: 1,
      perCase: [{ case: 'one, two' }, { case: 'three' }],
    })
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('The 2 worst cases')
  })
})

describe('predict', () => {
  it('stops with 130 when the work was aborted', async () => {
    writeFileSync(join(folder, 'config.yaml'), 'method: unet\n')
    const signals = new EventEmitter()
    const { code, stdout, stderr } = await runFake(['predict', folder, 'a.png', '--out', 'm'], {
      signals,
      training: {
        predictRun: async ({ signal }) => {
          signals.emit('SIGTERM')
          signal.throwIfAborted()
          throw new Error('unreachable')
        },
      },
    })
    expect([code, stdout]).toEqual([143, ''])
    expect(stderr).toContain('Stopped before the end.')
    expect(existsSync('m')).toBe(false)
  })
})

describe('methods', () => {
  it('lists the options with defaults and descriptions', async () => {
    const { stdout } = await runFake(['methods', 'ar-seg'])
    expect(stdout.split('\n')).toEqual([
      'ar-seg: Next-scale masks',
      'Samples masks from coarse to fine.',
      'Paper: A paper',
      '',
      'option         default        values         what it is',
      'depth          8              int >= 1       blocks of the transformer',
      'sampling',
      '  temperature  [1, 0.5, 0.1]  [number >= 0]',
      '  block        gpt            gpt | var',
      '  ema          null           0..1 | null',
      'scales         [1, 2]         [int]',
      '',
      'Set one with --set options.depth=VALUE, or below "options:" in a --config file.',
      'Next: septum train DATASET --method ar-seg --out runs/ar-seg',
      '',
    ])
  })

  it('leaves the next command out with --quiet', async () => {
    expect((await runFake(['methods', '--quiet'])).stdout).not.toContain('Next:')
  })
})
