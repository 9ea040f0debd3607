import { type Reporter, SeptumError } from '@septum/core'
import {
  type CaseSource,
  CaseStore,
  type FolderDataset,
  openFolderDataset,
  type SegmentationCase,
  type Splits,
  type Stored,
  selectCases,
} from '../datasets/index.js'
import type { SplitName } from './api.js'
import { openPart, partFor } from './joint/open-part.js'
import { type Picture, pictureFrom } from './picture.js'
import { loadRun, type TrainedRun } from './run-folder.js'
import type { RunTask } from './run-task.js'
import { prepareDevice, splitsOf } from './workplace.js'

export interface RunRequest {
  readonly run: string
  readonly device: string
  readonly threads: number
  readonly reporter: Reporter
}

/** A trained run on its device. */
export interface OpenedRun extends TrainedRun {
  readonly device: string
}

/** Sets the device up and loads a run: how predicting and evaluating begin. @throws SeptumError as `loadRun`. */
export function openRun({ run, device: wanted, threads, reporter }: RunRequest): OpenedRun {
  const device = prepareDevice(wanted, threads, reporter)
  return { ...loadRun(run, device), device }
}

export interface SplitRequest {
  readonly split: SplitName
  /** Another data set than the one the run was trained on. */
  readonly dataset?: string
  /** `dataset.yaml` of a data set that has none of its own. */
  readonly description?: string
  /** Names of cases in place of those of the part. */
  readonly cases?: readonly string[]
  /** `quick`: masks are not looked at. */
  readonly check?: 'quick'
  readonly reporter: Reporter
}

export interface OpenedSplit {
  readonly dataset: FolderDataset
  readonly splits: Splits
  readonly chosen: readonly SegmentationCase[]
  /** Cases as the files hold them: a prediction is brought back to their grid and compared there. */
  readonly store: CaseSource
  /** Of the run; of a run on several data sets, as this one is prepared and rated. */
  readonly task: RunTask
  /** Classes, from 0, that its masks tell of; null: all. */
  readonly annotated: readonly number[] | null
}

/**
 * The cases of a part of a data set for a trained run, as the files hold them: what the network sees is made case by
 * case, and what it gives comes back to the grid of the file.
 * @throws SeptumError `evaluate-task`, `split-empty`, and as `openFolderDataset`.
 */
export async function openSplit(
  { config, task }: Pick<OpenedRun, 'config' | 'task'>,
  { split, dataset: other, description, cases, check, reporter }: SplitRequest,
): Promise<OpenedSplit> {
  const part = partFor(task, other)
  const {
    path,
    description: own,
    splits: divided,
  } = part ?? {
    path: other ?? config.data.path,
    ...(other === undefined ? config.data : { description: null, splits: null }),
  }
  const data = { path, description: description ?? own, splits: divided }
  const how = { reporter, description: data.description ?? undefined }
  const dataset = await openFolderDataset(data.path, check ? { ...how, check } : how)
  const splits = await splitsOf(dataset, data, config.seed, reporter)
  const channels = task.storedChannels ?? task.imageChannels
  const classes = part?.classes ?? task.classes
  const fits =
    `${dataset.classes}` === `${classes}` &&
    (part !== null || dataset.imageChannels === channels) &&
    dataset.dimensions === task.dimensions
  if (!fits) {
    const kind = (dimensions: number) => (dimensions === 3 ? ' of volumes' : '')
    throw new SeptumError(
      'evaluate-task',
      `The run was trained for ${classes.join(', ')} on ${channels} channels${kind(task.dimensions)}, the data set has ${dataset.classes.join(', ')} on ${dataset.imageChannels}${kind(dataset.dimensions)}`,
      'Evaluate on a data set of the same classes and channels.',
      { file: dataset.dir },
    )
  }
  const named = cases && new Set(cases)
  const parts = selectCases(dataset.cases, splits)
  const chosen = named ? dataset.cases.filter(({ name }) => named.has(name)) : parts[split]
  if (chosen.length === 0) {
    const counts = `train has ${parts.train.length} cases, val ${parts.val.length}, test ${parts.test.length}`
    throw new SeptumError(
      'split-empty',
      `The ${split} split has no case`,
      `Choose another --split: ${counts}.`,
      { file: dataset.dir },
    )
  }
  if (part) return { ...openPart(part, dataset, task), splits, chosen, annotated: part.annotated }
  return { dataset, splits, chosen, store: new CaseStore(dataset, { cacheBytes: 0 }), task, annotated: null }
}

/** The samples of a case of a data set; without a mask where it has none. */
export async function storedOf(store: CaseSource, entry: SegmentationCase): Promise<Stored> {
  return store.get(entry, { unlabelled: entry.masks.length === 0 })
}

/**
 * A case of a data set as a picture with its reference.
 * @throws SeptumError `evaluate-volume`, and as `CaseStore.get`.
 */
export async function pictureOf(store: CaseSource, entry: SegmentationCase): Promise<Picture> {
  if (entry.shape.length === 4) {
    throw new SeptumError(
      'evaluate-volume',
      'The run was trained on volumes, of which this command draws no pictures',
      'Score it with septum evaluate RUN --split test.',
      { case: entry.name },
    )
  }
  return pictureFrom(entry, await storedOf(store, entry), store.dataset)
}
