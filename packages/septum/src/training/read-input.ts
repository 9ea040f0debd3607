import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type ImageGeometry, type ImageSamples, SeptumError } from '@septum/core'
import type { Stored } from '../datasets/index.js'
import { hasExtension, imageFormats, readImage } from '../formats/index.js'
import type { RunTask } from './workplace.js'

/** Names that belong to another file of the image, or to anything. */
const parts = ['.img', '.raw', '.zraw']
const extensions = imageFormats.flatMap((format) => format.extensions).filter((one) => !parts.includes(one))
/** Longest first, so that `.nii.gz` goes as a whole. */
const endings = [...extensions].sort((a, b) => b.length - a.length)

export interface InputFile {
  /** File, or folder of a DICOM series. */
  readonly file: string
  readonly name: string
}

const stemOf = (file: string): string => {
  const name = basename(file)
  const ending = endings.find((one) => hasExtension(name, [one]))
  return ending ? name.slice(0, -ending.length) : name
}

/**
 * The images that files and folders stand for; for a model of volumes, a folder without other images is a DICOM series.
 * @throws SeptumError `input-missing`, `input-empty`, `input-twice`.
 */
export function listInputs(
  inputs: readonly string[],
  { dimensions }: Pick<RunTask, 'dimensions'>,
): InputFile[] {
  const files = inputs.flatMap((input) => filesOf(input, dimensions))
  const seen = new Map<string, string>()
  return files.map((file) => {
    const name = stemOf(file)
    const other = seen.get(name)
    if (other !== undefined) {
      throw new SeptumError(
        'input-twice',
        `Two images are named ${name}, their masks would overwrite each other`,
        'Predict them into two folders.',
        { file: `${other}, ${file}` },
      )
    }
    seen.set(name, file)
    return { file, name }
  })
}

function filesOf(input: string, dimensions: 2 | 3): string[] {
  let folder: boolean
  try {
    folder = statSync(input).isDirectory()
  } catch (cause) {
    throw new SeptumError(
      'input-missing',
      'The image does not exist',
      'Check the path.',
      { file: input },
      { cause },
    )
  }
  if (!folder) return [input]
  const entries = readdirSync(input, { withFileTypes: true }).filter((entry) => entry.isFile())
  const names = entries.map(({ name }) => name).sort()
  const images = names.filter((name) => hasExtension(name, extensions))
  const series = images.every((name) => hasExtension(name, ['.dcm']))
  if (dimensions === 3 && names.length > 0 && series) return [input]
  if (images.length > 0) return images.map((name) => join(input, name))
  throw new SeptumError(
    'input-empty',
    'The folder holds no image of a known format',
    'Give a folder of images.',
    { file: input },
  )
}

/**
 * Reads an image as a model wants it: grey for an RGB model is repeated, colour for a grey model becomes luma (ITU-R
 * BT.601).
 * @returns [C, ...size] with the channels before preprocessing, and no masks.
 * @throws SeptumError `input-channels`, `input-dimensions`, and as `readImage`.
 */
export async function readInput(file: string, task: RunTask): Promise<Stored> {
  const { data, shape, maxValue, geometry } = await readImage(file)
  const [channels, ...own] = shape as [number, ...number[]]
  const flat = task.dimensions === 2 && own.length === 3 && own[0] === 1
  const size = flat ? own.slice(1) : own
  if (size.length !== task.dimensions) {
    throw new SeptumError(
      'input-dimensions',
      `The image is ${size.length === 3 ? 'a volume' : 'a picture'}, the model was trained on ${task.dimensions === 3 ? 'volumes' : 'pictures'}`,
      'Give images of the kind that the model was trained on.',
      { file },
    )
  }
  const wanted = task.storedChannels ?? task.imageChannels
  if (channels !== wanted && !(channels === 1 && wanted === 3) && !(channels === 3 && wanted === 1)) {
    throw new SeptumError(
      'input-channels',
      `The image has ${channels} channels, the model wants ${wanted}`,
      'Give images of the kind that the model was trained on.',
      { file },
    )
  }
  return {
    image: channels === wanted ? data : channels === 1 ? repeated(data, wanted) : luma(data),
    maxValue: task.maxValue ?? maxValue,
    masks: new Uint8Array(0),
    size,
    ...(geometry ? { geometry: flat ? inPlane(geometry) : geometry } : {}),
  }
}

const inPlane = ({ spacingMm, originMm, directions }: ImageGeometry): ImageGeometry => ({
  spacingMm: spacingMm.slice(1),
  originMm,
  directions: directions.slice(1),
})

function repeated(data: ImageSamples, channels: number): ImageSamples {
  const out = new Float32Array(channels * data.length)
  for (let c = 0; c < channels; c++) out.set(data, c * data.length)
  return out
}

function luma(data: ImageSamples): Float32Array {
  const samples = data.length / 3
  return Float32Array.from(
    { length: samples },
    (_, i) => 0.299 * data[i]! + 0.587 * data[samples + i]! + 0.114 * data[2 * samples + i]!,
  )
}
