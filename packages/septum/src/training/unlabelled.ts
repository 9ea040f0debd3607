import { type Reporter, SeptumError } from '@septum/core'
import {
  type FolderDataset,
  openFolderDataset,
  type SegmentationCase,
  type Splits,
} from '../datasets/index.js'
import type { DataConfig } from './data-settings.js'

export interface UnlabelledSource {
  readonly dataset: FolderDataset
  readonly splits: Splits
  readonly data: DataConfig
  readonly reporter: Reporter
}

/**
 * Tells training cases whose masks may be used from those that lend their images alone: without masks, of patients that
 * the split does not list as labelled, or of the second data set.
 * @throws SeptumError `unlabelled-channels`, and as `openFolderDataset`.
 */
export async function unlabelledCases(
  training: readonly SegmentationCase[],
  { dataset, splits, data, reporter }: UnlabelledSource,
): Promise<{
  readonly train: readonly SegmentationCase[]
  readonly unlabelled: readonly SegmentationCase[]
}> {
  const listed = splits.labelled && new Set(splits.labelled)
  const usable = ({ masks, patient }: SegmentationCase) =>
    masks.length > 0 && (!listed || listed.has(patient))
  const train = training.filter(usable)
  const own = training.filter((entry) => !usable(entry))
  const foreign = data.unlabelled === null ? [] : await casesOf(data.unlabelled, dataset, reporter)
  if (own.length > 0 || foreign.length > 0) {
    reporter.info(
      `${own.length + foreign.length} training images are used without masks, by methods that learn from such.`,
    )
  }
  return { train, unlabelled: [...own, ...foreign] }
}

/** Images of another data set, under names of their own. */
async function casesOf(
  path: string,
  { imageChannels, dimensions }: FolderDataset,
  reporter: Reporter,
): Promise<SegmentationCase[]> {
  const other = await openFolderDataset(path, { reporter, check: 'quick' })
  if (
    other.dimensions !== dimensions ||
    (other.imageChannels !== imageChannels && other.imageChannels !== 1)
  ) {
    throw new SeptumError(
      'unlabelled-channels',
      `The unlabelled images are ${other.dimensions}-D with ${other.imageChannels} channels, the labelled ones ${dimensions}-D with ${imageChannels}`,
      'Give images of the same kind.',
      { file: path },
    )
  }
  return other.cases.map((entry) => ({ ...entry, name: `unlabelled/${entry.name}`, masks: [] }))
}
