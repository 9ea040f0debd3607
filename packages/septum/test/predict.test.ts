import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentReporter } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPicture, writePng } from '../src/formats/index.js'
import { predictRun } from '../src/training/index.js'
import { septumHere } from './run-here.js'
import { madeUpData, removeFolder, temporaryFolder, tinyTraining } from './tiny-run.js'

let folder: string
let data: string
let trained: Awaited<ReturnType<typeof septumHere>>
const at = (...names: readonly string[]): string => join(folder, ...names)
const common = {
  samples: 3,
  seed: 4,
  device: 'cpu',
  threads: 1,
  reporter: silentReporter,
  signal: new AbortController().signal,
}

beforeAll(async () => {
  folder = temporaryFolder()
  // Larger than the 16 x 16 that the network sees, of odd height.
  data = await madeUpData(at('data'), { cases: 12, size: [21, 24] })
  trained = await septumHere(tinyTraining(data, at('run'), '--set', 'data.splits=null'))
  expect(trained.stderr).not.toContain('error')
}, 60_000)
afterAll(() => removeFolder(folder))

const filesOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort()

const contents = (dir: string) =>
  Object.fromEntries(filesOf(dir).map((name) => [name, readFileSync(join(dir, name), 'base64')]))

describe('a trained run', () => {
  it('has a log of every step and TensorBoard events, and tells the share of waiting', () => {
    const lines = readFileSync(at('run', 'log.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const steps = lines.filter(({ event }) => event === 'step')
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1))
    expect(steps.map(({ phase }) => phase)).toEqual([
      ...Array(12).fill('autoencoder'),
      ...Array(12).fill('segmentor'),
    ])
    expect(steps[0]).toMatchObject({
      phaseStep: 1,
      losses: { total: expect.any(Number) },
      learningRate: 0.003,
    })
    expect(lines.filter(({ event }) => event === 'validation').map(({ step }) => step)).toEqual([
      6, 12, 18, 24,
    ])
    const [events] = readdirSync(at('run', 'tensorboard'))
    expect(events).toMatch(/^events\.out\.tfevents\./)
    expect(readFileSync(at('run', 'tensorboard', events!)).includes('autoencoder/total')).toBe(true)
    expect(trained.stdout).toMatch(/\d+\.\d % of the step time went into waiting for data/)
  })
})

