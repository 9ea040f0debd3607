import { type Reporter, SeptumError } from '@septum/core'
import type { SegmentationCase } from '../datasets/index.js'
import type { SplitName } from './api.js'
import type { Picture } from './predict-case.js'
import { loadRun, type TrainedRun } from './run-folder.js'
import { openWorkplace, prepareDevice, type Workplace } from './workplace.js'

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
  readonly reporter: Reporter
}

export interface OpenedSplit extends Workplace {
  readonly chosen: readonly SegmentationCase[]
}

/**
 * The cases of a part of a data set for a trained run. Pictures keep their own size: the window that the
 * network sees is cut or stretched case by case.
 * @throws SeptumError `evaluate-task`, `split-empty`, and as `openWorkplace`.
 */
export async function openSplit(
  { config, task }: OpenedRun,
  { split, dataset: other, description, reporter }: SplitRequest,
): Promise<OpenedSplit> {
  const own = { ...config.data, imageSize: [...task.imageSize], resize: 'crop' as const }
  const path = other ?? own.path
  const elsewhere = other === undefined ? {} : { description: null, splits: null }
  const data = { ...own, path, ...elsewhere, ...(description === undefined ? {} : { description }) }
  const workplace = await openWorkplace(data, config.seed, reporter)
  const { dataset, cases } = workplace
  if (`${dataset.classes}` !== `${task.classes}` || dataset.imageChannels !== task.imageChannels) {
    throw new SeptumError(
      'evaluate-task',
      `The run was trained for ${task.classes.join(', ')} on ${task.imageChannels} channels, the data set has ${dataset.classes.join(', ')} on ${dataset.imageChannels}`,
      'Evaluate on a data set of the same classes and channels.',
      { file: dataset.dir },
    )
  }
  if (cases[split].length === 0)
    throw new SeptumError('split-empty', `The ${split} split has no case`, 'Choose another --split.', {
      file: dataset.dir,
    })
  return { ...workplace, chosen: cases[split] }
}

/** A decoded case of a data set as a picture with its reference. */
export async function pictureOf(store: Workplace['store'], entry: SegmentationCase): Promise<Picture> {
  const { image, maxValue, masks, size } = await store.get(entry)
  const [height, width] = size as readonly [number, number]
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
