import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import {
  type BundleManifest,
  type BundleModel,
  type MedicalImage,
  type Reporter,
  SeptumError,
} from '@septum/core'
import { type ReadLimits, writeWhole } from '../formats/index.js'
import { agreementOf, bundleName, type OpenBundle, openBundleFolder } from './bundles.js'
import type { Flip } from './grid/mirror.js'
import { findInputs, type InputCase } from './input/find.js'
import { fitToModel } from './input/fit.js'
import { inputFingerprint, readInput, readInputHeader } from './input/read.js'
import { availableBytes, type ModelCost, measureModel, planRun } from './memory.js'
import {
  appendRecord,
  type CaseFailure,
  type CaseRecord,
  isFinished,
  readRecords,
  shardSuffix,
  writeStatistics,
} from './output/records.js'
import { checkOutputFormat, type OutputFormat, outputFormatFor, writeCase } from './output/write-case.js'
import { usualWindow, type WindowChoice, windowsOf } from './planes.js'
import { type CleaningRules, noCleaning, type SegmentedCase, segmentImage } from './segment.js'
import { viewSize } from './view.js'

/** How images are segmented. What is absent has the default named here. */
export interface InferenceSettings {
  /** Masks that a sampling model draws. Default: the manifest's. */
  readonly samples?: number
  /** Default 0. */
  readonly seed?: number
  /** Share of a window that its neighbour sees too. Default 0.5. */
  readonly overlap?: number
  /** Default: what fits each model (`usualWindow`). */
  readonly window?: WindowChoice
  /** Axes that models of one mask also see turned round, z, y, x. Default none. */
  readonly flips?: Flip
  /** Windows, or samples of a sampling model, run together. Default: as many as memory and processor favour. */
  readonly batch?: number
  /** Default none. */
  readonly cleaning?: CleaningRules
  /** Keeps probability and uncertainty. Default: for pictures that are written as PNG. */
  readonly maps?: boolean
  /** Default: what fits the input. */
  readonly format?: OutputFormat
}

export interface BundlePredictRequest extends InferenceSettings {
  /** Folders of bundles; several are an ensemble. */
  readonly bundles: readonly string[]
  /** Files and folders. */
  readonly inputs: readonly string[]
  readonly out: string
  /** Of ONNX Runtime; 0 or absent: one for each core. */
  readonly threads?: number
  /** Part of the cases, from 1: case i belongs to part i modulo count. */
  readonly shard?: { readonly index: number; readonly count: number }
  /** Does finished cases again. */
  readonly overwrite?: boolean
  /** Called with every case, e.g. to draw it. @returns paths of files that it wrote, relative to `out`. */
  readonly onCase?: (item: FinishedCase) => Promise<readonly string[]>
  readonly reporter: Reporter
  readonly signal: AbortSignal
  /** Default: ONNX Runtime for Node. */
  readonly open?: OpenBundle
}

export interface FinishedCase {
  readonly name: string
  readonly image: MedicalImage
  readonly result: SegmentedCase
  readonly classes: BundleManifest['classes']
}

export interface BundlePredictResult {
  readonly out: string
  /** Cases segmented now, finished before, and failed. */
  readonly cases: number
  readonly skipped: number
  readonly failures: readonly CaseFailure[]
  /** Hypotheses of a case; 0 for methods of one mask. */
  readonly samples: number
  readonly files: number
  readonly seconds: number
}

/**
 * Segments files, folders and DICOM series with bundles and writes masks, hypotheses, maps, `statistics.json` and
 * `run.json`. A case that fails is told and listed, the others go on; run again, only what is unfinished is done.
 * @throws SeptumError for bundles that cannot be opened, inputs that do not exist, a folder that cannot be written; the
 * signal's reason when it is aborted.
 */
