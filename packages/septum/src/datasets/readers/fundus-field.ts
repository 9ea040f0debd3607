import { labelComponents, type MedicalImage, SeptumError } from '@septum/core'
import { readImage } from '../../formats/index.js'
import { readPnm } from './pnm.js'

/** Share of the largest value above which a pixel was lit: compression leaves up to 17 of 255 beside the field. */
const LIT = 20 / 255

/**
 * The round field of view of a fundus photograph, for data sets that publish none: the largest connected region in which
 * the brightest channel is above 20 of 255, with its holes filled.
 * @returns [1, H, W] uint8 with 1 in the field.
 * @throws SeptumError as `readImage`; `field-none` for a picture that is dark all over.
 */
export async function findFundusField(file: string): Promise<MedicalImage> {
  const { data, shape, maxValue } = /\.p[pg]m(\.gz)?$/i.test(file)
    ? await readPnm(file)
    : await readImage(file)
  const [channels = 1, height = 0, width = 0] = shape
  const pixels = height * width
  const lit = new Uint8Array(pixels)
  for (let i = 0; i < pixels; i++) {
    for (let channel = 0; channel < channels; channel++) {
      if (data[channel * pixels + i]! > LIT * maxValue) lit[i] = 1
    }
  }
  const field = largest(lit, [height, width])
  if (!field.includes(1)) {
    throw new SeptumError(
      'field-none',
      'The picture is dark all over: it shows no field of view',
      'Check the file, or choose a variant of the layout without "fov".',
      { file },
    )
  }
  const dark = field.map((value) => 1 - value)
  const { labels } = labelComponents(dark, [height, width], 4)
  // Holes are dark regions that do not reach the border.
  const outside = new Set<number>()
  for (let x = 0; x < width; x++) outside.add(labels[x]!).add(labels[pixels - 1 - x]!)
  for (let y = 0; y < height; y++) outside.add(labels[y * width]!).add(labels[(y + 1) * width - 1]!)
  for (let i = 0; i < pixels; i++) if (!outside.has(labels[i]!)) field[i] = 1
  return { data: field, shape: [1, height, width], maxValue: 1 }
}

function largest(mask: Uint8Array, size: readonly [number, number]): Uint8Array {
  const { labels, count } = labelComponents(mask, [...size], 4)
  const sizes = new Float64Array(count + 1)
  for (const label of labels) if (label > 0) sizes[label]!++
  const most = sizes.indexOf(Math.max(...sizes))
  return most === 0
    ? new Uint8Array(mask.length)
    : Uint8Array.from(labels, (label) => (label === most ? 1 : 0))
}
