import { splitHash } from '../datasets/index.js'
import type { CaseScores, DatasetCard, EvaluateResult, EvaluateRunRequest, PredictedCase } from './api.js'
import { metricRows, multiRaterMetrics, singleMetrics } from './metric-table.js'
import { openRun, openSplit, pictureOf, storedOf } from './open-run.js'
import { predictCase } from './predict-case.js'
import { predictVolumeCase } from './predict-volume-case.js'
import type { RunTask, Workplace } from './workplace.js'

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

/** What of an image the network saw. */
function seenNote({ dimensions, imageSize, patches }: RunTask, resize: 'crop' | 'stretch'): string {
  const size = imageSize.join(' x ')
  if (dimensions === 3) {
    const how = resize === 'stretch' ? `stretched to ${size}` : `whole, in overlapping patches of ${size}`
    return `Volumes are segmented ${how}; scores are on the grids of the files.`
  }
  if (patches && resize === 'crop')
    return `Images are segmented whole, in overlapping patches of ${size} and their mirror images.`
  return resize === 'stretch'
    ? `Images are stretched to ${size} for the network and masks back; scores are at the images' own size.`
    : `The network sees the centre ${size} pixels; nothing is marked outside, and scores are of the whole image.`
}

/** Samples masks for a split of a data set and scores them; see `TrainingApi`. */
export async function evaluateRun(request: EvaluateRunRequest): Promise<EvaluateResult> {
  const { reporter, signal } = request
  const start = performance.now()
  const run = openRun(request)
  const { config, model, device } = run
  const { dataset, store, splits, chosen, task, annotated } = await openSplit(run, request)
  const only = <T>(list: readonly T[]) => (annotated ? annotated.map((k) => list[k]!) : list)
  const samples = request.samples ?? defaultSamples
  const volumes = task.dimensions === 3
  const perCase: CaseScores[] = []
  const progress = reporter.progress(`${request.split} cases`, chosen.length, 'cases')
  let drawn = 1
  try {
    for (const [index, entry] of chosen.entries()) {
      signal.throwIfAborted()
      const options = {
        samples,
        seed: request.seed,
        index,
        stages: request.onCase !== undefined,
        resize: config.data.resize,
        device,
        signal,
      }
      const whole =
        volumes && request.volumes
          ? await predictVolumeCase(model, task, entry, await storedOf(store, entry), options)
          : await predictCase(model, task, await pictureOf(store, entry), options)
      const item = annotated ? { ...whole, classes: only(whole.classes) } : whole
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
    seenNote(task, config.data.resize),
  ]
  return {
    title: `${config.method}, ${request.split} split of ${dataset.name}`,
    dataset: cardOf(dataset),
    cases: perCase.length,
    patients: new Set(perCase.map((item) => item.patient)).size,
    samples: drawn,
    raters: task.raters,
    seed: request.seed,
    rows: metricRows(
      perCase,
      task.raters > 1 || drawn > 1 ? multiRaterMetrics : singleMetrics,
      only(task.classes),
    ),
    perCase,
    splitHash: splitHash(splits),
    notes,
    seconds: (performance.now() - start) / 1000,
  }
}
