import { looksLikeDicom, openDicom } from './file.js'
import { type FramePlace, framePlaces } from './frame-place.js'
import { hasPixels, type PixelLayout, pixelLayout } from './pixel-layout.js'
import { fail } from './problem.js'
import type { ByteSource } from './source.js'

/** One image file of a series: what is needed to place it, without its elements and samples. */
export interface SeriesMember {
  readonly source: ByteSource
  readonly layout: PixelLayout
  readonly places: readonly FramePlace[]
  readonly sopClass: string
  readonly sopInstance: string
}

/** Images that belong to one volume. */
export interface Series {
  readonly members: readonly SeriesMember[]
  readonly modality: string
  /** Sentences about files that were left out. */
  readonly notes: readonly string[]
}

/** Which series is meant when there are several: the one with most images, or one by its number in the list. */
export type SeriesChoice = 'only' | 'largest' | number

/** Series as they are offered for choice: no name, no date and no UID. */
export interface SeriesSummary {
  /** Counted from 1, most images first. */
  readonly number: number
  readonly modality: string
  readonly images: number
  readonly rows: number
  readonly columns: number
}

const SEGMENTATION = '1.2.840.10008.5.1.4.1.1.66.4'
/** Bytes that tell whether a file is DICOM. */
const HEAD_BYTES = 160

/**
 * Finds the images below a path and groups them: one series, size, sample form and direction to a group.
 * @throws SeptumError for a file that is DICOM and damaged, `dicom-none` when there is no image.
 */
export async function collectSeries(
  sources: readonly ByteSource[],
  file: string,
): Promise<readonly Series[]> {
  const groups = new Map<string, { modality: string; members: SeriesMember[]; seen: Set<string> }>()
  const single = sources.length === 1
  let others = 0
  let doubled = 0
  for (const source of sources) {
    if (!single && !looksLikeDicom(await source.head(HEAD_BYTES))) {
      others++
      continue
    }
    const dicom = await openDicom(source)
    const { dataset } = dicom
    const sopClass = dataset.text('SOPClassUID') ?? ''
    if (!single && (!hasPixels(dicom) || sopClass === SEGMENTATION)) {
      others++
      continue
    }
    const layout = pixelLayout(dicom)
    const places = framePlaces(dataset, layout.frames)
    const modality = modalityOf(dataset.text('Modality'))
    const key = [
      dataset.text('SeriesInstanceUID'),
      sopClass,
      modality,
      layoutKey(layout),
      directionKey(places[0]!),
    ].join()
    const group = groups.get(key) ?? { modality, members: [], seen: new Set() }
    groups.set(key, group)
    const sopInstance = dataset.text('SOPInstanceUID') ?? ''
    if (sopInstance !== '' && group.seen.has(sopInstance)) doubled++
    else group.members.push({ source, layout, places, sopClass, sopInstance })
    group.seen.add(sopInstance)
  }
  if (groups.size === 0) {
    fail('dicom-none', 'There is no DICOM image', 'Give a DICOM file, or a folder or zip of a series.', file)
  }
  const notes = [
    ...(others > 0 ? [`${others} files are no images and were left out.`] : []),
    ...(doubled > 0 ? [`${doubled} files are copies of others and were left out.`] : []),
  ]
  return [...groups.entries()]
    .sort(([a, one], [b, other]) => imageCount(other.members) - imageCount(one.members) || (a < b ? -1 : 1))
    .map(([, { modality, members }]) => ({ modality, members, notes }))
}

/**
 * The one series that is meant.
 * @throws SeptumError `dicom-series` with the list when there are several and none was chosen.
 */
export function chooseSeries(series: readonly Series[], choice: SeriesChoice, file: string): Series {
  if (series.length === 1 && typeof choice === 'string') return series[0]!
  if (choice === 'largest') {
    const notes = [`The largest of ${series.length} series was taken.`]
    return { ...series[0]!, notes: [...series[0]!.notes, ...notes] }
  }
  const chosen = typeof choice === 'number' ? series[choice - 1] : undefined
  if (chosen) return chosen
  const list = summaries(series)
    .slice(0, 10)
    .map(
      ({ number, modality, images, rows, columns }) =>
        `${number}: ${modality}, ${images} images of ${rows} x ${columns}`,
    )
  return fail(
    'dicom-series',
    `There are ${series.length} series (${list.join('; ')}${series.length > 10 ? '; …' : ''})`,
    'Choose the largest or one by its number, or give the folder of one series.',
    file,
  )
}

/** Series as they are offered for choice. */
export function summaries(series: readonly Series[]): SeriesSummary[] {
  return series.map(({ modality, members }, index) => ({
    number: index + 1,
    modality,
    images: imageCount(members),
    rows: members[0]!.layout.rows,
    columns: members[0]!.layout.columns,
  }))
}

function imageCount(members: readonly SeriesMember[]): number {
  return members.reduce((sum, { layout }) => sum + layout.frames, 0)
}

/** A damaged or hostile file might have anything there. */
function modalityOf(text: string | undefined): string {
  return text && /^[A-Z]{2,4}$/.test(text) ? text : 'unknown'
}

function layoutKey({ rows, columns, photometric, bitsStored, signed, float }: PixelLayout): string {
  return [rows, columns, photometric, bitsStored, signed, float].join('/')
}

/** Directions to two decimals: a scout never belongs to the slices it shows. */
function directionKey({ along }: FramePlace): string {
  return along ? [...along.x, ...along.y].map((part) => Math.round(part * 100) + 0).join('/') : ''
}
