import type { Reporter } from '@septum/core'
import type { FolderDataset } from './dataset.js'
import type { Layout } from './layout.js'
import type { MaskMeaning } from './mask-meaning.js'

/** Says in a line each what was found, what mask values mean, and what a person should look at. */
export function reportDataset(
  dataset: FolderDataset,
  layout: Layout,
  meaning: MaskMeaning,
  reporter: Reporter,
): void {
  const { cases, commonSize: size, raters } = dataset
  const patients = new Set(cases.map(({ patient }) => patient)).size
  const volumes = cases.filter(({ shape }) => shape.length === 4).length
  const kind = volumes === 0 ? '' : volumes === cases.length ? ' volumes' : ` (${volumes} of them volumes)`
  const deep = cases.filter(
    ({ shape, images }) => shape.length === 3 && images[0]!.header.maxValue > 255,
  ).length
  reporter.info(
    `Images: ${cases.length}${kind} of ${patients} patients, ${channelText(dataset)}, ` +
      `${size ? size.join(' x ') : 'mixed sizes'}` +
      `${deep > 0 ? `, ${deep} of 16 bits` : ''}; ${layout.kind}, ${raters.length} ${raters.length === 1 ? 'rater' : 'raters'}`,
  )
  reporter.info(meaning.line)
  reportNotes(dataset, reporter)
  if (layout.orphans.length > 0) {
    reporter.warn(`${layout.orphans.length} mask files belong to no image, e.g. ${layout.orphans[0]}`)
  }
}

/** `RGB (3 grey ones repeated)`, or the channels by name. */
export function channelText({ cases, imageChannels, channelNames }: FolderDataset): string {
  if (channelNames) return `${channelNames.length === 1 ? 'channel' : 'channels'} ${channelNames.join(', ')}`
  const grey = cases.filter(({ shape }) => shape[0] === 1).length
  if (grey === cases.length) return 'grey'
  const colours = imageChannels === 3 ? 'RGB' : `${imageChannels} channels`
  return grey === 0 ? colours : `${colours} (${grey} grey ones repeated)`
}

function reportNotes({ cases }: FolderDataset, reporter: Reporter): void {
  const files = new Map<string, string[]>()
  for (const { images } of cases) {
    for (const { file, header } of images) {
      for (const note of header.notes) files.set(note, [...(files.get(note) ?? []), file])
    }
  }
  for (const [note, named] of files) {
    const turned = note.includes('EXIF')
    reporter.warn(
      turned
        ? `${named.length} images ask viewers to turn them (EXIF orientation); they are used as stored, e.g. ${named[0]}: check that their masks are drawn on the stored pixels`
        : `${named.length} images, e.g. ${named[0]}: ${note}`,
    )
  }
}
