import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { SeptumError } from '@septum/core'
import {
  dicomFormat,
  formatOf,
  hasExtension,
  imageFormats,
  listDicomSeries,
  readImageHeader,
} from '../../formats/index.js'

/** One case to segment: a file, a DICOM series, or files that are channels of one image. */
export interface InputCase {
  /** Names its outputs; free of separators of paths. */
  readonly name: string
  readonly files: readonly string[]
  /** Number of the series in a folder or archive that has several. */
  readonly series?: number
}

/**
 * Finds the cases behind files and folders. Of a folder: its image files, in the order of their names, and every DICOM
 * series below it. Files `<case>_0000`, `<case>_0001` … are channels of one case for a model of as many channels.
 * @param channels that the model takes of a file.
 * @throws SeptumError `input-missing`, `input-empty`, `input-twice`; those of DICOM for a series that cannot be listed.
 */
export async function findInputs(inputs: readonly string[], channels: number): Promise<InputCase[]> {
  const found: InputCase[] = []
  for (const input of inputs) {
    const status = await stat(input).catch((cause: unknown) => {
      throw new SeptumError(
        'input-missing',
        'The image does not exist',
        'Check the path.',
        { file: input },
        { cause },
      )
    })
    if (!status.isDirectory()) found.push({ name: stemOf(input), files: [input] })
    else {
      const inside = await casesOfFolder(input, basename(input) || 'series', channels)
      if (inside.length === 0) {
        throw new SeptumError(
          'input-empty',
          'The folder holds no image',
          'Give a folder of pictures, volumes or DICOM series.',
          { file: input },
        )
      }
      found.push(...toldApart(input, inside))
    }
  }
  const seen = new Map<string, InputCase>()
  for (const item of found) {
    const other = seen.get(item.name)
    if (other) {
      throw new SeptumError(
        'input-twice',
        `Two images are named ${item.name}, their masks would overwrite each other`,
        'Predict them into two folders.',
        { file: `${other.files[0]}, ${item.files[0]}` },
      )
    }
    seen.set(item.name, item)
  }
  return found
}

/** Cases of one name in different folders below `folder` get those folders into their names: `a/ct` becomes `a-ct`. */
function toldApart(folder: string, cases: readonly InputCase[]): InputCase[] {
  const names = new Map<string, number>()
  for (const { name } of cases) names.set(name, (names.get(name) ?? 0) + 1)
  return cases.map((item) => {
    if (names.get(item.name) === 1) return item
    const path = relative(folder, dirname(item.files[0]!)).split(sep).filter(Boolean)
    return { ...item, name: [...path, item.name].join('-') }
  })
}

const extensions = imageFormats
  .filter((format) => format !== dicomFormat)
  .flatMap((format) => format.extensions)
  .concat('.zip')
  .sort((a, b) => b.length - a.length)

/** File name without folder and extension; `.nii.gz` counts as one. */
export function stemOf(file: string): string {
  const name = basename(file)
  const known = [...extensions, ...dicomFormat.extensions].find((extension) =>
    hasExtension(name, [extension]),
  )
  return (known ? name.slice(0, -known.length) : name) || name
}

/** @param inside below the folder that was given: of its files only DICOM counts, pictures there may be masks. */
async function casesOfFolder(
  folder: string,
  name: string,
  channels: number,
  inside = false,
): Promise<InputCase[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const files = entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
  const pictures = files
    .filter((file) => hasExtension(file, extensions))
    // The samples of an ANALYZE or NIfTI pair are read with its header.
    .filter((file) => !hasExtension(file, ['.img']) || !files.includes(`${file.slice(0, -4)}.hdr`))
    .map((file) => join(folder, file))
  const cases = inside ? [] : grouped(pictures, channels)
  const others = files.filter((file) => !hasExtension(file, extensions)).map((file) => join(folder, file))
  const series = await seriesOf(folder, name, others)
  // Listing DICOM goes down into folders by itself.
  if (series.length > 0) return [...cases, ...series]
  for (const entry of entries.filter((each) => each.isDirectory())) {
    cases.push(...(await casesOfFolder(join(folder, entry.name), entry.name, channels, true)))
  }
  return cases
}

/** DICOM images in a folder: its series, or its files where each is a series of one image. Masks are left out. */
async function seriesOf(folder: string, name: string, files: readonly string[]): Promise<InputCase[]> {
  const dicom: string[] = []
  for (const file of files) {
    const format = await formatOf(file).catch(() => undefined)
    if (format === dicomFormat) dicom.push(file)
  }
  if (dicom.length === 0) return []
  const single = async () => {
    const images = await Promise.all(dicom.map(isImage))
    return dicom.filter((_, i) => images[i]).map((file) => ({ name: stemOf(file), files: [file] }))
  }
  if (dicom.length === 1) return single()
  const series = await listDicomSeries(folder).catch((error: unknown) => {
    // Reports, plans and segmentations only.
    if (error instanceof SeptumError && error.code === 'dicom-none') return []
    throw error
  })
  if (series.length === 1) return [{ name, files: [folder] }]
  if (series.every(({ images }) => images === 1)) return single()
  return series.map(({ number }) => ({ name: `${name}-${number}`, files: [folder], series: number }))
}

/** A file that cannot be read counts: its error is told when its turn comes. */
async function isImage(file: string): Promise<boolean> {
  const header = await readImageHeader(file).catch(() => undefined)
  return header?.format !== 'DICOM SEG'
}

function grouped(files: readonly string[], channels: number): InputCase[] {
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const stem = stemOf(file)
    const base = channels > 1 ? stem.replace(/_\d{4}$/, '') : stem
    groups.set(base, [...(groups.get(base) ?? []), file])
  }
  return [...groups].flatMap(([name, members]): InputCase[] =>
    members.length === channels && members.length > 1
      ? [{ name, files: members }]
      : members.map((file) => ({ name: stemOf(file), files: [file] })),
  )
}
