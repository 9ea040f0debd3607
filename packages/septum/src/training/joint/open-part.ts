import { resolve } from 'node:path'
import { SeptumError } from '@septum/core'
import { CaseStore, type FolderDataset, preprocessedChannels } from '../../datasets/index.js'
import { IGNORED } from '../labels.js'
import type { RunPart, RunTask } from '../run-task.js'
import { RelabelledStore } from './store.js'

/**
 * The data set of a run on several that is meant, by its name or its folder.
 * @returns null for a run on one data set, and for a folder that is none of the run's
 * @throws SeptumError `evaluate-part` when none is named
 */
export function partFor({ parts }: Pick<RunTask, 'parts'>, named: string | undefined): RunPart | null {
  if (!parts) return null
  if (named === undefined) {
    throw new SeptumError(
      'evaluate-part',
      `The run was trained on ${parts.length} data sets at once`,
      `Name one of them: ${parts.map(({ name }) => name).join(', ')}.`,
    )
  }
  return parts.find(({ name, path }) => name === named || resolve(path) === resolve(named)) ?? null
}

/** How a case of one of several data sets is predicted and compared. */
export interface OpenedPart {
  readonly dataset: FolderDataset
  /** As the files hold them, with the labels of the network. */
  readonly store: RelabelledStore
  readonly task: RunTask
}

/** A data set of a run on several, as its files hold it but for labels and repeated channels. */
export function openPart(part: RunPart, dataset: FolderDataset, task: RunTask): OpenedPart {
  const { preprocessing } = part
  const made = (channels: number) =>
    preprocessing ? preprocessedChannels(preprocessing, channels) : channels
  // Grey images were repeated in training.
  const imageChannels =
    made(dataset.imageChannels) === task.imageChannels ? dataset.imageChannels : task.imageChannels
  const { regions: _, ...plain } = dataset
  const labels = new Uint8Array(256)
  for (const [own, joint] of part.labels) labels[own] = joint
  labels[IGNORED] = IGNORED
  const { preprocessing: __, storedChannels: ___, ...rest } = task
  return {
    dataset: plain,
    store: new RelabelledStore(new CaseStore({ ...plain, imageChannels }, { cacheBytes: 0 }), labels),
    task: {
      ...rest,
      raters: part.raters,
      maxValue: dataset.description.maxValue,
      ...(preprocessing ? { preprocessing, storedChannels: imageChannels } : {}),
    },
  }
}
