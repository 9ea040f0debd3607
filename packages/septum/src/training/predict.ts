import { SeptumError } from '@septum/core'
import type { Stored } from '../datasets/index.js'
import type { PredictedCase, PredictRequest, PredictResult } from './api.js'
import { type OpenedRun, openRun, openSplit, storedOf } from './open-run.js'
import { pictureFrom } from './picture.js'
import { type CaseOptions, predictCase } from './predict-case.js'
import { predictVolume } from './predict-volume.js'
import { listInputs, readInput } from './read-input.js'
import type { RunTask } from './run-task.js'
import { makeFolder, writeCase, writeVolume } from './write-prediction.js'

interface Source {
  readonly name: string
  readonly patient: string
  load(): Promise<Stored>
  /** As its data set is prepared; that of the run for files. */
  readonly task?: RunTask
}

interface Written {
  readonly samples: number
  readonly files: number
}

/** Segments files, folders or a split and writes the masks; see `TrainingApi`. */
export async function predictRun(request: PredictRequest): Promise<PredictResult> {
  const start = performance.now()
  const { out, reporter, signal, split, inputs } = request
  const run = openRun(request)
  const volumes = run.task.dimensions === 3
  const { dataset, description, cases: names } = request
  const sources = split
    ? await fromSplit(run, { split, dataset, description, cases: names, reporter })
    : fromFiles(inputs, run)
  makeFolder(out)
  if (volumes && request.onCase) reporter.warn('Previews are drawn of pictures, not of volumes.')
  const progress = reporter.progress('images', sources.length, 'images')
  let files = 0
  let samples = 0
  let failed = 0
  let cases = 0
  try {
    for (const [index, source] of sources.entries()) {
      signal.throwIfAborted()
      try {
        const options = {
          samples: request.samples ?? 16,
          seed: request.seed,
          index,
          stages: request.onCase !== undefined,
          resize: run.config.data.resize,
          device: run.device,
          signal,
        }
        const written = await (volumes ? volume : picture)(run, source, options, out, request.onCase)
        samples = written.samples
        files += written.files
        cases++
      } catch (error) {
        // One bad picture must not cost the others their masks.
        if (!(error instanceof SeptumError) || error.code === 'write-failed' || sources.length === 1)
          throw error
        failed++
        reporter.warn(error.toLine())
      }
      progress.update(index + 1)
    }
  } finally {
    progress.finish()
  }
  if (failed > 0) reporter.warn(`${failed} of ${sources.length} images could not be segmented.`)
  if (cases === 0)
    throw new SeptumError('predict-none', 'No image could be segmented', 'See the warnings above.')
  return {
    out,
    cases,
    samples: samples > 1 ? samples : 0,
    files,
    seconds: (performance.now() - start) / 1000,
  }
}

async function picture(
  { model, task: whole }: OpenedRun,
  { name, patient, load, task = whole }: Source,
  options: CaseOptions,
  out: string,
  onCase: PredictRequest['onCase'],
): Promise<Written> {
  const { regions } = task
  const own = pictureFrom({ name, patient }, await load(), { regions })
  // Masks are written whole, whatever a reference leaves out.
  const item: PredictedCase = await predictCase(model, { ...task, ignores: undefined }, own, options)
  const files = await writeCase(out, item, regions)
  return { samples: item.classes[0]!.samples.length, files: files + ((await onCase?.(item)) ?? 0) }
}

async function volume(
  { model, task }: OpenedRun,
  { name, load }: Source,
  options: CaseOptions,
  out: string,
): Promise<Written> {
  const stored = await load()
  const maps = await predictVolume(model, task, stored, options)
  const { size, geometry } = stored
  return { samples: 1, files: await writeVolume(out, name, maps, { task, size, geometry }) }
}

/** Of a run on several data sets those of all, below the name of each, unless one is named. */
async function fromSplit(run: OpenedRun, request: Parameters<typeof openSplit>[1]): Promise<Source[]> {
  const { parts } = run.task
  if (!parts || request.dataset !== undefined) return casesOf(run, request, '')
  const sources: Source[] = []
  for (const { name } of parts)
    sources.push(...(await casesOf(run, { ...request, dataset: name }, `${name}/`)))
  return sources
}

async function casesOf(
  run: OpenedRun,
  request: Parameters<typeof openSplit>[1],
  below: string,
): Promise<Source[]> {
  const { store, chosen, task } = await openSplit(run, request)
  return chosen.map((entry) => ({
    name: `${below}${entry.name}`,
    patient: entry.patient,
    task,
    load: () => storedOf(store, entry),
  }))
}

function fromFiles(inputs: readonly string[], { task }: OpenedRun): Source[] {
  return listInputs(inputs, task).map(({ file, name }) => ({
    name,
    patient: name,
    load: () => readInput(file, task),
  }))
}