export async function predictBundles(request: BundlePredictRequest): Promise<BundlePredictResult> {
  const begun = performance.now()
  const { bundles, out, reporter, signal, shard, open = openBundleFolder } = request
  const threads = request.threads || availableParallelism()
  const models: BundleModel[] = []
  try {
    for (const folder of bundles) models.push(await open(folder, threads))
    const manifests = models.map(({ manifest }) => manifest)
    const { channels } = agreementOf(manifests, bundles)
    checkCleaning(request.cleaning ?? noCleaning, manifests[0]!)
    const sampling = manifests.some(({ model }) => model.kind === 'next-scale')
    if (sampling && request.flips?.some(Boolean))
      reporter.warn('Models that sample take no flips: they see the image as it is.')
    const inputs = await findInputs(request.inputs, channels)
    await makeFolder(out)
    const suffix = shardSuffix(shard)
    const records = await readRecords(out)
    const costs: ModelCost[] = []
    const failures: CaseFailure[] = []
    let [cases, skipped, files, hypotheses] = [0, 0, 0, 0]
    const mine = inputs
      .map((input, index) => ({ input, index }))
      .filter(({ index }) => !shard || index % shard.count === shard.index - 1)
    const progress = reporter.progress('images', mine.length, 'images')
    try {
      for (const [at, { input, index }] of mine.entries()) {
        signal.throwIfAborted()
        try {
          const key = await caseKey(request, manifests, input, index)
          const earlier = records.get(input.name)
          if (!request.overwrite && isFinished(out, earlier, key)) skipped++
          else {
            // Measured when the first case needs it: a run that has nothing to do ends at once.
            if (costs.length === 0) for (const model of models) costs.push(await measureModel(model))
            const { record, finished } = await segmentCase(models, input, {
              ...request,
              costs,
              index,
              key,
              onWindows: (done, total) => progress.update(at, { windows: `${done}/${total}` }),
            })
            const own = (await request.onCase?.(finished)) ?? []
            const complete = { ...record, files: [...record.files, ...own] }
            await appendRecord(out, suffix, complete)
            cases++
            files += complete.files.length
            hypotheses = record.hypotheses
          }
        } catch (error) {
          // One bad image must not cost the others their masks; a full disk costs all of them.
          if (!(error instanceof SeptumError) || error.code === 'write-failed') throw error
          const { code, message, hint, place } = error
          failures.push({ case: input.name, code, message, hint, place })
          reporter.warn(error.toLine())
        }
        progress.update(at + 1)
      }
    } finally {
      progress.finish()
    }
    await writeStatistics(
      out,
      manifests[0]!.classes.map(({ name }) => name),
    )
    const seconds = (performance.now() - begun) / 1000
    const result = { out, cases, skipped, failures, samples: hypotheses, files: files + 2, seconds }
    await writeReport(request, manifests, { ...result, threads, costs, suffix })
    return result
  } finally {
    for (const model of models) await model.release()
  }
}

interface CaseSettings extends InferenceSettings {
  readonly out: string
  readonly costs: readonly ModelCost[]
  /** Position in the whole list, whatever the part: draws depend on it. */
  readonly index: number
  readonly key: string
  readonly signal: AbortSignal
  /** Windows done and in all. */
  /** Of the decoded image. */
  readonly limits?: Partial<ReadLimits>
  readonly onWindows?: (done: number, total: number) => void
}

/**
 * Reads, segments and writes one case.
 * @throws SeptumError `predict-memory` before the file is decoded; see also `findInputs`, `segmentImage`, `writeCase`.
 */
