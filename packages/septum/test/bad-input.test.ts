import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writePng } from '../src/formats/index.js'
import { type Ran, septumHere } from './run-here.js'
import { madeUpData, removeFolder, temporaryFolder, tinyTraining, weightsOf } from './tiny-run.js'

let folder: string
let data: string
const at = (...names: readonly string[]): string => join(folder, ...names)
const quick = ['--set', 'training.steps.autoencoder=2', '--set', 'training.steps.segmentor=2']
const train = (from: string, out: string, ...more: readonly string[]) =>
  septumHere(tinyTraining(from, out, ...quick, ...more))

beforeAll(async () => {
  folder = temporaryFolder()
  data = await madeUpData(at('data'))
  expect(await train(data, at('run'))).toMatchObject({ code: 0 })
  const unet = [
    '--method',
    'unet',
    '--set',
    'options.widths=[4,4]',
    '--set',
    'options.steps=2',
    '--threads',
    '1',
  ]
  expect(await septumHere(['train', data, '--out', at('unet'), ...unet])).toMatchObject({ code: 0 })
}, 60_000)
afterAll(() => removeFolder(folder))

/** One sentence with a place, one with a remedy, and no trace. */
function expectSentence({ code, stderr }: Ran, wanted: number, sentence: RegExp, remedy: RegExp): void {
  const lines = stderr.trimEnd().split('\n')
  const from = lines.findIndex((line) => line.startsWith('error: '))
  expect(lines.slice(from).join('\n')).toMatch(sentence)
  expect(lines.slice(from + 1).join('\n')).toMatch(remedy)
  expect(stderr).not.toMatch(/^\s+at |Something went wrong/m)
  expect(code).toBe(wanted)
}

/** All files of a folder with their contents. */
function snapshot(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    names.map((entry) => [
      join(entry.parentPath, entry.name),
      readFileSync(join(entry.parentPath, entry.name), 'base64'),
    ]),
  )
}

const grey = (height: number, width: number) => ({
  data: Uint8Array.from({ length: height * width }, (_, i) => (i % 5 === 0 ? 255 : 0)),
  shape: [1, height, width],
})

describe('a data set that cannot be used is told in a sentence before anything is written', () => {
  it.each<[string, (dir: string) => Promise<void> | void, RegExp, RegExp]>([
    [
      'a missing mask',
      (dir) => rmSync(join(dir, 'masks/rater1/c3.png')),
      /no mask of rater rater1 \(case c3, .*c3\.png\)/,
      /Add it, or say/,
    ],
    ['unequal sizes', (dir) => writePng(join(dir, 'masks/rater0/c2.png'), grey(16, 15)), /c2/, /\S/],
    [
      'a text file named .png',
      (dir) => writeFileSync(join(dir, 'images/c1.png'), 'not a picture\n'),
      /but text .*images\/c1\.png/,
      /remove it/,
    ],
    [
      'a truncated PNG',
      (dir) => truncateSync(join(dir, 'masks/rater0/c4.png'), 60),
      /damaged or cut off .*rater0\/c4\.png/,
      /Copy it again/,
    ],
    [
      'an image 30,000 pixels wide',
      async (dir) => {
        const wide = sharp({ create: { width: 30_000, height: 2, channels: 3, background: 'black' } })
        await wide.toColourspace('b-w').png().toFile(join(dir, 'images/c5.png'))
      },
      /30000 x 2 pixels, more than the limit .*c5\.png/,
      /Cut it into tiles/,
    ],
  ])('%s', async (name, spoil, sentence, remedy) => {
    const dir = await madeUpData(at(`data ${name}`))
    await spoil(dir)
    expectSentence(await train(dir, at(`run ${name}`)), 1, sentence, remedy)
    expect(readdirSync(folder)).not.toContain(`run ${name}`)
  })

  it('an empty folder, and a folder that is not there', async () => {
    mkdirSync(at('empty'))
    expectSentence(await train(at('empty'), at('none')), 1, /empty/, /\S/)
    expectSentence(await train(at('nowhere'), at('none')), 1, /nowhere/, /\S/)
    expect(readdirSync(folder)).not.toContain('none')
  })
})

describe('masks in other codings', () => {
  it.each([1, 255])('0 and %i train', async (mark) => {
    const dir = await madeUpData(at(`marks ${mark}`), { mark })
    const { code, stderr } = await train(dir, at(`run marks ${mark}`))
    expect([code, stderr]).toEqual([0, expect.stringContaining(`value ${mark} = foreground`)])
  })

  it('three colours train as two classes', async () => {
    const dir = await madeUpData(at('colours'), { raters: 1 })
    for (let n = 0; n < 8; n++) {
      const planes = new Uint8Array(3 * 256)
      for (let i = 0; i < 256; i++) {
        if (i % 16 > 8) planes[i] = 255
        else if (i % 16 > 4) planes[256 + i] = 255
      }
      await writePng(join(dir, 'masks', 'rater0', `c${n}.png`), { data: planes, shape: [3, 16, 16] })
    }
    const { code, stderr } = await train(dir, at('run colours'))
    expect([code, stderr]).toEqual([0, expect.stringContaining('#')])
    expect(JSON.parse(readFileSync(at('run colours', 'task.json'), 'utf8')).classes).toHaveLength(2)
  })
})

