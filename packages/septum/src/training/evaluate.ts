import { splitHash } from '../datasets/index.js'
import type { CaseScores, DatasetCard, EvaluateResult, EvaluateRunRequest, PredictedCase } from './api.js'
import { metricRows, multiRaterMetrics, singleMetrics } from './metric-table.js'
import { openRun, openSplit, pictureOf } from './open-run.js'
import { predictCase } from './predict-case.js'
import type { Workplace } from './workplace.js'

const defaultSamples = 16

function scoresByCase(item: PredictedCase): CaseScores {
  const several = item.classes.length > 1
  const scores: Record<string, number> = {}
  for (const { name, scores: own } of item.classes) {
    for (const [metric, value] of Object.entries(own)) scores[several ? `${metric}.${name}` : metric] = value
  }
  return { case: item.name, patient: item.patient, scores }
}

function cardOf({ name, description }: Workplace['dataset']): DatasetCard {
  const { licence, source, citation = [] } = description
  return { name, licence, source, citation: typeof citation === 'string' ? [citation] : citation }
}

const emptyRule =
  'Two empty masks agree fully (Dice and IoU 1); one empty mask against a marked one scores 0.'

/** Samples masks for a split of a data set and scores them; see `TrainingApi`. */
export async function evaluateRun(request: EvaluateRunRequest): Promise<EvaluateResult> {
  const { reporter, signal } = request
  const start = performance.now()
  const run = openRun(request)
  const { config, task, model, device } = run
  const { dataset, store, splits, chosen } = await openSplit(run, request)
  const samples = request.samples ?? defaultSamples
  const perCase: CaseScores[] = []
  const progress = reporter.progress(`${request.split} cases`, chosen.length, 'cases')
  let drawn = 1
  try {
    for (const [index, entry] of chosen.entries()) {
      signal.throwIfAborted()
      const item = await predictCase(model, task, await pictureOf(store, entry), {
        samples,
        seed: request.seed,
        index,
        stages: request.onCase !== undefined,
        resize: config.data.resize,
        device,
        signal,
      })
      drawn = item.classes[0]!.samples.length
      perCase.push(scoresByCase(item))
      await request.onCase?.(item)
      progress.update(index + 1)
    }
  } finally {
    progress.finish()
  }
  const notes = [
    emptyRule,
    'Intervals: 95 %, percentile bootstrap over patients.',
    config.data.resize === 'stretch'
      ? `Images are stretched to ${task.imageSize.join(' x ')} for the network and masks back; scores are at the images' own size.`
      : `The network sees the centre ${task.imageSize.join(' x ')} pixels; nothing is marked outside, and scores are of the whole image.`,
  ]
  return {
    title: `${config.method}, ${request.split} split of ${dataset.name}`,
    dataset: cardOf(dataset),
    cases: perCase.length,
    patients: new Set(perCase.map((item) => item.patient)).size,
    samples: drawn,
    raters: task.raters,
    seed: request.seed,
    rows: metricRows(perCase, task.raters > 1 || drawn > 1 ? multiRaterMetrics : singleMetrics, task.classes),
    perCase,
    splitHash: splitHash(splits),
    notes,
    seconds: (performance.now() - start) / 1000,
  }
}
