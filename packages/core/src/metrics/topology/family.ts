import type { Emptiness, MetricEntry, MetricFamily, MetricInput } from '../catalogue.js'
import { emptinessOf, entry } from '../families/entry.js'
import { bettiMatchingError, componentMatchingError } from './betti-matching-error.js'
import { bettiNumbers, type ForegroundConnectivity, patchBettiErrors } from './betti-numbers.js'
import { clDice } from './cl-dice.js'
import { intersectionUnionDiscrepancy } from './diu.js'

const NO_RULE = 'Needs no rule: an empty mask has no feature.'

const line = (id: string, title: string, description: string) =>
  entry({
    ...{ id, title, description, input: 'mask', source: 'Shit et al. 2021; skeletons of scikit-image' },
    empty: 'Both empty 1, one empty 0; no skeleton pixel in the other mask on both sides 0.',
  })

const count = (id: string, title: string, description: string, more: Partial<MetricEntry> = {}) =>
  entry({
    ...{ id, title, description, input: 'mask', unit: 'count', range: [0, Infinity], direction: 'lower' },
    ...{ empty: NO_RULE, source: 'standard definition' },
    ...more,
  })

const plane = { dimensions: [2] } as const
const space = { dimensions: [3] } as const
const windows = { ...plane, source: 'after Hu et al. 2019' } as const
const matching = {
  ...plane,
  unit: 'none',
  source: "Stucki et al. 2023 (the authors' program, union, V-construction)",
  empty: 'Both empty 0; with one empty the two undying components match at a cost of 2.',
} as const
const dual = 'foreground 8 (26), background 4 (6), or the reverse with connectivity `cross`'

/** Shape as topology: skeletons, components, holes, and whether they are in the same places. */
export const topologyFamily: MetricFamily = {
  name: 'topology',
  entries: [
    line(
      'clDice',
      'clDice',
      'Centreline Dice: harmonic mean of the two shares of skeletons in the other mask.',
    ),
    line('clPrecision', 'clDice Tprec', "Share of the prediction's skeleton that lies in the reference."),
    line('clSensitivity', 'clDice Tsens', "Share of the reference's skeleton that lies in the prediction."),
    count('bettiError', 'Betti error', `Sum of the Betti number errors of all dimensions; ${dual}.`),
    count('betti0Error', 'β0 error', `Difference of the numbers of components; ${dual}.`),
    count('betti1Error', 'β1 error', `Difference of the numbers of holes (in space: tunnels); ${dual}.`),
    count('betti2Error', 'β2 error', `Difference of the numbers of cavities; ${dual}.`, space),
    count('betti0ErrorPatches', 'β0 error (64)', 'Mean β0 error of windows of 64 x 64 pixels.', windows),
    count('betti1ErrorPatches', 'β1 error (64)', 'Mean β1 error of windows of 64 x 64 pixels.', windows),
    count('predictedBetti0', 'β0', 'Components of the prediction.', { direction: 'none' }),
    count('predictedBetti1', 'β1', 'Holes (tunnels) of the prediction.', { direction: 'none' }),
    count('predictedBetti2', 'β2', 'Cavities of the prediction.', { direction: 'none', ...space }),
    count('referenceBetti0', 'β0 (ref.)', 'Components of the reference.', { direction: 'none' }),
    count('referenceBetti1', 'β1 (ref.)', 'Holes (tunnels) of the reference.', { direction: 'none' }),
    count('referenceBetti2', 'β2 (ref.)', 'Cavities of the reference.', { direction: 'none', ...space }),
    count('bettiMatching', 'BM error', 'Betti matching error of the masks, both dimensions.', matching),
    count('bettiMatching0', 'BM0 error', 'Its part of the components.', matching),
    count('bettiMatching1', 'BM1 error', 'Its part of the holes.', matching),
    count('componentMatching', 'CM error', 'Components without a partner, free of ties; foreground 4.', {
      ...plane,
      source: 'own definition beside Betti matching',
    }),
    count('diu', 'DIU', `Features that differ between intersection and union; ${dual}.`, {
      ...plane,
      source: 'Lux, Berger et al. 2025 (Topograph), on plain pixels',
    }),
  ],
  measure(input, wanted, { connectivity }) {
    const empty = emptinessOf(input.prediction!, input.reference!)
    const values: Record<string, number> = {}
    const asked = (...ids: string[]) => ids.some((id) => wanted.has(id))
    if (asked('clDice', 'clPrecision', 'clSensitivity')) Object.assign(values, lines(input))
    if ([...wanted].some((id) => id.includes('etti') && !id.endsWith('Patches') && !id.includes('Matching')))
      Object.assign(values, numbers(input, connectivity))
    if (asked('betti0ErrorPatches', 'betti1ErrorPatches')) Object.assign(values, patches(input, connectivity))
    if (asked('bettiMatching', 'bettiMatching0', 'bettiMatching1')) Object.assign(values, matched(input))
    const { prediction, reference, shape } = input
    if (asked('componentMatching'))
      values.componentMatching = componentMatchingError(prediction!, reference!, shape)
    if (asked('diu')) {
      const size = shape as readonly [number, number]
      values.diu = intersectionUnionDiscrepancy(prediction!, reference!, size, connectivity)
    }
    return { values, empty: empty satisfies Emptiness }
  },
}

function lines({ prediction, reference, shape }: MetricInput) {
  const { clDice: value, precision, sensitivity } = clDice(prediction!, reference!, shape)
  return { clDice: value, clPrecision: precision, clSensitivity: sensitivity }
}

function numbers({ prediction, reference, shape }: MetricInput, foreground: ForegroundConnectivity) {
  const found = bettiNumbers(prediction!, shape, foreground)
  const expected = bettiNumbers(reference!, shape, foreground)
  const values: Record<string, number> = { bettiError: 0 }
  found.forEach((value, k) => {
    const error = Math.abs(value - expected[k]!)
    values[`betti${k}Error`] = error
    values[`predictedBetti${k}`] = value
    values[`referenceBetti${k}`] = expected[k]!
    values.bettiError! += error
  })
  return values
}

function patches({ prediction, reference, shape }: MetricInput, foreground: ForegroundConnectivity) {
  const size = shape as readonly [number, number]
  const [components, holes] = patchBettiErrors(prediction!, reference!, size, { foreground })
  return { betti0ErrorPatches: components, betti1ErrorPatches: holes }
}

function matched({ prediction, reference, shape }: MetricInput) {
  // Masks may mark with any number but 0, and the error is in units of the values.
  const [a, b] = [prediction!, reference!].map((mask) => mask.map((value) => (value === 0 ? 0 : 1)))
  const { error, components, holes } = bettiMatchingError(a!, b!, shape)
  return { bettiMatching: error, bettiMatching0: components, bettiMatching1: holes }
}
