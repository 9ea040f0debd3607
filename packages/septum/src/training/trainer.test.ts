import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentReporter } from '@septum/core'
import { liveTensors, nn, noGrad, type Tensor, tensor } from '@septum/torch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problemOf } from '../datasets/testing.js'
import type { Batch, OptimizerRecipe, Phase, Prediction, SegmentationModel } from '../methods/method.js'
import { bestCheckpoint, lastCheckpoint, readCheckpoint, withPrefix } from './checkpoint.js'
import { PhaseRun } from './phase-run.js'
import { type TrainJob, trainModel } from './trainer.js'

interface Script {
  readonly optimizer?: Partial<OptimizerRecipe>
  readonly steps?: number
  readonly accumulate?: number
  readonly loss: (model: Scripted, batch: Batch) => Tensor
  readonly validate?: (model: Scripted) => number
}

const sgd: OptimizerRecipe = {
  kind: 'sgd',
  lr: 1,
  schedule: { kind: 'constant' },
  warmup: 0,
  clipNorm: null,
  ema: null,
}
const augmentation = {
  flipHorizontal: 0,
  flipVertical: 0,
  rotateDegrees: 0,
  rotate90: false,
  crop: null,
  cropAt: 'centre' as const,
  intensity: 0,
}

/** Two layers, [1, 2] and [3, 4], of which the phase trains the first, with a loss that a test writes. */
class Scripted extends nn.Module implements SegmentationModel {
  readonly trained = new nn.Linear(2, 1, { bias: false })
  readonly frozen = new nn.Linear(2, 1, { bias: false })
  readonly #script: Script

  constructor(script: Script) {
    super()
    this.#script = script
    noGrad(() => {
      this.trained.weight.copy_(tensor([[1, 2]]))
      this.frozen.weight.copy_(tensor([[3, 4]]))
    })
  }

  get weights(): number[] {
    return [...this.trained.weight.data()].map(Number)
  }

  phases(): readonly [Phase] {
    const { optimizer, steps = 4, accumulate = 1, loss, validate = () => 0 } = this.#script
    const phase: Phase = {
      name: 'only',
      steps,
      batchSize: 1,
      accumulate,
      optimizer: { ...sgd, ...optimizer },
      augmentation,
      trains: [this.trained],
      losses: (batch) => ({ total: loss(this, batch) }),
      validate: async (batches) => {
        for await (const batch of batches) expect(batch.cases).toEqual(['validated'])
        return { score: validate(this), metrics: {} }
      },
    }
    return [phase]
  }

  predict(): Promise<Prediction> {
    return Promise.reject(new Error('not part of this test'))
  }
}

/** [N, 2] inputs as images; the target of each is its first mask value. */
const batchOf = (
  rows: readonly (readonly [number, number])[],
  names: readonly string[],
  step = 0,
): Batch => ({
  images: tensor(rows.flat(), { shape: [rows.length, 2] }),
  masks: tensor(
    rows.map(() => 1),
    { shape: [rows.length, 1], dtype: 'uint8' },
  ),
  cases: names,
  step,
})

const phaseRun = (model: Scripted): PhaseRun => new PhaseRun(model, model.phases()[0], 0, 7, 'cpu', 'float32')

/** sum of weight [w0, w1] times factors: its gradient is the factors. */
const linear =
  (...factors: readonly [number, number]) =>
  (model: Scripted) =>
    model.trained.weight.mul(tensor([factors])).sum()

/** Mean squared error of the trained layer against the masks. */
const squared = (model: Scripted, { images, masks }: Batch): Tensor =>
  model.trained.forward(images).sub(masks.float()).pow(2).mean()

