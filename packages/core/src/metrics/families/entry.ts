import type { Emptiness, Mask, MetricEntry } from '../catalogue.js'

type Common = 'direction' | 'range' | 'unit' | 'usesSpacing' | 'dimensions'

/** Fills in what most metrics share: a share in [0, 1], higher is better, without unit, for 2-D and 3-D. */
export function entry(given: Omit<MetricEntry, Common> & Partial<Pick<MetricEntry, Common>>): MetricEntry {
  return {
    direction: 'higher',
    range: [0, 1],
    unit: 'none',
    usesSpacing: false,
    dimensions: [2, 3],
    ...given,
  }
}

/** Which of two masks marks nothing. */
export function emptinessOf(prediction: Mask, reference: Mask): Emptiness {
  return emptiness(!marks(prediction), !marks(reference))
}

/** Which of two sets of masks marks nothing in any of its masks. */
export function emptinessOfSets(samples: readonly Mask[], raters: readonly Mask[]): Emptiness {
  return emptiness(!samples.some(marks), !raters.some(marks))
}

/** @param prediction marks nothing. @param reference marks nothing */
export function emptiness(prediction: boolean, reference: boolean): Emptiness {
  if (prediction) return reference ? 'both' : 'prediction'
  return reference ? 'reference' : 'none'
}

/** True where any pixel is marked. */
export function marks(mask: Mask): boolean {
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) return true
  return false
}
