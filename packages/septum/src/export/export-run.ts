import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BundleManifest,
  type BundlePrecision,
  manifestFile,
  openBundle,
  type Reporter,
  SeptumError,
} from '@septum/core'
import { splitHash } from '../datasets/splits.js'
import { methodByName } from '../methods/index.js'
import type { BundleParts } from '../methods/method.js'
import type { RunSummary } from '../training/api.js'
import { type OpenedRun, openRun } from '../training/open-run.js'
import type { TrainedRun } from '../training/run-folder.js'
import type { Workplace } from '../training/workplace.js'
import { type ExportedFile, OnnxExporter } from './exporter.js'
import { labelledImages, plainImages, reframed, verificationImages, workplaceOf } from './images.js'
import { manifestOf, type RunFacts } from './manifest.js'
import { nodeSessions } from './node-runtime.js'
import type { RangeRule } from './precision/ranges.js'
import { filesInMemory, type PrecisionRequest, reducePrecision } from './precision/reduce.js'
import { requireEqual, tolerance, verify } from './verify.js'

export interface ExportRequest {
  readonly run: string
  /** Folder of the bundle; `model/` in the run by default. */
  readonly out?: string
  /** Where the data set of the run lies now. */
  readonly dataset?: string
  /** Images to compare on. */
  readonly images: number
  /** Of the weights; default: what the run's configuration says. */
  readonly licence?: string
  /** Smaller graphs, with the measured loss of Dice. Default: single precision. */
  readonly precision?: BundlePrecision['kind']
  /** int8: what becomes of outliers among activations. Default `percentile`. */
  readonly ranges?: RangeRule
  /** int8: training images that ranges are measured on. Default 32. */
  readonly calibrationImages?: number
  /** Validation images that the loss of Dice is measured on. Default 32. */
  readonly scoredImages?: number
  /** Version of Septum. */
  readonly version: string
  readonly threads: number
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

export interface ExportResult {
  readonly out: string
  readonly method: string
  readonly files: number
  readonly bytes: number
  readonly images: number
  readonly maxDifference: number
  readonly fixedSize: boolean
  /** What fewer bits cost. */
  readonly precision?: BundlePrecision
  readonly seconds: number
}

/**
 * Turns a trained run into a bundle: records the model, compares ONNX Runtime with the trained model on images of
 * the run's data set, and only then writes.
 * @throws SeptumError `export-method`, `export-operator`, `export-in-place`, `export-size`, `export-data`,
 * `export-differs`, `export-precision`, `export-folder`, and as `loadRun`
 */
export async function exportRun(request: ExportRequest): Promise<ExportResult> {
  const begin = performance.now()
  const { run: folder, reporter, signal, version, threads } = request
  const out = request.out ?? join(folder, request.precision ? `model-${request.precision}` : 'model')
  requireFree(out)
  const run = openRun({ run: folder, device: 'cpu', threads, reporter })
  const recorded = record(run, version)
  signal.throwIfAborted()
  const workplace = await workplaceOf(run.config, run.task.imageSize, request.dataset, reporter)
  try {
    return await exportWith(request, run, recorded, workplace, out, begin)
  } finally {
    await workplace.close()
  }
}

async function exportWith(
  request: ExportRequest,
  run: OpenedRun,
  { parts, files }: Recorded,
  workplace: Workplace,
  out: string,
  begin: number,
): Promise<ExportResult> {
  const { reporter, signal, version } = request
  const images = await verificationImages(workplace, request.images)
  if (!parts.size.fixed && images[0]) {
    const other = run.task.imageSize.map((side, i) => side + 5 + 2 * i)
    images.push(reframed(images[0], other))
  }
  const facts = factsOf(run, workplace, request)
  const engine = 'ONNX Runtime (CPU)'
  const draft = { engine, images: 0, maxDifference: 0, tolerance }
  const inMemory = filesInMemory(files, await manifestOf(facts, parts, files, draft))
  // One thread: the pools of libtorch and ONNX Runtime would fight for the same cores.
  const runtime = await nodeSessions({ threads: 1 })
  const bundle = await openBundle(inMemory, runtime)
  const progress = reporter.progress('comparing', images.length, 'images')
  let verified: Awaited<ReturnType<typeof verify>>
  try {
    verified = await verify({ trainer: run.model, parts, bundle, images, signal })
    progress.update(images.length)
  } finally {
    progress.finish()
    await bundle.release()
  }
  requireEqual(verified)
  signal.throwIfAborted()
  const verification = { ...draft, ...verified }
  const reduced = request.precision
    ? await reducePrecision({
        kind: request.precision,
        ranges: request.ranges ?? 'percentile',
        ...(await imagesFor(request, workplace)),
        files,
        manifestFor: (of) => manifestOf(facts, parts, of, verification),
        runtime,
        version,
        reporter,
        signal,
      })
    : undefined
  const written = reduced?.files ?? files
  writeBundle(out, written, await manifestOf(facts, parts, written, verification, reduced?.precision))
  return {
    out,
    method: run.config.method,
    files: written.length + 1,
    bytes: written.reduce((sum, { bytes }) => sum + bytes.length, 0),
    images: images.length,
    maxDifference: verified.maxDifference,
    fixedSize: parts.size.fixed,
    ...(reduced ? { precision: reduced.precision } : {}),
    seconds: (performance.now() - begin) / 1000,
  }
}

/** Training images to calibrate on, and those that the loss is measured on: the validation split, else another one. */
async function imagesFor(
  { precision, calibrationImages = 32, scoredImages = 32 }: ExportRequest,
  workplace: Workplace,
): Promise<Pick<PrecisionRequest, 'calibration' | 'scored' | 'split'>> {
  const { cases } = workplace
  const split = (['val', 'test', 'train'] as const).find((name) => cases[name].length > 0) ?? 'train'
  const training = cases.train.length > 0 ? cases.train : cases[split]
  return {
    split,
    scored: await labelledImages(workplace, cases[split], scoredImages),
    calibration: precision === 'int8' ? await plainImages(workplace, training, calibrationImages) : [],
  }
}

interface Recorded {
  readonly parts: BundleParts
  readonly files: readonly ExportedFile[]
}

/** The graphs of a trained model. @throws SeptumError `export-method` when it has none */
export function record({ model, config }: Pick<TrainedRun, 'model' | 'config'>, version: string): Recorded {
  if (!model.export) {
    throw new SeptumError(
      'export-method',
      `The method ${config.method} cannot be exported`,
      'Predict with the run itself: septum predict RUN.',
    )
  }
  const exporter = new OnnxExporter(model, version)
  const parts = model.export(exporter)
  return { parts, files: exporter.files }
}

function factsOf(
  { dir, config, task, model }: TrainedRun,
  workplace: Workplace,
  { version, licence: asked }: ExportRequest,
): RunFacts {
  const { name, title, paper } = methodByName(config.method)
  const { dataset, splits, cases } = workplace
  const { licence = null, source = null, citation = [] } = dataset.description
  const names = [...dataset.cases].map((entry) => entry.name).sort()
  const identity = JSON.stringify([names, splitHash(splits), dataset.classes])
  return {
    septum: version,
    method: { name, title, paper },
    options: config.options,
    parameters: model.parameterCount(),
    task,
    preprocessing: task.preprocessing,
    fit: config.data.resize,
    crops: config.data.patch || task.patches ? 'anywhere' : 'centre',
    training: {
      dataset: dataset.name,
      licence,
      source,
      citation: typeof citation === 'string' ? [citation] : citation,
      raters: task.raters,
      seed: config.seed,
      seconds: summaryOf(dir)?.seconds ?? null,
      fingerprint: createHash('sha256').update(identity).digest('hex'),
      cases: { train: cases.train.length, val: cases.val.length, test: cases.test.length },
    },
    metrics: bestValidations(dir),
    // The weights are the user's; what the data's licence asks of them is for people to judge.
    licence: asked ?? config.licence,
  }
}

function summaryOf(dir: string): RunSummary | null {
  const file = join(dir, 'summary.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunSummary) : null
}

interface ValidationLine {
  readonly event: 'validation'
  readonly phase: string
  readonly best: boolean
  readonly metrics: Readonly<Record<string, number>>
}

/** Metrics of the best validation of each phase, as `phase.metric`; none where the run kept no log. */
function bestValidations(dir: string): Record<string, number> {
  const file = join(dir, 'log.jsonl')
  if (!existsSync(file)) return {}
  const found: Record<string, number> = {}
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.includes('"validation"')) continue
    const event = parsed(line)
    if (event?.event !== 'validation' || !event.best) continue
    for (const [name, value] of Object.entries(event.metrics ?? {}))
      if (Number.isFinite(value)) found[`${event.phase}.${name}`] = value
  }
  return found
}

