import {
  countBoth,
  diceFromCounts,
  type ImageGeometry,
  iouFromCounts,
  type LabelledClass,
  labelComponents,
  maskOfClass,
  packMask,
} from '@septum/core'
import { componentSizes, fullConnectivity } from './clean.js'

/** What is measured of one class of a case. Lengths need a spacing: without it there is no area and no volume. */
export interface ClassStatistics {
  readonly name: string
  readonly label: number
  /** Marked pixels or voxels, and their share of the image. */
  readonly samples: number
  readonly share: number
  /** Pictures with a spacing. */
  readonly areaMm2?: number
  /** Volumes with a spacing. */
  readonly volumeMm3?: number
  /** Groups of marked samples that touch, by a corner too, and the size of the largest. */
  readonly components: number
  readonly largestComponent: number
  /** Means over the marked samples; null where nothing is marked. */
  readonly meanProbability: number | null
  readonly meanUncertainty: number | null
  /** Sampling models: means over all pairs of samples; two empty masks agree fully. */
  readonly agreement?: { readonly dice: number; readonly iou: number }
  /** Sampling models: smallest and largest number of marked samples among the hypotheses. */
  readonly samplesRange?: readonly [number, number]
}

/** Area or volume of one sample in mm² or mm³. */
export function sampleMm({ spacingMm }: ImageGeometry): number {
  return spacingMm.reduce((product, mm) => product * mm, 1)
}

export interface Measured {
  readonly labels: Uint8Array
  /** [H, W] or [D, H, W] */
  readonly size: readonly number[]
  readonly geometry?: ImageGeometry
  /** Label maps of the hypotheses. */
  readonly samples: readonly Uint8Array[]
  /** Sums over the marked samples, by class. */
  readonly probabilitySums: Float64Array
  readonly uncertaintySums: Float64Array
}

/** Measures every class of a finished case. */
export function classStatistics(
  classes: readonly (LabelledClass & { readonly name: string })[],
  measured: Measured,
): ClassStatistics[] {
  const { labels, size, geometry, samples, probabilitySums, uncertaintySums } = measured
  return classes.map((entry, index): ClassStatistics => {
    const { name, label } = entry
    const mask = maskOfClass(labels, entry)
    const components = labelComponents(mask, size, fullConnectivity(size))
    const sizes = componentSizes(components.labels, components.count)
    const marked = sizes.reduce((sum, each) => sum + each, 0)
    const mm = geometry && marked * sampleMm(geometry)
    return {
      name,
      label,
      samples: marked,
      share: marked / labels.length,
      ...(mm !== undefined && (size.length === 2 ? { areaMm2: mm } : { volumeMm3: mm })),
      components: components.count,
      largestComponent: sizes.reduce((most, each) => Math.max(most, each), 0),
      meanProbability: marked > 0 ? probabilitySums[index]! / marked : null,
      meanUncertainty: marked > 0 ? uncertaintySums[index]! / marked : null,
      ...(samples.length > 1 && agreement(samples, entry)),
    }
  })
}

function agreement(
  samples: readonly Uint8Array[],
  entry: LabelledClass,
): Pick<ClassStatistics, 'agreement' | 'samplesRange'> {
  const masks = samples.map((sample) => packMask(maskOfClass(sample, entry)))
  let [dice, iou, pairs] = [0, 0, 0]
  for (const [i, a] of masks.entries()) {
    for (const b of masks.slice(i + 1)) {
      const both = countBoth(a, b)
      dice += diceFromCounts(both, a.count, b.count)
      iou += iouFromCounts(both, a.count, b.count)
      pairs++
    }
  }
  const counts = masks.map(({ count }) => count)
  return {
    agreement: { dice: dice / pairs, iou: iou / pairs },
    samplesRange: [Math.min(...counts), Math.max(...counts)],
  }
}
