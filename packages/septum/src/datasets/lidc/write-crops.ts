import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Reporter, SeptumError, silentReporter } from '@septum/core'
import { stringify } from 'yaml'
import { readImage, writeMask, writePng, writeWhole } from '../../formats/index.js'
import { lidcIdri } from '../adapters/lidc-idri.js'
import { findDescription, readDescription } from '../description.js'
import type { CaseFiles } from '../layout.js'
import { Problems } from '../problems.js'
import { readLidcAnnotations } from '../readers/lidc-annotations.js'
import { splitByPatient } from '../split-schemes.js'
import { readSplits, type SplitName, type Splits, splitNames, writeSplits } from '../splits.js'
import { type CropOptions, cropDefaults, cutLesions, type LesionCrop } from './lesion-crops.js'

export interface LidcCropsRequest extends Partial<CropOptions> {
  /** Folder of LIDC-IDRI as The Cancer Imaging Archive has it: DICOM series with XML files. */
  readonly dir: string
  /** New or empty folder. */
  readonly out: string
  /** A `splits.json` by patient; drawn 70/15/15 with seed 0 where left out. */
  readonly splits?: string
  readonly reporter?: Reporter
  readonly signal?: AbortSignal
}

export interface LidcCropsResult {
  readonly crops: number
  readonly lesions: number
  readonly series: number
  readonly patients: number
  /** Crops of each part. */
  readonly parts: Readonly<Record<SplitName, number>>
  /** Crops in which 1, 2, 3 and 4 readers marked something. */
  readonly byReaders: readonly number[]
  /** Series that could not be read, with why; the others were done. */
  readonly failures: readonly { readonly case: string; readonly message: string }[]
  readonly notes: readonly string[]
}

/**
 * Makes the crops on which the literature trains from the public form of LIDC-IDRI, in the folders of the Hierarchical
 * Probabilistic U-Net (`train|val|test/images/<patient>/z<position>_c<lesion>.png`, `…/gt/<patient>/…_l<reader>.png`),
 * with `splits.json`, `crops.csv` and a `dataset.yaml` that says how they were made.
 * @throws SeptumError `convert-exists`, `convert-source`, `crops-options`, or what reading the split says. A series that
 * cannot be read is among the failures.
 */
export async function writeLidcCrops(request: LidcCropsRequest): Promise<LidcCropsResult> {
  const { dir, out, reporter = silentReporter, signal } = request
  const options = cropOptions(request)
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new SeptumError(
      'convert-exists',
      'The folder to write into is not empty',
      'Give another --out, or empty the folder.',
      { file: out },
    )
  }
  const cases = await findSeries(dir)
  const splits = await divide(cases, request)
  const partOf = new Map(
    splitNames.flatMap((part) => splits[part].map((patient) => [patient, part] as const)),
  )
  const progress = reporter.progress('Cutting crops', cases.length, 'series')
  const failures: { case: string; message: string }[] = []
  const rows: string[] = []
  const parts: Record<SplitName, number> = { train: 0, val: 0, test: 0 }
  const byReaders = [0, 0, 0, 0]
  const lesionsOf = new Map<string, number>()
  const held = new Set<string>()
  let [lesions, lost, crops, unnamed] = [0, 0, 0, 0]
  try {
    for (const [index, entry] of cases.entries()) {
      signal?.throwIfAborted()
      const patient = entry.patient!
      const part = partOf.get(patient)
      if (part === undefined) {
        unnamed++
        continue
      }
      try {
        const cut = await cutSeries(entry, options)
        // Lesions of a patient are numbered through all series, so that names differ.
        const first = lesionsOf.get(patient) ?? 0
        lesionsOf.set(patient, first + cut.lesions)
        lesions += cut.lesions
        lost += cut.lost
        for (const crop of cut.crops) {
          const name = await writeCrop(join(out, part), patient, first + crop.lesion, crop, options.size)
          rows.push([part, patient, name, first + crop.lesion, crop.slice, crop.zMm, crop.readers].join())
          byReaders[crop.readers - 1]!++
          held.add(patient)
          parts[part]++
          crops++
        }
      } catch (error) {
        // One damaged series of a thousand must not cost the others; a full disk costs all of them.
        if (!(error instanceof SeptumError) || error.code === 'write-failed') throw error
        failures.push({ case: entry.name, message: error.message })
        reporter.warn(`${entry.name} was left out: ${error.message}.`)
      }
      progress.update(index + 1)
    }
  } finally {
    progress.finish()
  }
  if (crops > 0) await describe(out, splits, held, rows, options)
  const notes = [
    ...(lost === 1 ? ['1 outline lies in no slice of its series and was left out.'] : []),
    ...(lost > 1 ? [`${lost} outlines lie in no slice of their series and were left out.`] : []),
    ...(unnamed === 1 ? ['1 series is of a patient whom the split does not name.'] : []),
    ...(unnamed > 1 ? [`${unnamed} series are of patients whom the split does not name.`] : []),
  ]
  return { crops, lesions, series: cases.length, patients: held.size, parts, byReaders, failures, notes }
}

