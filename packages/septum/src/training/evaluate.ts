import { readdirSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { multiRaterScores, packMask, SeptumError } from '@septum/core'
import { loadCase, openFolderDataset, type SegmentationCase, splitHash } from '../datasets/index.js'
import { readPicture } from '../formats/index.js'
import type {
  CaseScores,
  DatasetCard,
  EvaluateFoldersRequest,
  EvaluateResult,
  EvaluateRunRequest,
  PredictedCase,
} from './api.js'
import { metricRows, multiRaterMetrics, singleMetrics } from './metric-table.js'
import { type Picture, predictCase } from './predict-case.js'
import { loadRun } from './run-folder.js'
import { openWorkplace, prepareDevice, type Workplace } from './workplace.js'

const defaultSamples = 16

/** A decoded case of a data set as a picture with its reference. */
export async function pictureOf(store: Workplace['store'], entry: SegmentationCase): Promise<Picture> {
  const { image, maxValue, masks, size } = await store.get(entry)
  const [height, width] = size
  return {
    name: entry.name,
    patient: entry.patient,
    height,
    width,
    channels: image.length / (height * width),
    image: Float32Array.from(image, (value) => Math.min(1, value / maxValue)),
    masks,
  }
}

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
  const device = prepareDevice(request.device, request.threads, reporter)
  const { config, task, model } = loadRun(request.run, device)
  // Pictures keep their own size here: the window is cut or stretched case by case.
  const data = { ...config.data, imageSize: [...task.imageSize], resize: 'crop' as const }
  const elsewhere = request.dataset
    ? { ...data, path: request.dataset, description: null, splits: null }
    : data
  const { dataset, store, splits, cases } = await openWorkplace(elsewhere, config.seed, reporter)
  if (`${dataset.classes}` !== `${task.classes}` || dataset.imageChannels !== task.imageChannels) {
    throw new SeptumError(
      'evaluate-task',
      `The run was trained for ${task.classes.join(', ')} on ${task.imageChannels} channels, the data set has ${dataset.classes.join(', ')} on ${dataset.imageChannels}`,
      'Evaluate on a data set of the same classes and channels.',
      { file: dataset.dir },
    )
  }
  const chosen = cases[request.split]
  if (chosen.length === 0)
    throw new SeptumError(
      'split-empty',
      `The ${request.split} split has no case`,
      'Choose another --split.',
      { file: dataset.dir },
    )
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

/** Files of a case's predicted masks: `<case>.png`, or all of `<case>/`. */
function predictedFiles(folder: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const isPicture = (name: string) => /\.(png|jpe?g)$/i.test(name)
  const stem = (name: string) => basename(name, extname(name))
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) {
      const inside = readdirSync(path).filter(isPicture).sort()
      if (inside.length > 0)
        found.set(
          name,
          inside.map((file) => join(path, file)),
        )
    } else if (isPicture(name) && !found.has(stem(name))) found.set(stem(name), [path])
  }
  return found
}