describe('a step', () => {
  it('of two accumulated batches equals one of a batch of double size', () => {
    const rows = [
      [0.5, -1],
      [2, 0.25],
      [-0.75, 1],
      [0.1, 0.2],
    ] as const
    const weights = [1, 2].map((parts) => {
      const model = new Scripted({ loss: squared, accumulate: parts, optimizer: { kind: 'adam', lr: 0.1 } })
      const run = phaseRun(model)
      for (const step of [0, 1, 2]) {
        const whole = [batchOf(rows, ['a', 'b', 'c', 'd'], step)]
        const halves = [batchOf(rows.slice(0, 2), ['a', 'b'], step), batchOf(rows.slice(2), ['c', 'd'], step)]
        const { losses } = run.step(parts === 1 ? whole : halves)
        // w = [1, 2]: outputs -1.5, 2.5, 1.25, 0.5; errors -2.5, 1.5, 0.25, -0.5; mean of squares 8.8125 / 4.
        if (step === 0) expect(losses.total).toBeCloseTo(8.8125 / 4, 6)
      }
      return model.weights
    })
    expect(weights[0]).not.toEqual([1, 2])
    weights[0]!.forEach((w, i) => {
      expect(Math.abs(w - weights[1]![i]!)).toBeLessThan(1e-6)
    })
  })

  it('clips the gradient to the norm that is asked for, and reports the norm before', () => {
    // Gradient (3, 4) has norm 5; clipped to 1 it is (0.6, 0.8).
    const model = new Scripted({ loss: linear(3, 4), optimizer: { clipNorm: 1 } })
    const { gradientNorm } = phaseRun(model).step([batchOf([[0, 0]], ['a'])])
    expect(gradientNorm).toBeCloseTo(5, 6)
    expect(model.weights[0]).toBeCloseTo(1 - 0.6, 5)
    expect(model.weights[1]).toBeCloseTo(2 - 0.8, 5)
  })

  it('leaves the gradient alone without clipping', () => {
    const model = new Scripted({ loss: linear(3, 4) })
    expect(phaseRun(model).step([batchOf([[0, 0]], ['a'])]).gradientNorm).toBeNull()
    expect(model.weights).toEqual([-2, -2])
  })

  it('trains only what the phase names; the rest is frozen and in eval mode', () => {
    const seen: unknown[] = []
    const model = new Scripted({
      loss: (m) => {
        seen.push(m.trained.training, m.frozen.training, m.frozen.weight.requiresGrad)
        return m.trained.weight.mul(m.frozen.weight).sum()
      },
    })
    phaseRun(model).step([batchOf([[0, 0]], ['a'])])
    expect(seen).toEqual([true, false, false])
    expect(model.weights).toEqual([1 - 3, 2 - 4])
    expect([...model.frozen.weight.data()]).toEqual([3, 4])
  })

  it('validates with the averaged weights and trains on with the others', async () => {
    const model = new Scripted({
      loss: linear(3, 4),
      optimizer: { ema: 0.9 },
      validate: (m) => {
        expect([m.training, m.trained.weight.requiresGrad]).toEqual([false, false])
        return m.weights[0]!
      },
    })
    const run = phaseRun(model)
    run.step([batchOf([[0, 0]], ['a'])])
    // Warm-up of the average: decay min(0.9, (1 + 1) / (10 + 1)) = 2/11, so 2/11 of 1 and 9/11 of 1 - 3.
    const { score } = await run.validate((async function* () {})())
    expect(score).toBeCloseTo(2 / 11 - 18 / 11, 6)
    expect(model.weights).toEqual([-2, -2])
    expect([model.trained.training, model.trained.weight.requiresGrad]).toEqual([true, true])
  })
})