function cropOptions(request: LidcCropsRequest): CropOptions {
  const { size, spacingMm, window, leastReaders } = { ...cropDefaults, ...defined(request) }
  const wrong =
    window[0] < window[1] ? (leastReaders > 4 ? 'There are four readers' : undefined) : 'The window is empty'
  if (wrong === undefined) return { size, spacingMm, window, leastReaders }
  throw new SeptumError('crops-options', wrong, 'Give a window as LOW,HIGH and 1 to 4 readers.')
}

const defined = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>

async function findSeries(dir: string): Promise<readonly CaseFiles[]> {
  const known = existsSync(dir) && (await lidcIdri.recognises(dir))
  const { cases } = known ? await lidcIdri.read(dir, undefined, new Problems()) : { cases: [] }
  const read = cases.filter(({ masks }) => masks.size > 0)
  if (read.length > 0) return read
  throw new SeptumError(
    'convert-source',
    'The folder holds no LIDC-IDRI series with annotations',
    'Give the folder with LIDC-IDRI-0001 and its neighbours, each with its DICOM files and the XML file beside them.',
    { file: dir },
  )
}

async function divide(cases: readonly CaseFiles[], { dir, splits }: LidcCropsRequest): Promise<Splits> {
  const described = findDescription(dir)
  const told = splits ?? (described ? (await readDescription(described)).splits : undefined)
  if (typeof told === 'string') return readSplits(splits ?? join(dir, told))
  const patients = cases.map(({ patient }) => ({ patient: patient! }))
  const alone = new Set(patients.map(({ patient }) => patient)).size < 3
  const scheme = { scheme: 'fractions', val: alone ? 0 : 0.15, test: alone ? 0 : 0.15, seed: 0 } as const
  return splitByPatient(patients, told ?? scheme)
}

async function cutSeries({ images, masks }: CaseFiles, options: CropOptions) {
  const [{ file }] = [...masks.values()] as [{ file: string }]
  const { nodules } = await readLidcAnnotations(file)
  const ct = await readImage(images[0]!.file)
  if (ct.shape.length !== 4 || ct.shape[0] !== 1 || !ct.geometry) {
    throw new SeptumError(
      'lidc-slice',
      'The images beside the annotations are no CT series',
      'Keep the XML file in the folder of its series.',
      { file: images[0]!.file },
    )
  }
  return cutLesions(
    ct,
    nodules.filter(({ reader }) => reader < 4),
    options,
  )
}

async function writeCrop(
  folder: string,
  patient: string,
  lesion: number,
  { zMm, image, masks }: LesionCrop,
  size: number,
): Promise<string> {
  const name = `z${Number.isInteger(zMm) ? zMm.toFixed(1) : zMm}_c${lesion}`
  const [images, marks] = [join(folder, 'images', patient), join(folder, 'gt', patient)]
  await Promise.all([mkdir(images, { recursive: true }), mkdir(marks, { recursive: true })])
  await writePng(join(images, `${name}.png`), { data: image, shape: [1, size, size] })
  for (const [reader, mask] of masks.entries())
    await writeMask(join(marks, `${name}_l${reader}.png`), mask, [size, size], 255)
  return name
}

async function describe(
  out: string,
  splits: Splits,
  held: ReadonlySet<string>,
  rows: readonly string[],
  { size, spacingMm, window, leastReaders }: CropOptions,
): Promise<void> {
  const kept = (part: SplitName) => splits[part].filter((patient) => held.has(patient))
  await writeSplits(join(out, 'splits.json'), {
    scheme: splits.scheme,
    train: kept('train'),
    val: kept('val'),
    test: kept('test'),
  })
  await writeWhole(
    join(out, 'crops.csv'),
    `part,patient,crop,lesion,slice,z_mm,readers\n${rows.join('\n')}\n`,
  )
  const distance = spacingMm === 'native' ? "the CT's own spacing" : `${spacingMm} mm`
  const content = {
    name: 'LIDC-IDRI crops',
    description: `Crops of ${size} x ${size} pixels of ${distance} around lung nodules, Hounsfield units ${window.join(' to ')} as 0 to 255, slices with at least ${leastReaders} of 4 readers.`,
    classes: ['nodule'],
    channels: ['CT'],
    licence: lidcIdri.licence,
    source: lidcIdri.source,
    citation: lidcIdri.citation,
  }
  await writeWhole(join(out, 'dataset.yaml'), stringify(content))
}
