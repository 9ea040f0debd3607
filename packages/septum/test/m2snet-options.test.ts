import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { septumHere } from './run-here.js'
import { logOf, madeUpData, removeFolder, temporaryFolder } from './tiny-run.js'

let folder: string
const at = (...names: readonly string[]): string => join(folder, ...names)

beforeAll(async () => {
  folder = temporaryFolder()
  await madeUpData(at('data'), { cases: 7, size: [40, 36], raters: 1 })
})
afterAll(() => removeFolder(folder))

const tiny = [
  'options.encoder=mobilenet-v2',
  'options.encoderWidth=0.125',
  'options.channels=8',
  'options.steps=2',
  'options.batchSize=2',
  'training.validateEvery=2',
  'training.logEvery=1',
  'training.pictures=0',
]

async function train(name: string, method: string, more: readonly string[]) {
  const settings = [...tiny, ...more].flatMap((one) => ['--set', one])
  const where = ['train', at('data'), '--method', method, '--out', at(name)]
  const ran = await septumHere([...where, '--threads', '1', '--device', 'cpu', '--no-export', ...settings])
  expect(ran.stderr).not.toMatch(/^error/m)
  expect(ran.code).toBe(0)
  return { ...ran, log: logOf(at(name)) }
}

const none = 'options.lossNet=none'

describe('every variant of the paper trains from the command line', () => {
  // Tables 9 (subtraction or addition, orders), 10 (losses), 11 (kernels), 12 (ASPP), 7 (nnU-Net), 8 (unified).
  it.each([
    ['options.kernels=[1]', none],
    ['options.kernels=[1,3]', none],
    ['options.kernels=[1,3,5]', none],
    ['options.kernels=[1,3,5,7]', none],
    ['options.kernelShape=gaussian', none],
    ['options.unit=paper', none],
    ['options.unit=addition', none],
    ['options.unit=aspp', none],
    ['options.unit=denseaspp', none],
    ['options.order=1', none],
    ['options.order=2', none],
    ['options.order=3', none],
    ['options.order=4', none],
    ['options.normStatistics=shared', none],
    ['options.bce=released', none],
    ['options.deepSupervision=true', none],
    ['options.loss=dice-bce', none],
    ['options.encoderRate=1', none],
    ['options.clipValue=0.5', 'options.schedule=step', 'options.decayEvery=1', none],
    ['options.schedule=exponential', 'options.optimizer=adam', none],
    ['options.schedule=triangle', 'options.epochSteps=2', none],
    ['options.encoder=convnext-t', 'options.dropPath=0.3', none],
    ['options.encoder=pvtv2-b2', 'options.dropPath=0.3', none],
    ['options.recipe=unified', 'options.dropPath=0.1', none],
    ['options.task=lung'],
    ['options.lossNet=mobilenet-v2', 'options.lossNetWeight=1'],
    ['options.pixelWeight=0'],
  ])(
    '%s %s %s %s',
    async (...given: (string | undefined)[]) => {
      const settings = given.filter((one) => one !== undefined)
      const { log } = await train(settings.join(), 'm2snet', settings)
      const steps = log.filter(({ event }) => event === 'step')
      expect(steps).toHaveLength(2)
      for (const { losses } of steps) {
        const { total, features } = losses as Record<string, number>
        expect(total).toBeGreaterThan(0)
        // LossNet is there when it is asked for, and only then.
        expect(features === undefined).toBe(settings.includes(none))
      }
    },
    60_000,
  )

  it('msnet', async () => {
    const { log } = await train('msnet', 'msnet', [none])
    expect(log.filter(({ event }) => event === 'step')).toHaveLength(2)
  }, 60_000)

  it('the recipe of nnU-Net, planned from the data; its run is predicted whole, in patches', async () => {
    const settings = [...tiny.filter((one) => !one.includes('batchSize')), 'options.recipe=nnunet']
    const where = ['train', at('data'), '--method', 'm2snet', '--out', at('nnunet')]
    const ran = await septumHere([
      ...[...where, '--threads', '1', '--device', 'cpu', '--no-export'],
      ...settings.flatMap((one) => ['--set', one]),
    ])
    expect(ran.code).toBe(0)
    // nnU-Net's own program plans 40 x 40 for a median of 40 x 36; sides are multiples of 32 here, batches at least 2.
    expect(ran.stderr).toMatch(/Planned as nnU-Net plans: 64 x 64 pixels .* median is 40 x 36, batches of 2/)
    const evaluated = await septumHere(['evaluate', at('nnunet'), '--json'])
    expect(evaluated).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/overlapping patches of 64 x 64/),
    })
  }, 120_000)
})
