import { availableParallelism } from 'node:os'
import { type Reporter, SeptumError } from '@septum/core'
import { about, performanceWarning, setThreads, threads } from '@septum/torch'
import {
  type CaseSource,
  CaseStore,
  DecodePool,
  DiskCache,
  type FolderDataset,
  openFolderDataset,
  type Preprocessing,
  preprocessedChannels,
  readSplits,
  type SegmentationCase,
  type Splits,
  selectCases,
  splitByPatient,
} from '../datasets/index.js'
import type { RunConfig } from './api.js'
import { type DataConfig, resolvePreprocessing, usualPreprocessing } from './data-settings.js'
import { geometryOf } from './geometry.js'
import type { Precision } from './phase-run.js'
import type { RunTask } from './run-task.js'
import { unlabelledCases } from './unlabelled.js'

export type { RunPart, RunTask } from './run-task.js'

/** A data set ready for a run: what the network sees, who trains, validates and tests. */
export interface Workplace {
  /** That of the run; of several, what they are together. */
  readonly dataset: FolderDataset
  readonly task: RunTask
  readonly store: CaseSource
  readonly splits: Splits
  readonly cases: Readonly<Record<'train' | 'val' | 'test', readonly SegmentationCase[]>>
  /** Training images whose masks are not there, or not to be used. */
  readonly unlabelled: readonly SegmentationCase[]
  /** Distance of samples along each axis as the network sees them, where all images share it. */
  readonly spacingMm: readonly number[] | undefined
  /** Ends the threads that decode. */
  close(): Promise<void>
}

export interface WorkplaceOptions {
  /** Patch, batch and the places of patches are nnU-Net's where nothing is set. */
  readonly plans?: boolean
}

/** Opens the data of a configuration. @throws SeptumError naming what is wrong with it. */
export async function openWorkplace(
  data: DataConfig,
  seed: number,
  reporter: Reporter,
  { plans = false }: WorkplaceOptions = {},
): Promise<Workplace> {
  if (data.more.length > 0) {
    const { openJointWorkplace } = await import('./joint/workplace.js')
    return openJointWorkplace(data, seed, reporter, { plans })
  }
  const dataset = await openFolderDataset(data.path, { reporter, description: data.description ?? undefined })
  const splits = await splitsOf(dataset, data, seed, reporter)
  const preprocessing = preprocessingOf(data, dataset, reporter)
  // Sizes before anything is stretched.
  const plain = new CaseStore(dataset, { preprocessing })
  const training = selectCases(dataset.cases, splits).train
  const geometry = await geometryOf(
    data,
    { dataset, training, sizeOf: (one) => plain.sizeOf(one) },
    reporter,
    plans,
  )
  const { size } = geometry
  const task: RunTask = {
    dimensions: dataset.dimensions,
    imageChannels: preprocessing
      ? preprocessedChannels(preprocessing, dataset.imageChannels)
      : dataset.imageChannels,
    classes: dataset.classes,
    raters: dataset.raters.length,
    imageSize: size,
    maxValue: dataset.description.maxValue,
    ...(dataset.regions ? { regions: dataset.regions } : {}),
    ...(dataset.ignoreLabel === undefined ? {} : { ignores: true }),
    ...(preprocessing ? { preprocessing, storedChannels: dataset.imageChannels } : {}),
    ...geometry.task,
  }
  const opened = openStore(dataset, data, { preprocessing, foreground: geometry.patches !== null, size })
  const { train, unlabelled } = await unlabelledCases(training, { dataset, splits, data, reporter })
  return {
    dataset,
    task,
    store: opened.store,
    splits,
    cases: { ...selectCases(dataset.cases, splits), train },
    unlabelled,
    spacingMm: data.resize === 'stretch' ? undefined : commonSpacing(dataset, preprocessing),
    close: opened.close,
  }
}

export interface StoreSettings {
  readonly preprocessing: Preprocessing | null
  /** Whether places of foreground are looked for. */
  readonly foreground: boolean
  /** [H, W] or [D, H, W] that the network sees. */
  readonly size: readonly number[]
}

/** Decoded cases of a data set with the threads and the cache that the settings ask for. */
export function openStore(
  dataset: FolderDataset,
  data: DataConfig,
  { size, ...settings }: StoreSettings,
): { readonly store: CaseStore; close(): Promise<void> } {
  const pool = data.workers > 0 ? new DecodePool(dataset, { workers: data.workers }) : undefined
  const store = new CaseStore(dataset, {
    ...settings,
    resize: data.resize === 'stretch' ? size : null,
    disk: data.cache && new DiskCache(data.cache.folder, { maxBytes: data.cache.maxGiB * 2 ** 30 }),
    ...(pool ? { decode: (entry, how) => pool.decode(entry, how) } : {}),
  })
  return { store, close: async () => pool?.close() }
}

export function preprocessingOf(
  { preprocessing }: Pick<DataConfig, 'preprocessing'>,
  { cases, channelNames }: FolderDataset,
  reporter: Reporter,
): Preprocessing | null {
  if (preprocessing) return resolvePreprocessing(preprocessing)
  const formats = new Set(cases.flatMap(({ images }) => images.map(({ header }) => header.format)))
  const usual = usualPreprocessing(formats, channelNames)
  if (usual)
    reporter.info(`Image values are prepared as usual for ${usual}; data.preprocessing says it otherwise.`)
  return resolvePreprocessing(usual)
}

/** Distance of samples of volumes, when all agree to a thousandth; pictures turn about one axis only. */
function commonSpacing(
  { cases, dimensions }: FolderDataset,
  preprocessing: Preprocessing | null,
): readonly number[] | undefined {
  if (dimensions === 2) return undefined
  if (preprocessing?.spacingMm?.length === 3) return preprocessing.spacingMm
  const [first, ...others] = cases.map(({ geometry }) => geometry?.spacingMm)
  const same = others.every(
    (mm) => mm && first?.every((value, axis) => Math.abs(mm[axis]! - value) <= 1e-3 * value),
  )
  if (!first || !same) return undefined
  const inPlane = preprocessing?.spacingMm
  return inPlane ? [first[0]!, ...inPlane] : first
}

/** The division of a data set: as set, as it brings along, or drawn. */
export async function splitsOf(
  dataset: FolderDataset,
  data: Pick<DataConfig, 'splits'>,
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
