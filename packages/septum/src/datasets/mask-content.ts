import type { Picture } from '../formats/index.js'

/** A mask file that still has more values than this is a photograph. */
const MOST_VALUES = 260

/** Which values occur in a mask file. */
export interface MaskContent {
  readonly file: string
  readonly jpeg: boolean
  /** True when some pixel has unequal red, green and blue; the keys are then 0xRRGGBB, else grey values. */
  readonly colour: boolean
  /** At most 260 of them, ascending. */
  readonly keys: readonly number[]
}

/** Grey value or 0xRRGGBB of each pixel. 16-bit colours keep their upper 8 bits. */
export function pixelKeys({ data, shape, maxValue }: Picture, colour: boolean): ArrayLike<number> {
  const pixels = shape[1] * shape[2]
  if (!colour) return data.subarray(0, pixels)
  const shift = maxValue > 255 ? 8 : 0
  const planes = shape[0] === 3 ? [0, pixels, 2 * pixels] : [0, 0, 0]
  const [red, green, blue] = planes.map((from) => data.subarray(from, from + pixels)) as [
    Picture['data'],
    Picture['data'],
    Picture['data'],
  ]
  const keys = new Uint32Array(pixels)
  for (let i = 0; i < pixels; i++) {
    keys[i] = ((red[i]! >> shift) << 16) | ((green[i]! >> shift) << 8) | (blue[i]! >> shift)
  }
  return keys
}

/** Looks at every pixel of a decoded mask. */
export function contentOf(file: string, picture: Picture, jpeg: boolean): MaskContent {
  const { data, shape } = picture
  const pixels = shape[1] * shape[2]
  let colour = false
  if (shape[0] === 3) {
    for (let i = 0; i < pixels && !colour; i++) {
      colour = data[i] !== data[i + pixels] || data[i] !== data[i + 2 * pixels]
    }
  }
  const found = new Set<number>()
  const keys = pixelKeys(picture, colour)
  let last = -1
  for (let i = 0; i < pixels && found.size < MOST_VALUES; i++) {
    const key = keys[i]!
    if (key === last) continue
    found.add(key)
    last = key
  }
  return { file, jpeg, colour, keys: [...found].sort((a, b) => a - b) }
}
