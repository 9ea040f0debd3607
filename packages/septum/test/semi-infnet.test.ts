import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { septumHere } from './run-here.js'
import { madeUpData, removeFolder, temporaryFolder } from './tiny-run.js'

let dir = ''
const at = (...parts: string[]) => join(dir, ...parts)

beforeAll(async () => {
  dir = temporaryFolder()
  await madeUpData(at('data'), { size: [64, 64], raters: 1 })
  mkdirSync(at('more', 'images'), { recursive: true })
  writeFileSync(at('more', 'dataset.yaml'), 'unlabelled: true\n')
  await madeUpData(at('other'), { size: [64, 64], raters: 1, cases: 3 })
  for (const n of [0, 1, 2]) renameSync(at('other', 'images', `c${n}.png`), at('more', 'images', `u${n}.png`))
})
afterAll(() => removeFolder(dir))

const settings = [
  'options.semi=true',
  'options.encoder=resnet18',
  'options.encoderWidth=0.125',
  'options.pretrained=false',
  'options.channels=8',
  'options.attentionWidths=[8,8,8]',
  'options.edgeChannels=8',
  'options.sizes=[1]',
  'options.batchSize=2',
  'options.steps=2',
  'options.pseudo.steps=4',
  'options.pseudo.groups=2',
  'options.pseudo.batchSize=2',
  'options.pseudo.unlabelled=2',
  'options.tune.steps=2',
  'options.tune.batchSize=2',
  'data.imageSize=[64,64]',
  'training.validateEvery=2',
]

const train = (out: string, more: readonly string[]) =>
  septumHere([
    ...[
      'train',
      at('data'),
      '--method',
      'infnet',
      '--out',
      at(out),
      '--device',
      'cpu',
      '--threads',
      '1',
      '--no-export',
    ],
    ...[...settings, ...more].flatMap((setting) => ['--set', setting]),
  ])

it('Semi-Inf-Net trains three phases on labelled and unlabelled images, and its run predicts', async () => {
  const { code, stderr } = await train('semi', [`data.unlabelled=${at('more')}`])
  expect([code, stderr]).toEqual([0, expect.stringContaining('3 training images are used without masks')])
  const lines = readFileSync(at('semi', 'log.jsonl'), 'utf8').trim().split('\n')
  const phases = lines.map((line) => (JSON.parse(line) as { phase?: string }).phase).filter(Boolean)
  expect([...new Set(phases)]).toEqual(['infnet', 'pseudo', 'tune'])
  expect((await septumHere(['evaluate', at('semi')])).code).toBe(0)
})

it('Semi-Inf-Net without unlabelled images says what is missing', async () => {
  const { code, stderr } = await train('alone', [])
  expect([code, stderr]).toEqual([1, expect.stringContaining('images without masks')])
})