/** Scores predicted masks in a folder against a data set's reference masks; see `TrainingApi`. */
export async function evaluateFolders(request: EvaluateFoldersRequest): Promise<EvaluateResult> {
  const start = performance.now()
  const { reporter, signal } = request
  const predicted = predictedFiles(samplesFolder(request.predictions))
  if (predicted.size === 0) {
    throw new SeptumError(
      'predictions-empty',
      'There is no predicted mask',
      'Give a folder of <case>.png files, or of <case>/<sample>.png.',
      { file: request.predictions },
    )
  }
  const references = await openReferences(request.references, reporter)
  const perCase: CaseScores[] = []
  const missing: string[] = []
  const progress = reporter.progress('cases', references.cases.length, 'cases')
  let samples = 1
  for (const [index, entry] of references.cases.entries()) {
    signal.throwIfAborted()
    const files = predicted.get(entry.name)
    if (!files) {
      missing.push(entry.name)
      continue
    }
    const { masks, size } = await references.load(entry)
    const pixels = size[0] * size[1]
    const raters = Array.from({ length: masks.length / pixels }, (_, r) =>
      masks.subarray(r * pixels, (r + 1) * pixels),
    )
    const drawn = await Promise.all(files.map(readMask))
    samples = Math.max(samples, drawn.length)
    const scores: Record<string, number> = {}
    for (const [c, name] of references.classes.entries()) {
      const one = references.classes.length === 1
      // A binary prediction may be 0/1 or 0/255; with several classes its values are labels.
      const marks = (mask: { data: ArrayLike<number> }) =>
        packMask(Array.from(mask.data, (v) => ((one ? v > 0 : v === c + 1) ? 1 : 0)))
      for (const [i, mask] of drawn.entries()) {
        if (mask.height !== size[0] || mask.width !== size[1]) {
          throw new SeptumError(
            'mask-size',
            `The predicted mask has ${mask.height} x ${mask.width} pixels, its reference ${size[0]} x ${size[1]}`,
            'Predict at the size of the reference.',
            { case: entry.name, file: files[i] },
          )
        }
      }
      const own = multiRaterScores(
        drawn.map(marks),
        raters.map((mask) => packMask(Array.from(mask, (v) => (v === c + 1 ? 1 : 0)))),
      )
      for (const [metric, value] of Object.entries(own)) scores[one ? metric : `${metric}.${name}`] = value
    }
    perCase.push({ case: entry.name, patient: entry.patient, scores })
    progress.update(index + 1)
  }
  progress.finish()
  if (perCase.length === 0) {
    throw new SeptumError(
      'predictions-unpaired',
      'No predicted mask has the name of a reference',
      'Name the files as the cases: <case>.png.',
      { file: request.predictions },
    )
  }
  if (missing.length > 0)
    reporter.warn(`${missing.length} reference cases have no prediction and are left out, e.g. ${missing[0]}`)
  const several = references.raters > 1 || samples > 1
  return {
    title: `${basename(request.predictions)} against ${references.name}`,
    dataset: { name: references.name, citation: [] },
    cases: perCase.length,
    patients: new Set(perCase.map((item) => item.patient)).size,
    samples,
    raters: references.raters,
    seed: null,
    rows: metricRows(perCase, several ? multiRaterMetrics : singleMetrics, references.classes),
    perCase,
    splitHash: null,
    notes: [
      emptyRule,
      'Intervals: 95 %, percentile bootstrap over patients.',
      ...(missing.length > 0 ? [`${missing.length} reference cases have no prediction.`] : []),
    ],
    seconds: (performance.now() - start) / 1000,
  }
}

/** `septum predict` puts the sampled masks into `samples/` beside the fused ones: those are scored where there are any. */
function samplesFolder(folder: string): string {
  try {
    const inside = join(folder, 'samples')
    return readdirSync(folder).includes('samples') && statSync(inside).isDirectory() ? inside : folder
  } catch (cause) {
    throw new SeptumError(
      'predictions-missing',
      'The folder of predictions cannot be read',
      'Give the folder that septum predict --out wrote.',
      { file: folder },
      { cause },
    )
  }
}

async function readMask(
  file: string,
): Promise<{ data: Uint8Array | Uint16Array; height: number; width: number }> {
  const { data, shape } = await readPicture(file)
  const [channels, height, width] = shape
  if (channels !== 1)
    throw new SeptumError(
      'mask-colour',
      'A predicted mask has one grey channel, this one is RGB',
      'Write masks as grey PNG.',
      { file },
    )
  return { data, height, width }
}

/** References: a whole data set, or a bare folder of masks `<case>.png`. */
async function openReferences(folder: string, reporter: EvaluateFoldersRequest['reporter']) {
  const names = readdirSync(folder)
  if (names.includes('images') && names.includes('masks')) {
    const dataset = await openFolderDataset(folder, { reporter })
    return {
      name: dataset.name,
      classes: dataset.classes,
      raters: dataset.raters.length,
      cases: dataset.cases as readonly { name: string; patient: string }[],
      load: async (entry: { name: string }) =>
        loadCase(dataset, dataset.cases.find((one) => one.name === entry.name)!),
    }
  }
  const files = predictedFiles(folder)
  if (files.size === 0)
    throw new SeptumError(
      'references-empty',
      'There is no reference mask',
      'Give a data set folder (images/, masks/) or a folder of <case>.png masks.',
      { file: folder },
    )
  const raters = Math.max(...Array.from(files.values(), (list) => list.length))
  return {
    name: basename(folder),
    classes: ['foreground'],
    raters,
    cases: Array.from(files.keys(), (name) => ({ name, patient: name })),
    load: async (entry: { name: string }) => {
      const masks = await Promise.all(files.get(entry.name)!.map(readMask))
      const { height, width } = masks[0]!
      const joined = new Uint8Array(masks.length * height * width)
      masks.forEach((mask, r) => {
        for (let i = 0; i < height * width; i++) joined[r * height * width + i] = mask.data[i]! > 0 ? 1 : 0
      })
      return { masks: joined, size: [height, width] as const }
    },
  }
}