export async function segmentCase(
  models: readonly BundleModel[],
  input: InputCase,
  settings: CaseSettings,
): Promise<{ record: CaseRecord; finished: FinishedCase }> {
  const begun = performance.now()
  const { out, costs, index, key, signal, onWindows } = settings
  const manifests = models.map(({ manifest }) => manifest)
  const { classes, dimensions, channels } = agreementOf(manifests, [])
  const file = input.files[0]!
  const header = await readInputHeader(input, settings.limits)
  const format = checkOutputFormat(settings.format ?? outputFormatFor(header), header, file)
  const maps = settings.maps ?? format === 'png'
  const defaults = manifests.flatMap(({ model }) =>
    model.kind === 'next-scale' ? [model.sampling.samples] : [],
  )
  const samples = settings.samples ?? defaults[0] ?? 1
  const needs = { samples: samples * defaults.length, maps }
  const { batch } = planRun(header, manifests, costs, needs, availableBytes(), settings.batch)
  const read = await readInput(input, settings.limits)
  const image = fitToModel(read, { dimensions, channels }, file)
  const { window, overlap = 0.5, flips = [false, false, false], seed = 0 } = settings
  const size = image.shape.slice(1)
  const total = models.reduce(
    (sum, model) =>
      sum +
      windowsOf(model, viewSize(model.manifest, size, image.geometry), { ...(window && { window }), overlap })
        .starts.length,
    0,
  )
  let done = 0
  const result = await segmentImage(models, image, {
    samples,
    seed,
    imageStream: index,
    overlap,
    ...(window && { window }),
    flips,
    batch,
    maps,
    cleaning: settings.cleaning ?? noCleaning,
    signal,
    onWindows: (count) => {
      done += count
      onWindows?.(done, total)
    },
  })
  const files = await writeCase(out, input, result, { classes }, format)
  const record: CaseRecord = {
    case: input.name,
    key,
    files,
    size,
    ...(image.geometry && { spacingMm: image.geometry.spacingMm }),
    windows: total,
    hypotheses: result.samples.length,
    seconds: (performance.now() - begun) / 1000,
    classes: result.statistics,
  }
  return { record, finished: { name: input.name, image, result, classes } }
}

/** Two runs with the same key write the same files. */
async function caseKey(
  request: BundlePredictRequest,
  manifests: readonly BundleManifest[],
  input: InputCase,
  index: number,
): Promise<string> {
  const { samples, seed = 0, overlap, window, flips, cleaning, maps, format } = request
  const draws = manifests.some(({ model }) => model.kind === 'next-scale') ? index : null
  const preview = request.onCase !== undefined
  const parts = [
    manifests.map(({ files, preprocessing, classes, paintOrder }) => [
      files.map(({ sha256 }) => sha256),
      preprocessing,
      ...(paintOrder ? [paintOrder, classes.map(({ label, region }) => [label, region])] : []),
    ]),
    [
      samples,
      seed,
      overlap,
      window ?? manifests.map(usualWindow),
      flips,
      cleaning,
      maps,
      format,
      draws,
      preview,
    ],
    await inputFingerprint(input),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

/** @throws SeptumError `predict-class` for a class that the model does not know. */
function checkCleaning({ keepLargest, least }: CleaningRules, { classes }: BundleManifest): void {
  const names = classes.map(({ name }) => name)
  const unknown = [...keepLargest, ...Object.keys(least)].find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new SeptumError('predict-class', `The model has no class "${unknown}"`, `It has ${names.join(', ')}.`)
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new SeptumError(
      'write-failed',
      'The output folder cannot be made',
      'Give another --out, or make its parent writable.',
      { file: folder },
      { cause },
    )
  }
}

/** `run.json`: what was done with which models, for people who find the folder later. */
async function writeReport(
  request: BundlePredictRequest,
  manifests: readonly BundleManifest[],
  done: BundlePredictResult & {
    readonly threads: number
    readonly costs: readonly ModelCost[]
    readonly suffix: string
  },
): Promise<void> {
  const {
    bundles,
    samples,
    seed = 0,
    overlap = 0.5,
    window = manifests.map(usualWindow),
    flips,
    cleaning,
    format,
    shard,
  } = request
  const { cases, skipped, failures, seconds, threads, costs, suffix, out } = done
  const report = {
    models: manifests.map(({ method, training, files, septum, licence }, i) => ({
      name: bundleName(bundles[i]!),
      method: method.name,
      dataset: training.dataset,
      seed: training.seed,
      licence,
      septum,
      files,
    })),
    settings: { samples, seed, overlap, window, flips, cleaning, format, shard, threads },
    cases,
    skipped,
    failed: failures,
    seconds,
    secondsOfOneWindow: costs.map(({ windowSeconds }) => windowSeconds),
    runtime: { node: process.version, platform: process.platform, arch: process.arch },
    notice: manifests[0]!.notice,
    finished: new Date().toISOString(),
  }
  await writeWhole(join(out, `run${suffix}.json`), `${JSON.stringify(report, null, 2)}\n`)
}