describe('a run', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'septum-trainer-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  function job(model: Scripted, more: Partial<TrainJob> = {}): TrainJob {
    return {
      methodName: 'scripted',
      model,
      source: () => ({
        batch: async (index, step) => batchOf([[index, 1]], [`case${index}`], step),
        worked: () => {},
        async *validation() {
          yield batchOf([[0, 0]], ['validated'])
        },
        waitShare: 0,
        close: () => {},
      }),
      runDir: folder,
      seed: 1,
      device: 'cpu',
      precision: 'float32',
      validateEvery: 100,
      checkpointEvery: 2,
      fingerprint: 'same',
      resume: false,
      reporter: silentReporter,
      events: { step: () => {}, validation: () => {} },
      flush: () => {},
      onResume: () => {},
      ...more,
    }
  }

  const savedWeights = (file: string): { step: number; weights: number[] } => {
    const { tensors, progress } = readCheckpoint(file, 'scripted')
    const weights = [...withPrefix(tensors, 'model').get('trained.weight')!.data()].map(Number)
    for (const t of tensors.values()) t.free()
    return { step: progress.step, weights }
  }

  it.each([
    ['loss', (m: Scripted) => linear(1, 1)(m).mul(Number.NaN), 'The loss became NaN'],
    // The square root of 0 has the value 0 and the slope infinity, infinity times 0 is no number.
    ['gradient', (m: Scripted) => linear(0, 0)(m).sqrt(), 'The gradient became NaN'],
  ])('stops at a %s that is no number, names the cases and keeps the checkpoint', async (_, bad, message) => {
    const model = new Scripted({
      steps: 6,
      loss: (m, batch) => (batch.step === 3 ? bad(m) : linear(1, 1)(m)),
    })
    const problem = await problemOf(trainModel(job(model, { checkpointEvery: 1 })))
    expect(problem).toMatchObject({
      code: 'loss-not-finite',
      hint: expect.stringContaining('lower the learning rate'),
    })
    expect(problem.message).toBe(`${message} at step 4 of phase only, with the cases case3`)
    expect(savedWeights(lastCheckpoint(folder))).toEqual({ step: 3, weights: [1 - 3, 2 - 3] })

    const healed = new Scripted({ steps: 6, loss: linear(1, 1) })
    const { status } = await trainModel(job(healed, { resume: true }))
    expect([status, healed.weights]).toEqual(['finished', [1 - 6, 2 - 6]])
  })

  it('ends with the weights of the best validation', async () => {
    const model = new Scripted({
      steps: 4,
      loss: linear(1, 1),
      validate: (m) => -Math.abs(m.weights[0]! + 1),
    })
    const { phases } = await trainModel(job(model, { validateEvery: 1 }))
    expect(phases[0]!.best).toMatchObject({ step: 2, score: -0 })
    expect(model.weights).toEqual([1 - 2, 2 - 2])
  })

  it('takes a score that is a number over one that is not', async () => {
    const model = new Scripted({
      steps: 3,
      loss: linear(1, 1),
      validate: (m) => (m.weights[0] === 0 ? Number.NaN : -1),
    })
    const { phases } = await trainModel(job(model, { validateEvery: 1 }))
    expect(phases[0]!.best).toMatchObject({ step: 2, score: -1 })
    expect(savedWeights(bestCheckpoint(folder, 'only')).step).toBe(2)
  })

  it('interrupted, saves after the step and goes on from there', async () => {
    const controller = new AbortController()
    const model = new Scripted({ steps: 6, loss: linear(1, 1), optimizer: { momentum: 0.5, ema: 0.9 } })
    const events = {
      step: ({ step }: { step: number }) => step === 3 && controller.abort(),
      validation: () => {},
    }
    const stopped = await trainModel(job(model, { checkpointEvery: 100, signal: controller.signal, events }))
    expect(stopped).toMatchObject({ status: 'interrupted', steps: 3 })
    const resumed = new Scripted({ steps: 6, loss: linear(1, 1), optimizer: { momentum: 0.5, ema: 0.9 } })
    await trainModel(job(resumed, { resume: true }))
    rmSync(join(folder, 'checkpoints'), { recursive: true })
    const whole = new Scripted({ steps: 6, loss: linear(1, 1), optimizer: { momentum: 0.5, ema: 0.9 } })
    await trainModel(job(whole))
    expect(resumed.weights).toEqual(whole.weights)
  })

  it('refuses the checkpoint of other settings or of another method, and leaves it as it is', async () => {
    await trainModel(job(new Scripted({ loss: linear(1, 1) })))
    const model = () => new Scripted({ loss: linear(1, 1) })
    const before = savedWeights(lastCheckpoint(folder))
    expect(await problemOf(trainModel(job(model(), { resume: true, fingerprint: 'other' })))).toMatchObject({
      code: 'resume-mismatch',
      place: { file: lastCheckpoint(folder) },
    })
    expect(await problemOf(trainModel(job(model(), { resume: true, methodName: 'unet' })))).toMatchObject({
      code: 'checkpoint-method',
      message: "This checkpoint is of the method 'scripted', not 'unet'",
    })
    expect(savedWeights(lastCheckpoint(folder))).toEqual(before)
    expect(readdirSync(join(folder, 'checkpoints')).sort()).toEqual([
      'best-only.safetensors',
      'last.safetensors',
    ])
  })

  it('leaves nothing behind but the gradients of what it trained', async () => {
    for (const steps of [2, 9]) {
      const optimizer = { kind: 'adam', ema: 0.9, clipNorm: 1 } as const
      const model = new Scripted({ steps, loss: linear(1, 1), optimizer })
      const before = liveTensors()
      await trainModel(job(model, { validateEvery: 1, checkpointEvery: 1 }))
      await trainModel(job(model, { resume: true }))
      expect(liveTensors() - before).toBeLessThanOrEqual(1)
      rmSync(join(folder, 'checkpoints'), { recursive: true })
    }
  })
})