/** A line of the log; the last one may be cut. */
function parsed(line: string): ValidationLine | null {
  try {
    return JSON.parse(line) as ValidationLine
  } catch {
    return null
  }
}

/** @throws SeptumError `export-folder` when something else than a bundle lies there */
function requireFree(out: string): void {
  if (!existsSync(out) || existsSync(join(out, manifestFile)) || readdirSync(out).length === 0) return
  throw new SeptumError(
    'export-folder',
    'The folder holds something else than a bundle',
    'Give another --out, or empty it.',
    { file: out },
  )
}

/** Writes beside and renames: a kill leaves the old bundle or the new one. */
function writeBundle(out: string, files: readonly ExportedFile[], manifest: BundleManifest): void {
  const [made, old] = [`${out}.new`, `${out}.old`]
  try {
    for (const left of [made, old]) rmSync(left, { recursive: true, force: true })
    mkdirSync(made, { recursive: true })
    for (const { file, bytes } of files) writeFileSync(join(made, file), bytes, { flush: true })
    writeFileSync(join(made, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true })
    if (existsSync(out)) renameSync(out, old)
    renameSync(made, out)
    rmSync(old, { recursive: true, force: true })
  } catch (cause) {
    throw new SeptumError(
      'export-folder',
      `The bundle cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      'Make the folder writable, or give another --out.',
      { file: out },
      { cause },
    )
  }
}
