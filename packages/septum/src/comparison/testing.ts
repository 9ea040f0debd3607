import { resolve } from 'node:path'
import { defaultMetricOptions, type Emptiness } from '@septum/core'
import type { ScoredClass } from '../evaluation/score.js'
import { runConfigSchema } from '../training/api.js'
import type { ScoredRun } from './summarise.js'
import { tabulate } from './tabulate.js'
import type { Comparison, PlannedRun } from './types.js'

export const config = runConfigSchema.parse({ method: 'unet', data: { path: 'data' } })

const score = (method: string, name: string, dice: number, mae: number): ScoredClass => ({
  case: name,
  patient: name,
  method,
  class: 'lesion',
  values: { meanDice: dice, mae },
  empty: { meanDice: 'none' as Emptiness, mae: 'none' as Emptiness },
  marked: { prediction: true, reference: true },
})

/** A run with [dice, mae] of each case. */
function scored(
  entry: string,
  fold: number,
  seed: number,
  cases: Readonly<Record<string, readonly [number, number]>>,
): ScoredRun {
  const name = `fold-${fold}-seed-${seed}`
  const run: PlannedRun = { entry, fold, seed, name, folder: resolve('runs', entry, name), config }
  return {
    run,
    scores: {
      metrics: ['meanDice', 'mae'],
      metricOptions: defaultMetricOptions,
      classes: ['lesion'],
      samples: 1,
      raters: 1,
      splitHash: '',
      trainingSeconds: 60 * (seed + 1),
      speed: { framesPerSecond: 10 + seed, device: 'cpu', threads: 1, samples: 1 },
      scores: Object.entries(cases).map(([one, [dice, mae]]) => score(entry, one, dice, mae)),
      problems: [],
      notes: [],
    },
  }
}

/** Two folds of two cases and two seeds of `unet`; one seed of `other`, whose second fold is missing. */
export function comparison(): Comparison {
  const runs = [
    scored('unet', 0, 0, { a: [0.8, 0.1], b: [0.6, 0.2] }), // mean 0.7
    scored('unet', 0, 1, { a: [1.0, 0.1], b: [0.6, 0.2] }), // mean 0.8
    scored('unet', 1, 0, { c: [0.5, 0.3], d: [0.3, 0.3] }), // mean 0.4
    scored('unet', 1, 1, { c: [0.5, 0.3], d: [0.7, 0.3] }), // mean 0.6
    scored('other', 0, 0, { a: [0.7, Number.NaN], b: [0.8, 0.2] }), // mean 0.75
  ]
  const method = (name: string) => ({
    name,
    method: name === 'other' ? 'm2snet' : name,
    title: name,
    imageSize: [32, 32],
    phases: [
      { name: 'p', steps: 4, batchSize: 2, optimizer: 'adam, cosine', lr: 0.001, augmentation: 'mirrored' },
    ],
    parameters: 1_234_567,
    macs: 7_654_321_000,
  })
  const planned = ['unet', 'other'].flatMap((entry) =>
    [0, 1].flatMap((fold) => [0, 1].map((seed) => scored(entry, fold, seed, {}).run)),
  )
  return tabulate({
    plan: { methods: [method('unet'), method('other')], runs: planned },
    scored: runs,
    failures: [
      { entry: 'other', run: 'fold-1-seed-0', code: 'x', message: 'Loss is not finite. Lower the rate.' },
    ],
    protocol: {
      dataset: 'kvasir_small',
      cases: 4,
      patients: 4,
      folds: 2,
      seeds: [0, 1],
      scheme: 'folds',
      splitHashes: ['aa', 'bb'],
      budget: { kind: 'steps', steps: 4 },
      resize: 'stretch',
    },
    dataset: { name: 'kvasir_small', description: {} } as never,
    seed: 0,
  })
}
