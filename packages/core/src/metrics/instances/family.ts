import { type Connectivity, labelComponents } from '../../topology/components.js'
import type {
  Emptiness,
  LabelMap,
  Mask,
  MetricEntry,
  MetricFamily,
  MetricInput,
  MetricOptions,
} from '../catalogue.js'
import { entry } from '../families/entry.js'
import { aji, ajiPlus } from './aji.js'
import { glasF1, objectDice } from './object-dice.js'
import { objectHausdorff } from './object-hausdorff.js'
import { type OverlapTable, objectCounts, overlapTable } from './overlap-table.js'
import { averagePrecision, panopticScores } from './panoptic.js'
import { adaptedRand, adjustedRandIndex, variationOfInformation } from './partitions.js'

const objects = (
  id: string,
  title: string,
  description: string,
  source: string,
  more: Partial<MetricEntry> = {},
) =>
  entry({
    ...{ id, title, description, source, input: 'instances' },
    empty: 'No object on either side 1, on one side 0.',
    ...more,
  })
const count = { unit: 'count', range: [0, Infinity], direction: 'none', empty: 'Needs no rule.' } as const
const bits = { unit: 'bits', range: [0, Infinity], direction: 'lower', empty: 'Needs no rule.' } as const
const KIRILLOV = 'Kirillov et al. 2019'
const GLAS = 'GlaS challenge, Sirinukunwattana et al. 2017'
const SEGMENTS = 'background is one segment'

/** Objects one by one: nuclei, glands. Without instance maps objects are the connected components of the masks. */
export const instanceFamily: MetricFamily = {
  name: 'instances',
  entries: [
    objects('objectDice', 'Object Dice', 'Area-weighted Dice of objects with their largest overlap.', GLAS),
    objects('objectHausdorff', 'Object HD', 'The same with Hausdorff distances of regions.', GLAS, {
      ...{ direction: 'lower', unit: 'length', usesSpacing: true, range: [0, Infinity] },
      empty: 'No object on either side 0; on one side NaN, or the diagonal with `oneEmptyDistance`.',
    }),
    objects('glasF1', 'F1 (GlaS)', 'F1 of objects that cover at least half of a reference object.', GLAS),
    objects('aji', 'AJI', 'Aggregated Jaccard index.', 'Kumar et al. 2017'),
    objects('ajiPlus', 'AJI+', 'Aggregated Jaccard index of one-to-one pairs.', 'Graham et al. 2019'),
    objects('pq', 'PQ', 'Panoptic quality, DQ times SQ.', KIRILLOV),
    objects('sq', 'SQ', 'Segmentation quality: mean IoU of objects matched above 0.5.', KIRILLOV),
    objects('dq', 'DQ', 'Detection quality: F1 of objects matched above an IoU of 0.5.', KIRILLOV),
    objects(
      'averagePrecision',
      'mAP (DSB)',
      'Mean of TP / (TP + FP + FN) at IoU 0.5 to 0.95.',
      'Caicedo et al. 2019',
    ),
    objects('predictedObjects', 'Objects', 'Objects of the prediction.', 'standard definition', count),
    objects('referenceObjects', 'Objects (ref.)', 'Objects of the reference.', 'standard definition', count),
    objects(
      'voi',
      'VOI',
      `Variation of information of the segments, in bits; ${SEGMENTS}.`,
      'Meila 2007',
      bits,
    ),
    objects(
      'voiSplit',
      'VOI split',
      'Entropy of the prediction given the reference, in bits.',
      'Meila 2007',
      bits,
    ),
    objects(
      'voiMerge',
      'VOI merge',
      'Entropy of the reference given the prediction, in bits.',
      'Meila 2007',
      bits,
    ),
    objects('ari', 'ARI', `Adjusted Rand index of the segments; ${SEGMENTS}.`, 'Hubert and Arabie 1985', {
      range: [-1, 1],
      empty: 'Both empty 1.',
    }),
    objects('adaptedRandF', 'Rand F', 'Adapted Rand F; pixels of reference objects only.', 'SNEMI3D', {
      empty: 'Both empty 1; no two reference pixels in one object NaN.',
    }),
  ],
  measure(input, wanted, options) {
    const predicted = instancesOf(input.predictedInstances, input.prediction, input.shape, options)
    const reference = instancesOf(input.referenceInstances, input.reference, input.shape, options)
    const table = overlapTable(predicted, reference)
    const values: Record<string, number> = {}
    for (const id of wanted) if (SCORES[id]) values[id] = SCORES[id](table)
    if (wanted.has('objectHausdorff'))
      values.objectHausdorff = hausdorff(predicted, reference, input, options)
    return { values, empty: emptiness(table) }
  },
}

const SCORES: Readonly<Record<string, (table: OverlapTable) => number>> = {
  objectDice,
  glasF1,
  aji,
  ajiPlus,
  averagePrecision,
  pq: (table) => panopticScores(table).pq,
  sq: (table) => panopticScores(table).sq,
  dq: (table) => panopticScores(table).dq,
  predictedObjects: (table) => objectCounts(table).predicted,
  referenceObjects: (table) => objectCounts(table).reference,
  voi: (table) => variationOfInformation(table).voi,
  voiSplit: (table) => variationOfInformation(table).split,
  voiMerge: (table) => variationOfInformation(table).merge,
  ari: (table) => adjustedRandIndex(table),
  adaptedRandF: (table) => adaptedRand(table).f,
}

function instancesOf(
  instances: LabelMap | undefined,
  mask: Mask | undefined,
  shape: readonly number[],
  { connectivity }: MetricOptions,
): LabelMap {
  if (instances) return instances
  const neighbours: Record<string, Connectivity> = { full2: 8, cross2: 4, full3: 26, cross3: 6 }
  return labelComponents(mask!, shape, neighbours[`${connectivity}${shape.length}`]!).labels
}

function hausdorff(
  a: LabelMap,
  b: LabelMap,
  { shape, spacing }: MetricInput,
  options: MetricOptions,
): number {
  const distance = objectHausdorff(a, b, shape, spacing)
  if (!Number.isNaN(distance) || options.oneEmptyDistance === 'undefined') return distance
  return Math.hypot(...shape.map((size, axis) => size * (spacing?.[axis] ?? 1)))
}

function emptiness(table: OverlapTable): Emptiness {
  const { predicted, reference } = objectCounts(table)
  if (predicted === 0) return reference === 0 ? 'both' : 'prediction'
  return reference === 0 ? 'reference' : 'none'
}
