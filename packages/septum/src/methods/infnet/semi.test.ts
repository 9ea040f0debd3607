import { manualSeed, noGrad, rand, scope, setThreads, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { structureLoss } from '../../losses/structure-loss.js'
import { PhaseRun } from '../../training/phase-run.js'
import type { Batch } from '../method.js'
import { disc, ramp, squareBatch, squareTask } from '../testing.js'
import { InfNet, infnetOptions } from './index.js'
import { turnOf } from './teacher.js'

setThreads(1)

const side = 64
const small = {
  encoder: 'resnet18',
  encoderWidth: 0.125,
  channels: 8,
  attentionWidths: [8, 8, 8],
  edgeChannels: 8,
  pretrained: false,
}
const semi = (some: object = {}) => infnetOptions.parse({ ...small, semi: true, ...some })
const names = Array.from({ length: 8 }, (_, i) => `slice ${i}`)

function batchAt(step: number, unlabelled = true): Batch {
  const lesions = [disc(side, 12), disc(side, 24)]
  const lit = lesions.map((mask) => ramp(side, 0.5, 0).map((v, i) => 0.5 * v + 0.5 * mask[i]!))
  const labelled = squareBatch(
    side,
    lit,
    lesions.map((mask) => [mask]),
    step,
  )
  if (!unlabelled) return labelled
  manualSeed(11)
  const weak = rand([names.length, 1, side, side])
  return { ...labelled, unlabelled: { weak, strong: [], mixed: (_, values) => values, cases: names } }
}

const values = (module: { stateDict(): Map<string, Tensor> }) =>
  Object.fromEntries(
    Array.from(module.stateDict(), ([name, t]) => [name, t.to({ dtype: 'float64' }).sum().item()]),
  )

describe('Semi-Inf-Net', () => {
  it('adds two phases, and a teacher that is saved but counts as no part of the network', () => {
    const [plain, both] = [infnetOptions.parse(small), semi()].map(
      (options) => new InfNet(options, squareTask(side)),
    )
    expect(plain!.phases().map(({ name }) => name)).toEqual(['infnet'])
    expect(both!.phases().map(({ name }) => name)).toEqual(['infnet', 'pseudo', 'tune'])
    expect(both!.parameterCount()).toBe(plain!.parameterCount())
    const teacher = [...both!.stateDict().keys()].filter((name) => name.startsWith('teacher.'))
    expect(teacher).toHaveLength(both!.network.stateDict().size)
    expect(both!.phases()[1]!.augmentation.unlabelled).toMatchObject({ batchSize: 8, views: 0 })
  })

  it('refuses a data set without unlabelled images before the first step of that phase', () => {
    const model = new InfNet(semi(), squareTask(side))
    expect(() => model.phases()[1]!.begin!(batchAt(0, false))).toThrow('images without masks')
  })

  it('copies the network to the teacher at the beginning and after each group, not in between', () => {
    manualSeed(3)
    const model = new InfNet(semi({ pseudo: { steps: 8, groups: 2 } }), squareTask(side))
    const run = new PhaseRun(model, model.phases()[1]!, 1, 7, 'cpu', 'float32')
    run.begin(batchAt(0))
    expect(values(model.teacher!)).toEqual(values(model.network))
    const at = () => values(model.teacher!)
    const first = at()
    for (const step of [0, 1, 2]) run.step([batchAt(step)])
    expect(at()).toEqual(first)
    run.step([batchAt(3)])
    expect(at()).toEqual(values(model.network))
    expect(at()).not.toEqual(first)
    run.free()
  })

  it('trains on labelled images and on those that have joined, with what the teacher says of them', () => {
    manualSeed(4)
    const model = new InfNet(semi({ pseudo: { steps: 10, groups: 2 }, edgeWeight: 0 }), squareTask(side))
    const phase = model.phases()[1]!
    model.eval().requiresGrad_(false)
    scope(() => {
      const batch = batchAt(0)
      phase.begin!(batch)
      // By hand, in evaluation mode so that no image depends on its neighbours: the first half of the pool.
      const joined = names.flatMap((name, i) => (turnOf(name) < 0.5 ? [i] : []))
      expect(joined.length).toBeGreaterThan(0)
      expect(joined.length).toBeLessThan(names.length)
      const maps = (x: Tensor) => noGrad(() => model.network.forward(model.input.forward(x)).masks)
      const wanted = [
        ...joined.map((i) => batch.unlabelled!.weak.narrow(0, i, 1)),
        ...[0, 1].map((i) => batch.images.narrow(0, i, 1)),
      ]
        .map((x, n) => {
          const target =
            n < joined.length ? maps(x)[3]!.sigmoid() : batch.masks.narrow(0, n - joined.length, 1).float()
          return maps(x).map((map) => structureLoss(map, target).total.item())
        })
        .map((four) => four.reduce((a, b) => a + b))
      const mean = wanted.reduce((a, b) => a + b) / wanted.length
      expect(phase.losses(batch).total.item()).toBeCloseTo(mean, 4)
      // In the second half of the phase all have joined.
      const all = phase.losses(batchAt(5)).total.item()
      expect(Math.abs(all - mean)).toBeGreaterThan(1e-4)
    })
  })

  it('gives labels a gradient only through the student', () => {
    manualSeed(5)
    const model = new InfNet(semi({ pseudo: { steps: 2, groups: 1 } }), squareTask(side))
    const phase = model.phases()[1]!
    phase.begin!(batchAt(0))
    model.train()
    scope(() => phase.losses(batchAt(1)).total.backward())
    for (const [name, p] of model.network.namedParameters())
      expect(Number.isFinite(p.grad?.abs().sum().item()), name).toBe(true)
    for (const [, t] of model.teacher!.stateDict()) expect(t.requiresGrad).toBe(false)
  })
})

it('deals names evenly over the turns', () => {
  const turns = Array.from({ length: 1000 }, (_, i) => turnOf(`case ${i}`))
  for (const at of [0.25, 0.5, 0.75]) {
    const share = turns.filter((turn) => turn < at).length / turns.length
    // Three standard deviations of a mean of 1000 coins.
    expect(Math.abs(share - at)).toBeLessThan(0.048)
  }
})
