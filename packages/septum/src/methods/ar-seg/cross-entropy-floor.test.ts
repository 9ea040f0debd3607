import { sampleMasks } from '@septum/core'
import { cat, F, manualSeed, noGrad, setThreads, type Tensor, tensor } from '@septum/torch'
import { beforeAll, expect, it } from 'vitest'
import { PhaseRun } from '../../training/phase-run.js'
import type { Phase } from '../method.js'
import { ramp, squareBatch, squareTask } from '../testing.js'
import { ArSeg } from './model.js'
import { tinyOptions } from './testing.js'

const TOKENS = 1 + 4 + 16
const masks = [0, 1, 2, 3]

/** Four equally likely masks as tokens: told apart by scale 1 (early), or by every place of scale 2 (late). */
const sets = {
  early: masks.map((m) => Array.from({ length: TOKENS }, (_, i) => (i === 0 ? m : (m + 3 * i) % 16))),
  late: masks.map((m) => Array.from({ length: TOKENS }, (_, i) => (i === 0 ? 9 : (m + 3 * i) % 16))),
}
const tokensOf = (lists: number[][]): Tensor[] =>
  [
    [0, 1],
    [1, 5],
    [5, 21],
  ].map(([from, to]) =>
    tensor(
      lists.flatMap((list) => list.slice(from, to)),
      { shape: [lists.length, to! - from!], dtype: 'int64' },
    ),
  )

const images = { early: ramp(16, 1, 0), late: ramp(16, 0, 1) }
const imageOf = (name: keyof typeof images) => tensor(images[name], { shape: [1, 1, 16, 16] })

let model: ArSeg
const crossEntropy = (prefix: Tensor, lists: number[][]): Tensor => {
  const tokens = tokensOf(lists)
  const classes = tensor(
    lists.map(() => 0),
    { dtype: 'int64' },
  )
  const inputs = model.autoencoder.quantizer.teacherInput(tokens)
  return F.crossEntropy(
    model.transformer.forward(prefix, classes, inputs).flatten(0, 1),
    cat(tokens, 1).flatten(),
  )
}
const reached = (name: keyof typeof sets) =>
  noGrad(() => crossEntropy(model.condition.forward(imageOf(name)).expand([4, -1, -1]), sets[name]).item())

beforeAll(() => {
  // Tensors this small gain nothing from a second thread.
  setThreads(1)
  manualSeed(3)
  model = new ArSeg(tinyOptions({}, { steps: 250 }), squareTask(16))
  const names = [...masks.map(() => 'early' as const), ...masks.map(() => 'late' as const)]
  const batch = (step: number) =>
    squareBatch(
      16,
      names.map((name) => images[name]),
      names.map(() => [new Array(256).fill(0)]),
      step,
    )
  const phase: Phase = {
    ...model.phases()[1]!,
    losses: ({ images: x }) => ({
      total: crossEntropy(model.condition.forward(x), [...sets.early, ...sets.late]),
    }),
  }
  const run = new PhaseRun(model, phase, 1, 3, 'cpu', 'float32')
  for (let step = 0; step < phase.steps; step++) run.step([batch(step)])
  run.free()
  model.eval().requiresGrad_(false)
}, 60_000)

async function draw(name: keyof typeof sets) {
  const engine = model.engine()
  const condition = engine.encode(imageOf(name))
  const { tokens } = await sampleMasks(engine, condition, { samples: 800, seed: 1, rowsPerBatch: 100 })
  engine.releaseCondition(condition)
  return tokens.map(String)
}

it('four masks that scale 1 tells apart cost ln 4 in all, and are drawn equally often', async () => {
  const floor = Math.log(4) / TOKENS
  expect(reached('early')).toBeGreaterThan(floor - 1e-6)
  expect(reached('early')).toBeLessThan(1.1 * floor)
  const drawn = await draw('early')
  const counts = sets.early.map((list) => drawn.filter((one) => one === String(list)).length)
  // 200 expected, standard deviation sqrt(800 / 4 * 3 / 4) = 12.
  for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(45)
  // A cross-entropy within 10 % of ln 4 leaves at most 1 - exp(-0.14) = 13 % to other token lists.
  expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(690)
})

it('masks that only scale 2 tells apart cost ln 4 at each of its four places, and are mixed', async () => {
  const floor = (4 * Math.log(4)) / TOKENS
  expect(reached('late')).toBeGreaterThan(floor - 1e-6)
  expect(reached('late')).toBeLessThan(1.1 * floor)
  const drawn = await draw('late')
  // Places are drawn on their own: all four agree in 4 of 4^4 = 256 cases, 12.5 of 800.
  const whole = drawn.filter((one) => sets.late.some((list) => String(list) === one)).length
  expect(whole).toBeLessThan(40)
})