describe('a folder that cannot be written', () => {
  it('of a run, of predictions, of scores', async () => {
    writeFileSync(at('file'), 'a file')
    expectSentence(
      await train(data, at('file', 'run')),
      1,
      /folder of the run cannot be written.*file\/run/,
      /--out/,
    )
    const image = join(data, 'images', 'c0.png')
    expectSentence(
      await septumHere(['predict', at('run'), image, '--out', at('file', 'masks')]),
      1,
      /cannot be made.*masks/,
      /--out/,
    )
    expectSentence(
      await septumHere(['evaluate', at('run'), '--samples', '2', '--out', at('file', 'scores.csv')]),
      1,
      /scores\.csv/,
      /\S/,
    )
    expect(readFileSync(at('file'), 'utf8')).toBe('a file')
  })

  it('or whose disk is full', async () => {
    mkdirSync(at('full'))
    // Every write to this device fails with ENOSPC.
    symlinkSync('/dev/full', at('full', 'log.jsonl'))
    expectSentence(
      await train(data, at('full')),
      1,
      /log cannot be written \(ENOSPC\) \(.*log\.jsonl\)/,
      /Make room.*--resume/,
    )
  })
})

describe('files of another run', () => {
  const resume = () => septumHere(['train', '--resume', '--out', at('run')])
  const swapped = async (name: string, from: string, work: () => Promise<void>) => {
    const file = at('run', name)
    const before = snapshot(at('run'))
    renameSync(file, at('kept'))
    copyFileSync(from, file)
    const after = snapshot(at('run'))
    try {
      await work()
      expect(snapshot(at('run'))).toEqual(after)
    } finally {
      renameSync(at('kept'), file)
    }
    expect(snapshot(at('run'))).toEqual(before)
  }

  it('a checkpoint of another method', () =>
    swapped('checkpoints/last.safetensors', at('unet', 'checkpoints', 'last.safetensors'), async () => {
      expectSentence(
        await resume(),
        1,
        /of the method 'unet', not 'ar-seg' .*last\.safetensors/,
        /--method unet/,
      )
    }))

  it('weights of another method', () =>
    swapped('weights.safetensors', at('unet', 'weights.safetensors'), async () => {
      const answer = await septumHere(['evaluate', at('run'), '--samples', '2'])
      expectSentence(answer, 1, /weights .*weights\.safetensors/, /\S/)
    }))

  it('a text file as checkpoint, a cut checkpoint', async () => {
    writeFileSync(at('text'), 'no checkpoint at all')
    await swapped('checkpoints/last.safetensors', at('text'), async () => {
      expectSentence(await resume(), 1, /last\.safetensors/, /\S/)
    })
    copyFileSync(at('run', 'checkpoints', 'last.safetensors'), at('cut'))
    truncateSync(at('cut'), 50_000)
    await swapped('checkpoints/last.safetensors', at('cut'), async () => {
      expectSentence(await resume(), 1, /last\.safetensors/, /\S/)
    })
  })

  it('a config.yaml of other settings, of another method, or none at all', async () => {
    const text = readFileSync(at('run', 'config.yaml'), 'utf8')
    const edits: [string, number, RegExp][] = [
      [
        text.replace(/^seed: 5$/m, 'seed: 6'),
        2,
        /made with other settings or another data set .*last\.safetensors/,
      ],
      [readFileSync(at('unet', 'config.yaml'), 'utf8'), 1, /of the method 'ar-seg', not 'unet'/],
      ['method: [\n', 2, /config\.yaml/],
    ]
    for (const [content, code, sentence] of edits) {
      expect(content).not.toBe(text)
      writeFileSync(at('other.yaml'), content)
      await swapped('config.yaml', at('other.yaml'), async () => {
        expectSentence(await resume(), code, sentence, /\S/)
      })
    }
  })

  it('another data set under the same run', async () => {
    const other = await madeUpData(at('other data'), { cases: 9 })
    const before = snapshot(at('run'))
    const answer = await septumHere(['train', other, '--resume', '--out', at('run')])
    expectSentence(answer, 2, /other settings or another data set/, /same command/)
    // The run still knows its own data, and goes on with it.
    expect(snapshot(at('run'))).toEqual(before)
    const weights = weightsOf(at('run'))
    expect(await resume()).toMatchObject({ code: 0, stderr: expect.stringContaining('finished already') })
    expect(weightsOf(at('run'))).toEqual(weights)
  })

  it('a damaged task.json or config.yaml in a trained run', async () => {
    for (const name of ['task.json', 'config.yaml']) {
      writeFileSync(at('damaged'), '{ "dimensions": [')
      await swapped(name, at('damaged'), async () => {
        expectSentence(await septumHere(['evaluate', at('run'), '--samples', '2']), 1, new RegExp(name), /\S/)
      })
    }
  })
})
