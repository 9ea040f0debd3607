import { SeptumError } from '@septum/core'
import type { Picture } from '../formats/index.js'
import { pixelKeys } from './mask-content.js'

/** How mask files of a data set become label values. */
export type MaskCoding =
  /** Bit k of a grey value is rater k; one class. */
  | { readonly kind: 'bits'; readonly count: number }
  /** Grey value or 0xRRGGBB to label; a lossy JPEG of a one-class set is cut at half instead. */
  | { readonly kind: 'labels'; readonly colour: boolean; readonly labels: ReadonlyMap<number, number> }

/** Grey values of a JPEG above this mark the class (half of 255). */
export const JPEG_HALF = 127

/**
 * Writes the labels of one mask file.
 * @param out zeros, filled with [H, W] labels (`labels`), or [count, H, W] (`bits`).
 * @throws SeptumError `mask-values` for a value that has no label.
 */
export function decodeLabels(
  picture: Picture,
  jpeg: boolean,
  coding: MaskCoding,
  out: Uint8Array,
  file: string,
): void {
  const pixels = picture.shape[1] * picture.shape[2]
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
  const { colour, labels } = coding
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
