import { describe, expect, it } from 'vitest'
import { learningRateFactor } from '../../training/optimization.js'
import { squareTask } from '../testing.js'
import { M2SNet } from './model.js'
import { m2snetOptions, msnetOptions } from './options.js'
import { sideWeights } from './recipe.js'

const small = { encoder: 'mobilenet-v2', encoderWidth: 0.25, channels: 8, lossNet: 'none' }
const phaseOf = (options: object, side = 64, planned?: number) => {
  const task = { ...squareTask(side), ...(planned ? { plannedBatch: planned } : {}) }
  return new M2SNet(m2snetOptions.parse({ ...small, ...options }), task).phases()[0]!
}

describe('tasks of the paper', () => {
  // Epochs of the released code times images of the paper, in batches of 16.
  it.each([
    ['polyp', (50 * 1450) / 16],
    ['lung', (200 * 894) / 16],
    ['breast', (100 * 485) / 16],
    ['retina', (100 * 100) / 16],
  ])('%s: %f steps', (task, steps) => {
    expect(phaseOf({ task })).toMatchObject({ steps: Math.round(steps), batchSize: 16 })
    expect(phaseOf({ task, batchSize: 4 }).steps).toBe(Math.round(4 * steps))
  })

  it('leave alone what is set', () => {
    expect(phaseOf({ task: 'lung', steps: 7 }).steps).toBe(7)
    expect(msnetOptions.parse({ task: 'lung' })).toMatchObject({ steps: 11_175, kernels: [1] })
    expect(m2snetOptions.parse({}).steps).toBe(4531)
  })

  it('train with the rates of the released code: 0.001961 ... 0.049020 twice ... 0.001961 in 50 epochs', () => {
    const phase = phaseOf({ steps: 50 })
    const rates = Array.from({ length: 50 }, (_, e) => phase.optimizer.lr * learningRateFactor(phase)(e))
    const at = (e: number) => Number(rates[e]!.toFixed(6))
    expect([0, 1, 24, 25, 49].map(at)).toEqual([0.001961, 0.003922, 0.04902, 0.04902, 0.001961])
    expect(phase.optimizer).toMatchObject({
      kind: 'sgd',
      momentum: 0.9,
      nesterov: true,
      weightDecay: 5e-4,
      clipNorm: null,
      clipValue: null,
    })
    expect(phase.optimizer.rate!('0.resnet.layer1.0.conv1.weight', null as never)).toBe(0.1)
  })

  it('change the rate by epoch where it says how long one is', () => {
    const phase = phaseOf({ steps: 150, epochSteps: 3 })
    const factor = learningRateFactor(phase)
    for (let e = 0; e < 50; e++)
      for (let i = 0; i < 3; i++)
        expect(factor(3 * e + i)).toBeCloseTo(1 - Math.abs((2 * (e + 1)) / 51 - 1), 12)
  })
})

describe('the recipe of nnU-Net', () => {
  const phase = phaseOf({ recipe: 'nnunet' }, 64, 9)

  it('has its optimiser, schedule, length and planned batch', () => {
    expect(phase).toMatchObject({ steps: 250_000, batchSize: 9 })
    expect(phase.optimizer).toMatchObject({
      kind: 'sgd',
      lr: 0.01,
      momentum: 0.99,
      nesterov: true,
      weightDecay: 3e-5,
      clipNorm: 12,
      schedule: { kind: 'polynomial', power: 0.9 },
      warmup: 0,
    })
    expect(phase.optimizer.rate!('0.resnet.x', null as never)).toBe(1)
    expect(phaseOf({ recipe: 'nnunet', batchSize: 3 }, 64, 9).batchSize).toBe(3)
  })

  it('has its augmentation: by any angle where patches are not long', () => {
    expect(phase.augmentation).toMatchObject({
      flipHorizontal: 0.5,
      flipVertical: 0.5,
      rotateDegrees: 180,
      rotateProbability: 0.2,
      scale: { probability: 0.2, factor: [0.7, 1.4] },
      multiScale: { rates: [1] },
    })
    // Inverted with probability 0.1, plain with 0.3: either with 1 - 0.9 x 0.7.
    expect(phase.augmentation.appearance!.gamma!.probability).toBeCloseTo(0.37, 12)
    const options = m2snetOptions.parse({ ...small, recipe: 'nnunet' })
    const long = new M2SNet(options, { ...squareTask(64), imageSize: [64, 128] }).phases()[0]!
    expect(long.augmentation.rotateDegrees).toBe(15)
  })

  it('compares every decoder level, by Dice and cross-entropy, weights halving and 1 together', () => {
    const options = m2snetOptions.parse({ recipe: 'nnunet' })
    expect(options).toMatchObject({ deepSupervision: true, loss: 'dice-bce', lossNet: 'none' })
    // 8 + 4 + 2 + 1 = 15.
    expect(sideWeights(options, 4)).toEqual([8 / 15, 4 / 15, 2 / 15, 1 / 15])
    expect(sideWeights(m2snetOptions.parse({}), 4)).toEqual([1, 1, 1, 1])
  })
})

it('the unified recipe: ConvNeXt-B, Adam at 1e-4, 16 cases of each of three data sets, x0.9 every 30 of 50 epochs', () => {
  const options = m2snetOptions.parse({ recipe: 'unified' })
  expect(options).toMatchObject({ encoder: 'convnext-b', optimizer: 'adam', lr: 1e-4, batchSize: 48 })
  const phase = phaseOf({ recipe: 'unified' })
  // 50 x 1450 / 16 steps; after 30 x 1450 / 16 = 2719 the rate falls once.
  expect(phase.steps).toBe(4531)
  const factor = learningRateFactor(phase)
  expect([0, 2718, 2719, 4530].map(factor)).toEqual([1, 1, 0.9, 0.9])
})
