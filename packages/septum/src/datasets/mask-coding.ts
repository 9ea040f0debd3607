import { type MedicalImage, SeptumError } from '@septum/core'
import { pixelKeys, samplesOf } from './mask-content.js'

/** How mask files of a data set become label values. */
export type MaskCoding =
  /** Bit k of a grey value is rater k; one class. */
  | { readonly kind: 'bits'; readonly count: number }
  /** Grey value or 0xRRGGBB to label; a lossy JPEG of a one-class set is cut at half instead. */
  | { readonly kind: 'labels'; readonly colour: boolean; readonly labels: ReadonlyMap<number, number> }
  /** Values above this are the one class: numbered instances (above 0), blurred borders (above 127). */
  | { readonly kind: 'above'; readonly value: number }

/** Label in memory of samples that no loss and no score may count. */
export const IGNORE_LABEL = 255

/** Grey values of a JPEG above this mark the class (half of 255). */
export const JPEG_HALF = 127

/**
 * Writes the labels of one mask file.
 * @param out zeros, filled with labels [...size] (`labels`, `above`), or [count, ...size] (`bits`).
 * @throws SeptumError `mask-values` for a value that has no label.
 */
export function decodeLabels(
  picture: MedicalImage,
  jpeg: boolean,
  coding: MaskCoding,
  out: Uint8Array,
  file: string,
): void {
  const pixels = samplesOf(picture)
  if (coding.kind === 'bits') {
    const { data } = picture
    for (let i = 0; i < pixels; i++) {
      const value = data[i]!
      if (value === 0) continue
      if (value >> coding.count) throw unknownValue(value, false, file)
      for (let rater = 0; rater < coding.count; rater++) out[rater * pixels + i] = (value >> rater) & 1
    }
    return
  }
  if (coding.kind === 'above') {
    const { data } = picture
    for (let i = 0; i < pixels; i++) out[i] = data[i]! > coding.value ? 1 : 0
    return
  }
  const { colour, labels } = coding
  if (!jpeg && !colour && picture.data instanceof Uint8Array) {
    lookUp(picture.data.subarray(0, pixels), labels, out, file)
    return
  }
  const keys = pixelKeys(picture, colour)
  if (jpeg) {
    for (let i = 0; i < pixels; i++) out[i] = keys[i]! > JPEG_HALF ? 1 : 0
    return
  }
  let lastKey = -1
  let lastLabel = 0
  for (let i = 0; i < pixels; i++) {
    const key = keys[i]!
    if (key !== lastKey) {
      const label = labels.get(key)
      if (label === undefined) throw unknownValue(key, colour, file)
      lastKey = key
      lastLabel = label
    }
    out[i] = lastLabel
  }
}

/**
 * Labels of grey values of 8 bits, as most masks have. Four samples at a time: masks are flat, so that nearly all of these
 * words are the same as the one before.
 * @param out may be `values`
 */
function lookUp(
  values: Uint8Array,
  labels: ReadonlyMap<number, number>,
  out: Uint8Array,
  file: string,
): void {
  const table = new Int16Array(256).fill(-1)
  for (const [value, label] of labels) if (value < 256) table[value] = label
  const labelOf = (value: number): number => {
    const label = table[value]!
    if (label < 0) throw unknownValue(value, false, file)
    return label
  }
  const aligned = values.byteOffset % 4 === 0 && out.byteOffset % 4 === 0
  const words = aligned ? values.length >> 2 : 0
  const from = new Uint32Array(values.buffer, aligned ? values.byteOffset : 0, words)
  const to = new Uint32Array(out.buffer, aligned ? out.byteOffset : 0, words)
  let last: number | undefined
  let word = 0
  for (let i = 0; i < words; i++) {
    const now = from[i]!
    if (now !== last) {
      last = now
      word = 0
      for (let shift = 0; shift < 32; shift += 8) word |= labelOf((now >>> shift) & 0xff) << shift
    }
    to[i] = word
  }
  for (let i = 4 * words; i < values.length; i++) out[i] = labelOf(values[i]!)
}

/** `#rrggbb` of a colour, digits of a grey value. */
export function keyText(key: number, colour: boolean): string {
  return colour ? `#${key.toString(16).padStart(6, '0')}` : String(key)
}

function unknownValue(key: number, colour: boolean, file: string): SeptumError {
  return new SeptumError(
    'mask-values',
    `The mask holds ${keyText(key, colour)}, which is no label of this data set`,
    'Repair the mask, or name the value under "classes" in dataset.yaml.',
    { file },
  )
}