describe('predict', () => {
  it('writes mask, probability, uncertainty and samples of the size of the image', async () => {
    const image = join(data, 'images', 'c1.png')
    const { files } = await predictRun({ ...common, run: at('run'), inputs: [image], out: at('one') })
    expect(filesOf(at('one'))).toEqual(
      [
        'c1.png',
        'probability/c1.png',
        'uncertainty/c1.png',
        ...['001', '002', '003'].map((s) => `samples/c1/${s}.png`),
      ].sort(),
    )
    expect(files).toBe(6)
    for (const name of filesOf(at('one'))) {
      const { data: values, shape } = await readPicture(at('one', name))
      expect(shape).toEqual([1, 21, 24])
      if (!/^(prob|uncert)/.test(name)) expect([0, 255]).toEqual(expect.arrayContaining([...new Set(values)]))
      // Outside the centre window of 16 x 16 (rows 2 to 17, columns 4 to 19) nothing is marked.
      values.forEach((value, i) => {
        const [y, x] = [Math.floor(i / 24), i % 24]
        if (y < 2 || y >= 18 || x < 4 || x >= 20) expect(value).toBe(0)
      })
    }
    // The fused mask is what most of the samples marked.
    const samples = await Promise.all(
      ['001', '002', '003'].map((s) => readPicture(at('one', 'samples', 'c1', `${s}.png`))),
    )
    expect(samples.some(({ data: mask }) => mask.includes(255))).toBe(true)
    const fused = await readPicture(at('one', 'c1.png'))
    const votes = samples[0]!.data.map((_, i) =>
      samples.filter(({ data: mask }) => mask[i]! > 0).length >= 2 ? 255 : 0,
    )
    expect([...fused.data]).toEqual([...votes])
  })

  it('gives the same bytes for the same seed and other samples for another', async () => {
    const predict = (seed: number, out: string) =>
      predictRun({ ...common, seed, run: at('run'), inputs: [join(data, 'images')], out: at(out) })
    await predict(4, 'first')
    await predict(4, 'second')
    await predict(5, 'other')
    expect(contents(at('second'))).toEqual(contents(at('first')))
    expect(contents(at('other'))).not.toEqual(contents(at('first')))
    expect(filesOf(at('other'))).toEqual(filesOf(at('first')))
  })

  it('goes on after an image that cannot be read, and says which', async () => {
    mkdirSync(at('mixed'))
    writeFileSync(at('mixed', 'a.png'), 'not a picture')
    for (const name of ['b', 'c'])
      writeFileSync(at('mixed', `${name}.png`), readFileSync(join(data, 'images', 'c0.png')))
    const { code, stdout, stderr } = await septumHere([
      'predict',
      at('run'),
      at('mixed'),
      '--out',
      at('mixed masks'),
      '--samples',
      '2',
    ])
    expect(code).toBe(0)
    expect(stdout).toContain('Segmented 2 images with 2 samples each')
    expect(stderr).toMatch(/but text \(.*mixed\/a\.png\)/)
    expect(stderr).toContain('1 of 3 images could not be segmented')
    expect(filesOf(at('mixed masks')).filter((name) => !name.includes('/'))).toEqual(['b.png', 'c.png'])

    rmSync(at('mixed', 'b.png'))
    rmSync(at('mixed', 'c.png'))
    const alone = await septumHere(['predict', at('run'), at('mixed'), '--out', at('nothing')])
    expect([alone.code, alone.stderr]).toEqual([1, expect.stringMatching(/error: .*but text .*a\.png/)])
  })

  it('refuses colour images for a grey model only where it must, images of one name, folders without images', async () => {
    await writePng(at('rgb.png'), { data: new Uint8Array(3 * 20 * 20).fill(99), shape: [3, 20, 20] })
    expect(
      (await predictRun({ ...common, run: at('run'), inputs: [at('rgb.png')], out: at('rgb') })).cases,
    ).toBe(1)
    const image = join(data, 'images', 'c1.png')
    const twice = await septumHere(['predict', at('run'), image, image, '--out', at('twice')])
    expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining('Two images are named c1')])
    mkdirSync(at('bare'))
    const bare = await septumHere(['predict', at('run'), at('bare'), '--out', at('twice')])
    expect([bare.code, bare.stderr]).toEqual([
      1,
      expect.stringMatching(/holds no image of a known format \(.*bare\)/),
    ])
  })
})

it('evaluating written samples gives the numbers of evaluating the run with the same seed', async () => {
  const more = ['--samples', '3', '--seed', '4', '--device', 'cpu', '--threads', '1']
  const written = await septumHere(['predict', at('run'), '--split', 'test', '--out', at('split'), ...more])
  expect(written.code).toBe(0)
  const json = (text: string) => JSON.parse(text.trim().split('\n').at(-1)!)
  const own = json((await septumHere(['evaluate', at('run'), '--json', ...more])).stdout)
  const argv = ['evaluate', `run=${at('split')}`, '--reference', data, '--json', '--seed', '4']
  const scored = json((await septumHere(argv)).stdout)
  expect(own.cases).toBeGreaterThan(0)
  const exact = own.metrics
    .filter((one: { input: string }) => one.input === 'hypotheses')
    .map((one: { id: string }) => one.id)
  expect(exact).toContain('ged')
  const byCase = (list: { case: string; values: Record<string, number> }[]) =>
    Object.fromEntries(list.map(({ case: name, values }) => [name, exact.map((id: string) => values[id])]))
  expect(byCase(scored.perCase)).toEqual(byCase(own.perCase))
  expect([scored.samples, scored.raters]).toEqual([own.samples, own.raters])
})
