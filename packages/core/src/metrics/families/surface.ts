import type { MetricEntry, MetricFamily } from '../catalogue.js'
import { boundaryIou } from '../surface/boundary.js'
import { edgeScores, surfelScores } from '../surface/scores.js'
import { emptinessOf, entry } from './entry.js'

const NSD_EMPTY = 'Both empty 1, one empty 0.'
const EDGE = 'MONAI (edge pixels)'
const SURFEL = "DeepMind's surface-distance (surface elements)"

const distance = (id: string, title: string, description: string, source: string): MetricEntry =>
  entry({
    ...{ id, title, description, source, input: 'mask', direction: 'lower', range: [0, Infinity] },
    ...{ unit: 'length', usesSpacing: true },
    empty: 'Both empty 0; one empty NaN (or, by option, the diagonal of the image).',
  })

/** Distances between surfaces, in the three conventions that are in use. */
export const surfaceFamily: MetricFamily = {
  name: 'surface',
  entries: [
    distance('hd', 'HD', 'Hausdorff distance between edge pixels.', EDGE),
    distance(
      'hd95',
      'HD95',
      '95th percentile of each direction (linear interpolation), the larger one.',
      EDGE,
    ),
    distance('hd95Pooled', 'HD95 (MedPy)', '95th percentile of both directions together.', 'MedPy'),
    distance('hdSurfel', 'HD (surfel)', 'Hausdorff distance between surface elements.', SURFEL),
    distance(
      'hd95Surfel',
      'HD95 (DeepMind)',
      'Per direction the first distance within which 95 % of the surface lies, the larger one.',
      SURFEL,
    ),
    distance(
      'assd',
      'ASSD',
      'Mean of the distances of both directions together.',
      `${EDGE}, MedPy from 0.5.2`,
    ),
    distance('asdTwoSided', 'ASD (two-sided)', 'Mean of the two directed means.', 'MedPy 0.4, older MONAI'),
    distance('asd', 'ASD', 'Directed mean from prediction to reference.', EDGE),
    distance('asdFromReference', 'ASD (ref. to pred.)', 'Directed mean from reference to prediction.', EDGE),
    distance('assdSurfel', 'ASSD (surfel)', 'Size-weighted mean of both directions together.', SURFEL),
    distance('asdSurfel', 'ASD (surfel)', 'Size-weighted mean from prediction to reference.', SURFEL),
    distance(
      'asdSurfelFromReference',
      'ASD (surfel, ref. to pred.)',
      'Size-weighted mean from reference to prediction.',
      SURFEL,
    ),
    entry({
      ...{ id: 'nsd', title: 'NSD', input: 'mask', usesSpacing: true, empty: NSD_EMPTY, source: EDGE },
      description: 'Share of the edge pixels of both masks within the tolerance of the other.',
    }),
    entry({
      ...{ id: 'nsdSurfel', title: 'NSD (DeepMind)', input: 'mask', usesSpacing: true, empty: NSD_EMPTY },
      description: 'Normalised surface Dice: share of both surfaces within the tolerance of the other.',
      source: `Nikolov et al. 2018; ${SURFEL}`,
    }),
    entry({
      ...{ id: 'boundaryIou', title: 'Boundary IoU', input: 'mask', empty: NSD_EMPTY },
      description: 'IoU of the inner bands along both contours, 2 % of the image diagonal wide.',
      source: 'Cheng et al., CVPR 2021',
    }),
  ],
  measure({ prediction, reference, shape, spacing }, wanted, options) {
    const { tolerance, oneEmptyDistance: oneEmpty, boundaryRatio: ratio } = options
    const given = { tolerance, oneEmpty, ...(spacing && { spacing }) }
    const ids = [...wanted]
    const surfel = ids.some((id) => id.includes('Surfel'))
    const edge = ids.some((id) => !id.includes('Surfel') && id !== 'boundaryIou')
    return {
      values: {
        ...(edge && edgeScores(prediction!, reference!, shape, given)),
        ...(surfel && surfelScores(prediction!, reference!, shape, given)),
        ...(wanted.has('boundaryIou') && {
          boundaryIou: boundaryIou(prediction!, reference!, shape, { ratio }),
        }),
      },
      empty: emptinessOf(prediction!, reference!),
    }
  },
}
