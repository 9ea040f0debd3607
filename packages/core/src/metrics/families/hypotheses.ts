import { type BitMask, packMask } from '../bit-mask.js'
import type { Emptiness, MetricEntry, MetricFamily } from '../catalogue.js'
import { collectiveInsight } from '../collective-insight.js'
import { multiRaterScores } from '../multi-rater.js'
import { varianceCorrelation } from '../variance-correlation.js'
import { countVotes, votedMask } from '../votes.js'
import { emptiness, emptinessOfSets, entry, marks } from './entry.js'

const PAIRS = 'Pairs: both empty agree fully (by option: not at all), one empty 0.'

const set = (id: string, title: string, description: string, more: Partial<MetricEntry> = {}) =>
  entry({
    ...{ id, title, description, input: 'hypotheses', empty: PAIRS, source: 'standard definition' },
    ...more,
  })
const energy = { direction: 'lower', range: [0, 2], source: 'Kohl et al. 2018 (V-statistic)' } as const
const info = { direction: 'none' } as const
const count = { unit: 'count', range: [0, Infinity], empty: 'Needs no rule.', ...info } as const

/** Several hypotheses against several raters. Values grow or shrink with the number of samples: state it. */
export const hypothesesFamily: MetricFamily = {
  name: 'hypotheses',
  entries: [
    set('ged', 'GED²', 'Squared generalised energy distance of samples and raters.', energy),
    set(
      'gedWithoutDiagonal',
      'GED² (no diagonal)',
      'The same without pairs of a mask with itself; may be negative.',
      {
        ...{ ...energy, range: [-2, 2], source: 'D-Persona' },
        empty: `${PAIRS} NaN for one sample or one rater.`,
      },
    ),
    set('hmIou', 'HM-IoU', 'Mean IoU under the best matching of both sets, repeated to equal number.', {
      source: 'Kassapis et al. 2021',
    }),
    set('softDice', 'Soft-Dice', 'Dice of the mean maps cut at 0.1, 0.3, 0.5, 0.7, 0.9, averaged.', {
      ...{ empty: 'Per cut: both empty 1 by smoothing, one empty about 0.', source: 'BerDiff, D-Persona' },
    }),
    set('dMax', 'D_max', "Mean over raters of the best sample's Dice; grows with the number of samples.", {
      source: 'CIMD, ATFM',
    }),
    set('dMaxPerSample', 'D_max (samples)', "Mean over samples of the best rater's Dice.", {
      source: 'SeqSAM, D-Persona',
    }),
    set('dAvg', 'D_avg', 'Mean Dice of all pairs of a sample and a rater.'),
    set('dVote', 'D_vote', "Mean over raters of the Dice of the samples' majority.", { source: 'SeqSAM' }),
    set('dMatch', 'D_match', 'Mean Dice of the best one-to-one matching without repeats.', {
      source: 'D-Persona',
    }),
    set('perSampleDice', 'Dice a sample', "Mean Dice of a sample against the raters' majority."),
    set('perSampleIou', 'IoU a sample', "Mean IoU of a sample against the raters' majority."),
    set('consensusDice', 'Dice consensus', "Dice of the samples' and the raters' majority (more than half)."),
    set('consensusIou', 'IoU consensus', 'The same with IoU.'),
    set('sNcc', 'S_NCC', "Correlation of the model's doubt with its error against each rater.", {
      ...{ range: [-1, 1], source: 'Baumgartner et al. 2019 (PHiSeg)' },
      empty: 'NaN where doubt or error is the same at all pixels (e.g. all samples alike).',
    }),
    set('ci', 'CI', 'Collective insight as printed: 3abc / (a + b + c) of the next two and D_max.', {
      ...{
        source: 'Rahman et al. 2023 (CIMD)',
        empty: 'Sensitivity: both unions empty 1, raters empty 0. Pairs 1.',
      },
    }),
    set('ciHarmonic', 'CI (harmonic)', 'Collective insight as a harmonic mean.', {
      ...{ source: 'Rahman et al. 2023 (CIMD)', empty: 'As ci; 0 where a part is 0.' },
    }),
    set('combinedSensitivity', 'S_c', "Share of the raters' union that the samples' union covers.", {
      ...{ source: 'Rahman et al. 2023 (CIMD)', empty: 'Both unions empty 1, one empty 0.' },
    }),
    set('diversityAgreement', 'D_a', 'Agreement of the largest and smallest distances inside the sets.', {
      source: 'Rahman et al. 2023 (CIMD), distance 1 - Dice',
    }),
    set('cross', 'distance to raters', 'Mean 1 - IoU over all pairs of a sample and a rater.', {
      direction: 'lower',
    }),
    set('sampleDiversity', 'sample diversity', 'Mean 1 - IoU over all ordered pairs of samples.', info),
    set('raterDiversity', 'rater diversity', 'Mean 1 - IoU over all ordered pairs of raters.', info),
    set('emptySamples', 'empty samples', 'Samples that mark nothing.', count),
    set('emptyRaters', 'empty raters', 'Raters that mark nothing.', count),
  ],
  measure(input, wanted, { emptyPairs }) {
    const samples = input.samples!
    const raters = input.raters!
    const packedSamples = samples.map((sample) => packMask(sample))
    const packedRaters = raters.map((rater) => packMask(rater))
    const insight = collectiveInsight(packedSamples, packedRaters)
    return {
      values: {
        ...multiRaterScores(packedSamples, packedRaters, { bothEmpty: emptyPairs }),
        ci: insight.ci,
        ciHarmonic: insight.ciHarmonic,
        combinedSensitivity: insight.combinedSensitivity,
        diversityAgreement: insight.diversityAgreement,
        emptySamples: samples.filter((sample) => !marks(sample)).length,
        emptyRaters: raters.filter((rater) => !marks(rater)).length,
        ...(wanted.has('sNcc') && {
          sNcc: varianceCorrelation(input.sampleProbabilities ?? samples.map(certain), raters),
        }),
      },
      empty: emptinessOfSets(samples, raters),
      emptyOf: emptinessOfMajorities(packedSamples, packedRaters),
    }
  },
}

/** The majority of masks that overlap little is empty though none of them is. */
function emptinessOfMajorities(
  samples: readonly BitMask[],
  raters: readonly BitMask[],
): Readonly<Record<string, Emptiness>> {
  const allEmpty = (masks: readonly BitMask[]) => masks.every(({ count }) => count === 0)
  const noMajority = (masks: readonly BitMask[]) => votedMask(countVotes(masks), 0.5).count === 0
  const [vote, majority] = [noMajority(samples), noMajority(raters)]
  const consensus = emptiness(vote, majority)
  const perSample = emptiness(allEmpty(samples), majority)
  return {
    consensusDice: consensus,
    consensusIou: consensus,
    dVote: emptiness(vote, allEmpty(raters)),
    perSampleDice: perSample,
    perSampleIou: perSample,
  }
}

/** A mask as probabilities in bytes. */
function certain(mask: Uint8Array): Uint8Array {
  return mask.map((value) => (value === 0 ? 0 : 255))
}
