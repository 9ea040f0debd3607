import type { ImageGeometry, Vector3 } from '@septum/core'
import type { Dataset } from '../dataset.js'
import { openDicom } from '../file.js'
import { fail } from '../problem.js'
import type { Series } from '../series.js'
import type { SliceRule } from '../slices.js'
import type { Keyword } from '../tags.js'
import { orderSeries } from '../volume.js'
import { textOf } from './text.js'

/** Elements of the source that a segmentation repeats, because both belong to one study; nothing else is copied. */
export const copiedTags = [
  'StudyInstanceUID',
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'StudyID',
  'ReferringPhysicianName',
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'FrameOfReferenceUID',
  'PositionReferenceIndicator',
] as const satisfies readonly Keyword[]

/** Those of `copiedTags` that tell who the patient is or when. */
export const identifyingTags: ReadonlySet<(typeof copiedTags)[number]> = new Set([
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'StudyID',
  'ReferringPhysicianName',
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
] as const)

/** One slice of the source: what a frame of the segmentation points at. */
export interface SourceSlice {
  readonly sopClass: string
  readonly sopInstance: string
  /** Counted from 1; only for multi-frame files. */
  readonly frame?: number
  readonly position: Vector3
}

/** What a segmentation must know of the images it was made from. */
export interface SourceSeries {
  readonly slices: readonly SourceSlice[]
  readonly geometry: ImageGeometry
  readonly thicknessMm: number
  readonly rows: number
  readonly columns: number
  readonly seriesUid: string
  readonly seriesNumber: number
  /** Values of `copiedTags`, empty where the source has none. Never to be shown. */
  readonly copied: Readonly<Record<(typeof copiedTags)[number], string>>
}

/**
 * What the segmentations of a series refer to, in the slice order of its volume.
 * @throws SeptumError as `orderSeries`; `seg-source` for images without a place or without UIDs.
 */
export async function sourceOfSeries(
  series: Series,
  path: string,
  slices: SliceRule = 'refuse',
): Promise<SourceSeries> {
  const { stack, frames } = orderSeries(series, path, slices)
  const { geometry, order } = stack
  const first = (await openDicom(series.members[0]!.source)).dataset
  const seriesUid = first.text('SeriesInstanceUID')
  const complete = seriesUid && first.has('StudyInstanceUID') && first.has('FrameOfReferenceUID')
  if (!geometry || !complete || series.members.some(({ sopInstance }) => sopInstance === '')) {
    fail(
      'seg-source',
      'The source images lack a position, a frame of reference or an identifier of study, series or instance',
      'Write the masks as NIfTI or PNG.',
      path,
    )
  }
  const { rows, columns } = series.members[0]!.layout
  return {
    slices: order[0]!.map((index) => {
      const { member, frame } = frames[index]!
      const { sopClass, sopInstance, layout, places } = series.members[member]!
      const slice = { sopClass, sopInstance, position: places[frame]!.position! }
      return layout.frames > 1 ? { ...slice, frame: frame + 1 } : slice
    }),
    geometry,
    // Of one image without a thickness nothing is known; the element is required all the same.
    thicknessMm: series.members[0]!.places[0]!.thicknessMm ?? geometry.spacingMm.at(-3) ?? 1,
    rows,
    columns,
    seriesUid,
    seriesNumber: first.number('SeriesNumber') ?? 0,
    copied: copyTags(first),
  }
}

function copyTags(dataset: Dataset): SourceSeries['copied'] {
  return Object.fromEntries(
    copiedTags.map((keyword) => [keyword, textOf(dataset, keyword)]),
  ) as SourceSeries['copied']
}
