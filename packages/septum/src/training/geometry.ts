import { type Reporter, SeptumError } from '@septum/core'
import { type FolderDataset, medianSize, planNnunet2d, type SegmentationCase } from '../datasets/index.js'
import type { PatchRecipe } from '../methods/method.js'
import type { DataConfig } from './data-settings.js'
import type { RunTask } from './run-task.js'

/** What of a data set decides what the network sees. */
export interface Measured {
  readonly dataset: Pick<FolderDataset, 'cases' | 'dimensions' | 'classes'>
  readonly training: readonly SegmentationCase[]
  /** Before anything is stretched. */
  sizeOf(entry: SegmentationCase): readonly number[]
}

export interface Geometry {
  /** [H, W] or [D, H, W] that the network sees. */
  readonly size: readonly number[]
  /** Where patches are taken; null: centre crops. */
  readonly patches: PatchRecipe | null
  readonly task: Pick<RunTask, 'patches' | 'plannedBatch'>
}

/** Sides of patches are multiples of the strides of the encoders. */
const MULTIPLE = 32
/** nnU-Net: a third of the patches, the last ones of a batch. */
const nnunetPatches: PatchRecipe = { foreground: 1 / 3, choose: 'last' }

/** Size, patches and batch: as set, of the planner, or as the images have them. @throws SeptumError `data-size`. */
export function geometryOf(
  data: DataConfig,
  measured: Measured,
  reporter: Reporter,
  plans: boolean,
): Geometry {
  const { dataset, training } = measured
  const sizes = dataset.cases.map((entry) => measured.sizeOf(entry))
  if (!plans || dataset.dimensions === 3) {
    const size = networkSize(data, dataset.dimensions, sizes)
    return { size, patches: data.patch, task: {} }
  }
  const median = medianSize(
    (training.length > 0 ? training : dataset.cases).map((one) => measured.sizeOf(one)),
  )
  const { preprocessing } = data
  const spacing = typeof preprocessing === 'object' ? preprocessing?.spacingMm : null
  const { patch, batchSize } = planNnunet2d({
    medianSize: data.imageSize ? [data.imageSize.at(-2)!, data.imageSize.at(-1)!] : median,
    spacing: spacing ? [spacing.at(-2)!, spacing.at(-1)!] : [1, 1],
    cases: training.length,
    classes: dataset.classes.length,
  })
  const size = data.imageSize
    ? networkSize(data, 2, sizes)
    : patch.map((side) => Math.ceil(side / MULTIPLE) * MULTIPLE)
  const patches = data.resize === 'crop' ? (data.patch ?? nnunetPatches) : null
  reporter.info(
    `Planned as nnU-Net plans: ${size.join(' x ')} pixels of images whose median is ${median.join(' x ')}, batches of ${batchSize}.`,
  )
  return { size, patches, task: { plannedBatch: batchSize, ...(patches ? { patches } : {}) } }
}

/** [H, W] or [D, H, W] that the network sees. @throws SeptumError `data-size`. */
function networkSize(
  data: DataConfig,
  dimensions: 2 | 3,
  sizes: readonly (readonly number[])[],
): readonly number[] {
  const agree = new Set(sizes.map((size) => size.join())).size === 1
  const size = data.imageSize ?? (agree ? sizes[0] : undefined)
  const volumes = dimensions === 3
  const how = volumes
    ? '--set data.imageSize=[32,128,128] for [D, H, W], and --set data.patch.foreground=0.33 to train on patches anywhere'
    : '--set data.imageSize=[256,256], and --set data.resize=stretch unless crops are wanted'
  if (!size) {
    throw new SeptumError(
      'data-size',
      'The images have different sizes',
      `Say what the network shall see, e.g. ${how}.`,
      { file: data.path },
    )
  }
  if (size.length === dimensions) return size
  throw new SeptumError(
    'data-size',
    `The data set holds ${volumes ? 'volumes' : 'pictures'}, but data.imageSize has ${size.length} sides`,
    `Give ${volumes ? 'three, [D, H, W]' : 'two, [H, W]'}, e.g. ${how}.`,
    { option: 'data.imageSize' },
  )
}
