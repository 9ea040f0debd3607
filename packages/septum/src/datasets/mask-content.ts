import type { MedicalImage } from '@septum/core'

/** A mask file that still has more values than this is a photograph or a map of instances. */
const MOST_VALUES = 260
/** Stored labels that scaling turned into 0.99999 are whole numbers; 0.9 is none. */
const ROUNDING = 1e-3

/** Which values occur in a mask file. */
export interface MaskContent {
  readonly file: string
  readonly jpeg: boolean
  /** True when some pixel has unequal red, green and blue; the keys are then 0xRRGGBB, else grey values. */
  readonly colour: boolean
  /** A value that is no whole number of 0 or more, which no label is. */
  readonly odd?: number
  /** At most 260 of them, ascending. */
  readonly keys: readonly number[]
}

/** Samples of one channel. */
export const samplesOf = ({ shape }: MedicalImage): number =>
  shape.slice(1).reduce((product, size) => product * size, 1)

const isPicture = ({ shape, data }: MedicalImage) =>
  shape.length === 3 && shape[0] === 3 && (data instanceof Uint8Array || data instanceof Uint16Array)

/** Grey value or 0xRRGGBB of each sample. 16-bit colours keep their upper 8 bits. */
export function pixelKeys(image: MedicalImage, colour: boolean): ArrayLike<number> {
  const { data, shape, maxValue } = image
  const pixels = samplesOf(image)
  if (!colour) {
    const grey = data.subarray(0, pixels)
    if (!(grey instanceof Float32Array || grey instanceof Float64Array)) return grey
    return grey.map((value) => {
      const whole = Math.round(value)
      return Math.abs(value - whole) <= ROUNDING ? whole : value
    })
  }
  const shift = maxValue > 255 ? 8 : 0
  const [red, green, blue] = (shape[0] === 3 ? [0, pixels, 2 * pixels] : [0, 0, 0]).map((from) =>
    data.subarray(from, from + pixels),
  ) as [MedicalImage['data'], MedicalImage['data'], MedicalImage['data']]
  const keys = new Uint32Array(pixels)
  for (let i = 0; i < pixels; i++) {
    keys[i] = ((red[i]! >> shift) << 16) | ((green[i]! >> shift) << 8) | (blue[i]! >> shift)
  }
  return keys
}

/** Looks at every sample of a decoded mask. */
export function contentOf(file: string, mask: MedicalImage, jpeg: boolean): MaskContent {
  const { data } = mask
  const pixels = samplesOf(mask)
  let colour = false
  if (isPicture(mask)) {
    for (let i = 0; i < pixels && !colour; i++) {
      colour = data[i] !== data[i + pixels] || data[i] !== data[i + 2 * pixels]
    }
  }
  const found = new Set<number>()
  const keys = pixelKeys(mask, colour)
  let last = -1
  let odd: number | undefined
  for (let i = 0; i < pixels && found.size < MOST_VALUES; i++) {
    const key = keys[i]!
    if (key === last) continue
    if (odd === undefined && !(Number.isInteger(key) && key >= 0)) odd = key
    found.add(key)
    last = key
  }
  const sorted = [...found].sort((a, b) => a - b)
  return { file, jpeg, colour, keys: sorted, ...(odd === undefined ? {} : { odd }) }
}
