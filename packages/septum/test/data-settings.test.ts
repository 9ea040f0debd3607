import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMetadata } from '@septum/torch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { splitByPatient, splitHash } from '../src/datasets/index.js'
import { readImage, writeImage, writePng } from '../src/formats/index.js'
import { fingerprint } from '../src/training/checkpoint.js'
import { septumHere } from './run-here.js'
import { logOf, madeUpData, removeFolder, septum, temporaryFolder, weightsOf } from './tiny-run.js'

let folder: string
const at = (...names: readonly string[]): string => join(folder, ...names)
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => removeFolder(folder))

const settings = {
  'options.widths': [4, 8],
  'options.steps': 6,
  'options.batchSize': 2,
  'options.lr': 0.01,
  'training.validateEvery': 3,
  'training.checkpointEvery': 2,
  'training.logEvery': 1,
}
const training = (data: string, run: string, more: Readonly<Record<string, unknown>> = {}): string[] => [
  ...[
    'train',
    data,
    '--method',
    'unet',
    '--out',
    at(run),
    '--seed',
    '3',
    '--threads',
    '1',
    '--device',
    'cpu',
    '--no-export',
  ],
  ...Object.entries({ ...settings, ...more }).flatMap(([key, value]) => [
    '--set',
    `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  ]),
]
const taskOf = (run: string) => JSON.parse(readFileSync(at(run, 'task.json'), 'utf8'))

async function trained(data: string, run: string, more: Readonly<Record<string, unknown>> = {}) {
  const ran = await septumHere(training(data, run, more))
  expect(ran).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/^(error|warning)/m) })
  return ran
}

/** Volumes of a bright ball on dark ground, [D, H, W], anisotropic and oblique; a ball within is label 2. */
async function madeUpVolumes(
  name: string,
  label = (inside: boolean, core: boolean) => (core ? 2 : inside ? 1 : 0),
) {
  for (const part of ['images', 'labels']) mkdirSync(at(name, part), { recursive: true })
  for (let n = 0; n < 8; n++) {
    const size = [10 + (n % 2), 18, 20] as const
    const samples = size[0] * size[1] * size[2]
    const geometry = {
      spacingMm: [2, 1, 1],
      originMm: [n, -5, 30],
      directions: [
        [0, 0, 1],
        [0, 0.8, 0],
        [0.6, 0, 0],
      ].map(
        (_, axis) =>
          [
            [0, 0, 1],
            [-0.6, 0.8, 0],
            [0.8, 0.6, 0],
          ][axis]!,
      ) as [number, number, number][],
    } as const
    const radius = (i: number) => {
      const z = Math.floor(i / (size[1] * size[2]))
      const y = Math.floor(i / size[2]) % size[1]
      return Math.hypot(2 * (z - 5), y - 9 - (n % 3), (i % size[2]) - 10)
    }
    const image = Int16Array.from(
      { length: samples },
      (_, i) => -900 + ((i * 37) % 200) + (radius(i) < 6 ? 1000 : 0),
    )
    const mask = Uint8Array.from({ length: samples }, (_, i) => label(radius(i) < 6, radius(i) < 3))
    const shape = [1, ...size]
    await writeImage(at(name, 'images', `v${n}.nii.gz`), { data: image, shape, maxValue: 32767, geometry })
    await writeImage(at(name, 'labels', `v${n}.nii.gz`), { data: mask, shape, maxValue: 255, geometry })
  }
  const patients = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `v${from + i}`)
  const splits = {
    by: 'patient',
    scheme: 'by hand',
    train: patients(0, 4),
    val: ['v4', 'v5'],
    test: ['v6', 'v7'],
  }
  writeFileSync(at(name, 'splits.json'), JSON.stringify(splits))
  return at(name)
}

describe('pictures', () => {
  let data: string
  beforeAll(async () => {
    data = await madeUpData(at('grey'), { raters: 1 })
  })

  it('are preprocessed in training, and again in predicting and evaluating', async () => {
    await trained(data, 'scored', { 'data.preprocessing.channels': [{ kind: 'zScore', over: 'whole' }] })
    expect(taskOf('scored')).toMatchObject({
      preprocessing: { channels: [{ kind: 'zScore', over: 'whole' }], spacingMm: null },
      storedChannels: 1,
    })
    // Values of another scale have the same z-scores, and so the same probabilities, up to what 8 bits lose.
    mkdirSync(at('halved'))
    const { data: samples, shape } = await readImage(join(data, 'images', 'c1.png'))
    const pngOf = (values: ArrayLike<number>) => ({ data: Uint8Array.from(values), shape })
    await writePng(at('halved', 'a.png'), pngOf(samples))
    await writePng(at('halved', 'b.png'), pngOf(Array.from(samples, (value) => value + 20)))
    const { code } = await septumHere(['predict', at('scored'), at('halved'), '--out', at('halved masks')])
    expect(code).toBe(0)
    const [a, b] = await Promise.all(
      ['a', 'b'].map((name) => readImage(at('halved masks', 'probability', `${name}.png`))),
    )
    expect([...b!.data].every((value, i) => Math.abs(value - a!.data[i]!) <= 1)).toBe(true)
    const evaluated = await septumHere(['evaluate', at('scored'), '--json'])
    expect(JSON.parse(evaluated.stdout.trim().split('\n').at(-1)!)).toMatchObject({ cases: 1 })
  })

  it('in colour are prepared for an encoder of ImageNet by one word', async () => {
    const rgb = at('rgb')
    for (const part of ['images', 'masks']) mkdirSync(join(rgb, part), { recursive: true })
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      const inside = (i: number) => Math.hypot((i >> 4) - 8, (i & 15) - 8) < 4 + (name.charCodeAt(0) % 3)
      const value = (i: number) => (inside(i % 256) ? 200 : 30) + ((i * 7) % 40)
      const image = Uint8Array.from({ length: 768 }, (_, i) => value(i))
      await writePng(join(rgb, 'images', `${name}.png`), { data: image, shape: [3, 16, 16] })
      const mask = Uint8Array.from({ length: 256 }, (_, i) => (inside(i) ? 255 : 0))
      await writePng(join(rgb, 'masks', `${name}.png`), { data: mask, shape: [1, 16, 16] })
    }
    await trained(rgb, 'rgb run', { 'data.preprocessing': 'ImageNet' })
    expect(taskOf('rgb run')).toMatchObject({ imageChannels: 3, storedChannels: 3 })
    // Mean and deviation of ImageNet's red.
    expect(taskOf('rgb run').preprocessing.channels[0]).toMatchObject({ mean: 0.485, std: 0.229, unit: true })
    expect(await septumHere(['evaluate', at('rgb run')])).toMatchObject({ code: 0 })
  })

  it('come from a cache on disk and from worker threads as they come from files', async () => {
    const more = { 'data.preprocessing': 'MR', 'data.cache.folder': at('cache'), 'data.workers': 2 }
    // Threads need the built program.
    const first = await septum(training(data, 'cached', more))
    expect(first).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') })
    expect(first.stdout).toContain('Trained 6 steps')
    // Six training cases and one of validation.
    expect(readdirSync(at('cache')).filter((name) => name.endsWith('.entry'))).toHaveLength(7)
    expect(await septum(training(data, 'cached again', more))).toMatchObject({ code: 0 })
    expect(await septum(training(data, 'plain', { 'data.preprocessing': 'MR' }))).toMatchObject({ code: 0 })
    expect(weightsOf(at('cached')).bytes).toBe(weightsOf(at('plain')).bytes)
    expect(weightsOf(at('cached again')).bytes).toBe(weightsOf(at('plain')).bytes)
  })

  it('of a run from before these settings go on where they were', async () => {
    await trained(data, 'whole')
    await trained(data, 'old')
    // The configuration that an earlier version wrote.
    const config = parse(readFileSync(at('old', 'config.yaml'), 'utf8'))
    for (const key of ['preprocessing', 'patch', 'cache', 'workers', 'unlabelled']) delete config.data[key]
    writeFileSync(at('old', 'config.yaml'), stringify(config))
    const { code, stderr } = await septumHere(['train', '--resume', '--out', at('old')])
    expect([code, stderr]).toEqual([0, expect.stringContaining('The run has finished already')])
    expect(weightsOf(at('old')).bytes).toBe(weightsOf(at('whole')).bytes)
    const task = { dimensions: 2, imageChannels: 1, classes: ['foreground'], raters: 1, imageSize: [16, 16] }
    expect(taskOf('old')).toEqual(task)
    // What a checkpoint was made with, as it was told then.
    const { method, options, seed } = config
    const cases = Array.from({ length: 8 }, (_, n) => `c${n}`)
    const fractions = { scheme: 'fractions', val: 0.15, test: 0.15, seed: 3 } as const
    const split = splitHash(
      splitByPatient(
        cases.map((name) => ({ name, patient: name })),
        fractions,
      ),
    )
    const last = readMetadata(at('whole', 'checkpoints', 'last.safetensors'))
    expect(JSON.parse(last.septum!).fingerprint).toBe(fingerprint({ method, options, seed, task, split }))
  })

  it('without masks, or from another folder, are told of and not trained on by a method that does not ask', async () => {
    const other = at('others')
    mkdirSync(join(other, 'images'), { recursive: true })
    for (const name of ['c6', 'c7']) {
      writeFileSync(join(other, 'images', `${name}.png`), readFileSync(join(data, 'images', `${name}.png`)))
    }
    writeFileSync(join(other, 'dataset.yaml'), 'unlabelled: true\n')
    const listed = {
      by: 'patient',
      scheme: 'semi',
      train: ['c0', 'c1', 'c2', 'c3'],
      val: ['c4'],
      test: ['c5', 'c6', 'c7'],
    }
    writeFileSync(at('semi.json'), JSON.stringify({ ...listed, labelled: ['c1', 'c3'] }))
    const { stderr } = await trained(data, 'semi', {
      'data.unlabelled': other,
      'data.splits': at('semi.json'),
    })
    expect(stderr).toContain('4 training images are used without masks')
    expect(stderr).toContain('2 training and 1 validation cases')
  })

  it('with regions or an ignore label are refused by methods that would misread them', async () => {
    const ignoring = at('ignoring.yaml')
    writeFileSync(ignoring, 'classes: [{ name: disc, value: 255 }]\nignore: 7\n')
    const argv = training(data, 'refused', { 'data.description': ignoring })
    argv[argv.indexOf('unet')] = 'ar-seg'
    const wrong = argv.filter((word, i) => !/^options\./.test(word) && !/^options\./.test(argv[i + 1] ?? ''))
    expect(await septumHere(wrong)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('have an ignore label, which ar-seg would count as background'),
    })
    await trained(data, 'heeded', { 'data.description': ignoring })
    expect(taskOf('heeded').ignores).toBe(true)
  })
})

type Scores = { case: string; class: string; values: Record<string, number> }[]
const valuesOf = ({ perCase }: Record<string, unknown>) =>
  (perCase as Scores).map(({ case: name, class: one, values }) => [name, one, values] as const)
const metricsOf = ({ metrics }: Record<string, unknown>) => (metrics as { id: string }[]).map(({ id }) => id)

describe('volumes', () => {
  let data: string
  const classes = 'classes: [ball, core]\n'
  const patches = { 'data.imageSize': [8, 16, 16], 'data.patch.foreground': 0.5 }

  beforeAll(async () => {
    data = await madeUpVolumes('volumes')
    writeFileSync(join(data, 'dataset.yaml'), classes)
  })

  it('train a 3-D U-Net on patches and are predicted whole, where they lie', async () => {
    const { stderr } = await trained(data, 'ball', {
      ...patches,
      'options.steps': 60,
      'options.widths': [8, 16],
      'training.validateEvery': 30,
    })
    expect(stderr).toContain('Image values are prepared as usual for MR')
    expect(taskOf('ball')).toMatchObject({ dimensions: 3, imageSize: [8, 16, 16], classes: ['ball', 'core'] })
    const steps = logOf(at('ball')).filter(({ event }) => event === 'validation')
    expect(steps.at(-1)).toMatchObject({ metrics: { dice: expect.any(Number) } })

    const ran = await septumHere(['predict', at('ball'), '--split', 'test', '--out', at('ball masks')])
    expect(ran.code).toBe(0)
    const [mask, image] = [
      await readImage(at('ball masks', 'v7.nii.gz')),
      await readImage(join(data, 'images', 'v7.nii.gz')),
    ]
    expect(mask.shape).toEqual(image.shape)
    for (const key of ['spacingMm', 'originMm', 'directions'] as const) {
      const flat = (of: typeof mask) => (of.geometry![key] as readonly unknown[]).flat() as number[]
      for (const [i, value] of flat(mask).entries()) expect(value).toBeCloseTo(flat(image)[i]!, 4)
    }
    const scored = await septumHere(['evaluate', at('ball masks'), data, '--split', 'test', '--json'])
    const { perCase } = JSON.parse(scored.stdout.trim().split('\n').at(-1)!)
    const dice = perCase.flatMap((one: { class: string; values: { dice: number } }) =>
      one.class === 'ball' ? [one.values.dice] : [],
    )
    expect(dice).toHaveLength(2)
    // Thresholding the image would give 1 for the ball; chance gives less than 0.2.
    expect(Math.min(...dice)).toBeGreaterThan(0.5)

    const file = join(data, 'images', 'v6.nii.gz')
    const alone = await septumHere(['predict', at('ball'), file, '--out', at('one volume')])
    expect(alone.code).toBe(0)
    expect((await readImage(at('one volume', 'v6.nii.gz'))).data).toEqual(
      (await readImage(at('ball masks', 'v6.nii.gz'))).data,
    )
  })

  it('are scored straight from a run as their written masks are, in millimetres, as training says', async () => {
    const { stdout: told } = await septumHere(['train', '--resume', '--out', at('ball')])
    const next = /Next: septum (evaluate .*)/.exec(told)![1]!
    const straight = await septumHere([...next.split(' '), '--json', '--out', at('ball report')])
    expect([straight.code, straight.stderr]).toEqual([0, expect.not.stringContaining('warning')])
    const written = ['evaluate', at('ball masks'), data, '--split', 'test', '--json']
    const [a, b] = [straight, await septumHere(written)].map(
      ({ stdout }) => JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>,
    )
    expect(metricsOf(a!)).toEqual(['dice', 'iou', 'hd95', 'assd', 'nsd'])
    expect(valuesOf(a!)).toEqual(valuesOf(b!))
    expect(a!.notes).toContain('Lengths are in millimetres, by the spacing of the images.')
    expect(readFileSync(at('ball report', 'report.html'), 'utf8')).toMatch(/slice \d+ of 1[01]/)
  })

  it('are not drawn as pictures, and not given to a model of pictures', async () => {
    const drawn = await septumHere(['report', at('ball'), '--out', at('never')])
    expect([drawn.code, drawn.stderr]).toEqual([
      1,
      expect.stringContaining('septum evaluate RUN --split test'),
    ])
    const file = join(data, 'images', 'v6.nii.gz')
    const wrong = await septumHere(['predict', at('whole'), file, '--out', at('never')])
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining('The image is a volume, the model was trained on pictures'),
    ])
  })

  it('want three sides, and a size where theirs differ', async () => {
    expect((await septumHere(training(data, 'flat', { 'data.imageSize': [16, 16] }))).stderr).toContain(
      'The data set holds volumes, but data.imageSize has 2 sides',
    )
    expect((await septumHere(training(data, 'sizeless'))).stderr).toMatch(
      /The images have different sizes.*\n.*data\.imageSize=\[32,128,128\]/,
    )
  })

  it('with overlapping regions: the ball includes its core', async () => {
    const regions = 'classes: [{ name: ball, region: [1, 2] }, { name: core, region: [2] }]\nignore: 3\n'
    const own = await madeUpVolumes('regions')
    writeFileSync(join(own, 'dataset.yaml'), regions)
    await trained(own, 'region run', { ...patches, 'options.steps': 60, 'options.widths': [8, 16] })
    expect(taskOf('region run')).toMatchObject({ regions: [[1, 2], [2]], ignores: true })
    const ran = await septumHere([
      'predict',
      at('region run'),
      '--split',
      'test',
      '--out',
      at('region masks'),
    ])
    expect(ran.code).toBe(0)
    const [ball, core] = await Promise.all(
      ['ball', 'core'].map((name) => readImage(at('region masks', 'probability', `v6.${name}.nii.gz`))),
    )
    // Where the core is likely the ball is too: it was trained on both labels.
    const likely = Array.from(core!.data, (p, i) => (p > 0.6 ? ball!.data[i]! : 1))
    expect(Math.min(...likely)).toBeGreaterThan(0.5)
    expect(Array.from(ball!.data).some((p) => p > 0.6)).toBe(true)
    const commands = [[at('region run')], [at('region masks'), own]]
    const [a, b] = await Promise.all(
      commands.map(async (words) => {
        const { stdout } = await septumHere(['evaluate', ...words, '--split', 'test', '--json'])
        return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>
      }),
    )
    expect(valuesOf(a!).map(([, name]) => name)).toEqual(['ball', 'core', 'ball', 'core'])
    expect(valuesOf(a!)).toEqual(valuesOf(b!))
    rmSync(at('region masks'), { recursive: true })
  })
})
