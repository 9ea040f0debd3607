import type { MetricEntry, MetricFamily } from '../catalogue.js'
import { layerNearestDistance, layerScores } from '../layers.js'
import { lesionScores } from '../lesions.js'
import { volumeScores } from '../volume.js'
import { emptinessOf, entry } from './entry.js'

const volume = (id: string, title: string, description: string, more: Partial<MetricEntry> = {}) =>
  entry({
    ...{ id, title, description, input: 'mask', unit: 'volume', usesSpacing: true, range: [0, Infinity] },
    ...{ direction: 'none', empty: 'Needs no rule.', source: 'standard definition' },
    ...more,
  })

/** Sizes of what is marked. */
export const volumeFamily: MetricFamily = {
  name: 'volume',
  entries: [
    volume('predictedVolume', 'Volume', 'Volume (area) of the prediction.'),
    volume('referenceVolume', 'Volume (ref.)', 'Volume (area) of the reference.'),
    volume('volumeDifference', 'VD', 'Volume of the prediction minus that of the reference; 0 is best.', {
      range: [-Infinity, Infinity],
    }),
    volume('absoluteVolumeDifference', 'AVD', 'Absolute difference of the volumes.', { direction: 'lower' }),
    volume(
      'relativeVolumeDifference',
      'RVD',
      'Difference of the volumes over that of the reference; 0 is best.',
      {
        ...{ unit: 'none', usesSpacing: false, range: [-1, Infinity] },
        empty: 'Both empty 0; only the reference empty NaN.',
      },
    ),
    volume('volumeSimilarity', 'VS', 'Volumetric similarity, 1 - |a - b| / (a + b).', {
      ...{ unit: 'none', usesSpacing: false, range: [0, 1], direction: 'higher' },
      ...{ empty: 'Both empty 1, one empty 0.', source: 'Taha and Hanbury 2015' },
    }),
  ],
  measure({ prediction, reference, shape, spacing }) {
    return {
      values: { ...volumeScores(prediction!, reference!, shape, spacing) },
      empty: emptinessOf(prediction!, reference!),
    }
  },
}

const layer = (id: string, title: string, description: string, more: Partial<MetricEntry> = {}) =>
  entry({
    ...{ id, title, description, input: 'mask', unit: 'length', usesSpacing: true, range: [0, Infinity] },
    ...{ direction: 'lower', dimensions: [2] },
    empty: 'Both empty 0; a column where one map lacks the layer counts the height of the image.',
    source: 'GOALS challenge (own definition, theirs is not public)',
    ...more,
  })

/** Edges of a layer that runs across a picture, such as those of a retina. */
export const layerFamily: MetricFamily = {
  name: 'layers',
  entries: [
    layer('layerEdgeDistance', 'MED', 'Mean vertical distance of the upper and lower edges of the layer.'),
    layer('upperEdgeDistance', 'MED (upper)', 'The same of the upper edge alone.'),
    layer('lowerEdgeDistance', 'MED (lower)', 'The same of the lower edge alone.'),
    layer('layerNearestDistance', 'MED (nearest)', 'Mean distance to the nearest point of the other edge.', {
      empty: 'Both empty 0, one empty NaN.',
    }),
    layer('missedColumns', 'Missed columns', 'Columns where only one map has the layer.', {
      ...{ unit: 'count', usesSpacing: false, empty: 'Needs no rule.' },
    }),
  ],
  measure({ prediction, reference, shape, spacing }, wanted) {
    const { edgeDistance, ...others } = layerScores(prediction!, reference!, shape, spacing)
    return {
      values: {
        ...others,
        layerEdgeDistance: edgeDistance,
        ...(wanted.has('layerNearestDistance') && {
          layerNearestDistance: layerNearestDistance(prediction!, reference!, shape, spacing),
        }),
      },
      empty: emptinessOf(prediction!, reference!),
    }
  },
}

const lesion = (id: string, title: string, description: string, more: Partial<MetricEntry> = {}) =>
  entry({
    ...{ id, title, description, input: 'mask', source: 'ISLES 2022 (any common pixel)' },
    empty: 'No lesion on either side 1, on one side 0.',
    ...more,
  })
const count: Partial<MetricEntry> = {
  unit: 'count',
  range: [0, Infinity],
  direction: 'lower',
  empty: 'Needs no rule.',
}

/** Detection of lesions, each counting the same. */
export const lesionFamily: MetricFamily = {
  name: 'lesions',
  entries: [
    lesion('lesionF1', 'Lesion F1', 'Lesion-wise F1: a lesion is found when any pixel of it is marked.'),
    lesion('lesionPrecision', 'Lesion precision', 'Share of the predicted lesions that touch a true one.'),
    lesion('lesionRecall', 'Lesion recall', 'Share of the lesions of the reference that are found.'),
    lesion('lesionsFound', 'Lesions found', 'Lesions of the reference that are found.', {
      ...count,
      direction: 'higher',
    }),
    lesion(
      'falseLesions',
      'False lesions',
      'Predicted lesions that touch no lesion of the reference.',
      count,
    ),
    lesion('missedLesions', 'Missed lesions', 'Lesions of the reference without a marked pixel.', count),
  ],
  measure({ prediction, reference, shape }, _wanted, { connectivity, lesionIou: leastIou }) {
    const scores = lesionScores(prediction!, reference!, shape, { connectivity, leastIou })
    const { truePositives, falsePositives, falseNegatives, ...shares } = scores
    return {
      values: {
        ...shares,
        lesionsFound: truePositives,
        falseLesions: falsePositives,
        missedLesions: falseNegatives,
      },
      empty: emptinessOf(prediction!, reference!),
    }
  },
}
