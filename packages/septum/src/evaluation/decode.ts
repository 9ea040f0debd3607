import { type ImageSamples, type LabelMap, type MedicalImage, SeptumError } from '@septum/core'
import { readImage } from '../formats/registry.js'
import type { Grid } from './grid.js'

/** A decoded file on its grid: C maps of whole numbers or of probabilities. */
export interface Decoded extends Grid {
  readonly file: string
  readonly channels: number
  readonly data: ImageSamples
  readonly maxValue: number
}

/** Reads any image file; a volume of one slice counts as a plane. */
export async function decodeFile(file: string): Promise<Decoded> {
  return decodedOf(await readImage(file), file)
}

/** As `decodeFile`, of an image in memory. */
export function decodedOf({ data, shape, geometry, maxValue }: MedicalImage, file: string): Decoded {
  const [channels = 1, ...spatial] = shape
  const flat = spatial.length === 3 && spatial[0] === 1
  const size = flat ? spatial.slice(1) : spatial
  if (!geometry) return { file, channels, size, data, maxValue }
  // The grid of the one slice: its own axis leads nowhere.
  const plane = flat
    ? { ...geometry, spacingMm: geometry.spacingMm.slice(1), directions: geometry.directions.slice(1) }
    : geometry
  return { file, channels, size, geometry: plane, data, maxValue }
}

/**
 * Label values of a mask file. Grey stored as RGB is taken as grey.
 * @throws SeptumError `mask-colour`, `mask-not-finite`, `mask-fractions`.
 */
export function labelsOf(decoded: Decoded, whose: 'prediction' | 'reference'): LabelMap {
  const { data, channels, file } = decoded
  const pixels = data.length / channels
  for (let i = pixels; i < data.length; i++) {
    if (data[i] === data[i % pixels]) continue
    throw new SeptumError(
      'mask-colour',
      `The ${whose} has ${channels} channels that differ; a mask of labels has one`,
      'Write masks as grey PNG or with one channel.',
      { file },
    )
  }
  const own = data.subarray(0, pixels)
  checkFinite(own, whose, file)
  if (own instanceof Uint8Array || own instanceof Uint16Array || own instanceof Uint32Array) return own
  const labels = new Int32Array(pixels)
  for (let i = 0; i < pixels; i++) {
    const value = own[i]!
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
      throw new SeptumError(
        'mask-fractions',
        `The ${whose} holds ${value}, which is no label`,
        whose === 'prediction'
          ? 'Labels are whole numbers from 0; say --kind probabilities if these are probabilities.'
          : 'Labels are whole numbers from 0; repair the file.',
        { file },
      )
    }
    labels[i] = value
  }
  return labels
}

/**
 * Probabilities of each channel: floats as they are, whole numbers divided by the largest of their format.
 * @throws SeptumError `mask-not-finite`, `probability-range` (more than 1e-4 outside [0, 1]).
 */
export function probabilitiesOf(decoded: Decoded): Float32Array[] {
  const { data, channels, file, maxValue } = decoded
  checkFinite(data, 'prediction', file)
  const pixels = data.length / channels
  const scale = data instanceof Float32Array || data instanceof Float64Array ? 1 : 1 / maxValue
  let [low, high] = [0, 0]
  const all = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const value = data[i]! * scale
    if (value < low) low = value
    if (value > high) high = value
    all[i] = value < 0 ? 0 : value > 1 ? 1 : value
  }
  // Rounding of a softmax in half precision may pass the ends by a little: that is no defect.
  if (low < -1e-4 || high > 1.0001) {
    throw new SeptumError(
      'probability-range',
      `The probabilities reach from ${format(low)} to ${format(high)}, outside [0, 1]`,
      'Write probabilities, not logits: apply the sigmoid or softmax first.',
      { file },
    )
  }
  return Array.from({ length: channels }, (_, c) => all.subarray(c * pixels, (c + 1) * pixels))
}

const format = (value: number): string => String(Number(value.toPrecision(4)))

function checkFinite(data: ImageSamples, whose: string, file: string): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return
  let bad = 0
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i]!)) bad++
  if (bad === 0) return
  throw new SeptumError(
    'mask-not-finite',
    `The ${whose} holds ${bad} values that are NaN or infinite`,
    'Find out why the method wrote them; such a case is not scored.',
    { file },
  )
}

/** The values that occur, up to a number of them; what is no whole number counts as -1. */
export function valuesOf(data: ArrayLike<number>, most: number): Set<number> {
  const found = new Set<number>()
  let last = Number.NaN
  for (let i = 0; i < data.length && found.size < most; i++) {
    const value = data[i]!
    if (value === last) continue
    last = value
    found.add(Number.isInteger(value) ? value : -1)
  }
  return found
}

/**
 * Refuses label values that no class has.
 * @param known null: every value is known.
 * @throws SeptumError `label-unknown`, `label-several` (several values where there is one class).
 */
export function checkLabels(
  labels: LabelMap,
  known: readonly number[] | null,
  whose: 'prediction' | 'reference',
  file: string,
): void {
  const found = valuesOf(labels, 300)
  found.delete(0)
  if (known === null) {
    if (found.size <= 1) return
    throw new SeptumError(
      'label-several',
      `The ${whose} holds ${found.size} values above 0, but there is one class`,
      'Name the classes with --classes, or say --kind probabilities or --kind instances.',
      { file },
    )
  }
  const strange = [...found].filter((value) => !known.includes(value)).sort((a, b) => a - b)
  if (strange.length === 0) return
  throw new SeptumError(
    'label-unknown',
    `The ${whose} holds ${strange.slice(0, 5).join(', ')}${strange.length > 5 ? ', …' : ''}, which the data set does not know (labels ${shortList([0, ...known])})`,
    'Map the labels of the method to those of the data set, or name them with --classes.',
    { file },
  )
}

const shortList = (values: readonly number[]): string =>
  values.length > 8 ? `${values.slice(0, 6).join(', ')}, … ${values.at(-1)}` : values.join(', ')
