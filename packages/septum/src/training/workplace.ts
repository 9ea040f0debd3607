import { availableParallelism } from 'node:os'
import { type Reporter, SeptumError } from '@septum/core'
import { about, performanceWarning, setThreads, threads } from '@septum/torch'
import {
  CaseStore,
  type FolderDataset,
  openFolderDataset,
  readSplits,
  type SegmentationCase,
  type Splits,
  selectCases,
  splitByPatient,
} from '../datasets/index.js'
import type { Task } from '../methods/method.js'
import type { RunConfig } from './api.js'
import type { Precision } from './phase-run.js'

/** A data set ready for a run: what the network sees, who trains, validates and tests. */
export interface Workplace {
  readonly dataset: FolderDataset
  readonly task: Task
  readonly store: CaseStore
  readonly splits: Splits
  readonly cases: Readonly<Record<'train' | 'val' | 'test', readonly SegmentationCase[]>>
}

type DataConfig = RunConfig['data']

/** Opens the data of a configuration. @throws SeptumError naming what is wrong with it. */
export async function openWorkplace(data: DataConfig, seed: number, reporter: Reporter): Promise<Workplace> {
  const dataset = await openFolderDataset(data.path, { reporter, description: data.description ?? undefined })
  const splits = await splitsOf(dataset, data, seed, reporter)
  const size = data.imageSize ?? dataset.commonSize
  if (!size) {
    throw new SeptumError(
      'data-size',
      'The images have different sizes',
      'Say what the network shall see, e.g. --set data.imageSize=[256,256], and --set data.resize=stretch unless crops are wanted.',
      { file: data.path },
    )
  }
  const [height, width] = size as [number, number]
  const task: Task = {
    dimensions: 2,
    imageChannels: dataset.imageChannels,
    classes: dataset.classes,
    raters: dataset.raters.length,
    imageSize: [height, width],
    maxValue: dataset.description.maxValue,
  }
  const store = new CaseStore(dataset, { resize: data.resize === 'stretch' ? [height, width] : null })
  return { dataset, task, store, splits, cases: selectCases(dataset.cases, splits) }
}

async function splitsOf(
  dataset: FolderDataset,
  data: DataConfig,
  seed: number,
  reporter: Reporter,
): Promise<Splits> {
  if (data.splits) return readSplits(data.splits)
  if (dataset.splits) return dataset.splits
  const drawn = splitByPatient(dataset.cases, { scheme: 'fractions', val: 0.15, test: 0.15, seed })
  reporter.info(
    `The data set names no split: ${drawn.train.length} patients train, ${drawn.val.length} validate, ${drawn.test.length} test (drawn with seed ${seed}).`,
  )
  return drawn
}

/** Sets threads and device up. @returns the device to use */
export function prepareDevice(wanted: string, wantedThreads: number, reporter: Reporter): string {
  const { cudaDevices } = about()
  const device =
    wanted === 'auto' ? (cudaDevices > 0 ? 'cuda:0' : 'cpu') : wanted === 'cuda' ? 'cuda:0' : wanted
  if (device !== 'cpu' && Number(device.slice('cuda:'.length)) >= cudaDevices) {
    throw new SeptumError(
      'device-missing',
      `There is no device ${device}: this libtorch sees ${cudaDevices} GPUs`,
      'Use --device cpu, or build against a libtorch with CUDA.',
      { option: '--device' },
    )
  }
  const count = wantedThreads === 0 ? availableParallelism() : wantedThreads
  if (threads() !== count) setThreads(count)
  const warning = performanceWarning()
  if (warning) reporter.warn(warning)
  return device
}

export function precisionOf(wanted: RunConfig['training']['precision'], device: string): Precision {
  return wanted === 'auto' ? (device === 'cpu' ? 'float32' : 'bfloat16') : wanted
}
