import type { MedicalImage } from '@septum/core'
import { heat, heatAlpha } from './colours.js'

/** Smallest and largest stored value. */
export function rangeOf({ data }: MedicalImage): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (value < low) low = value
    if (value > high) high = value
  }
  return [low, high]
}

/** The picture as people see it: `grey` values [low, high] become black and white. */
export function pictureBitmap(image: MedicalImage, [low, high]: readonly [number, number]): OffscreenCanvas {
  const [channels, height, width] = image.shape as [number, number, number]
  const pixels = width * height
  const scale = 255 / Math.max(1e-9, high - low)
  return bitmap(width, height, (i, out) => {
    for (let c = 0; c < 3; c++) {
      const value = image.data[(channels === 3 ? c * pixels : 0) + i]!
      out[4 * i + c] = (value - low) * scale
    }
    out[4 * i + 3] = 255
  })
}

/** @param map [H * W] in [0, 1]. */
export function heatBitmap(map: Float32Array, [height, width]: readonly [number, number]): OffscreenCanvas {
  return bitmap(width, height, (i, out) => {
    const [r, g, b] = heat(map[i]!)
    out[4 * i] = r
    out[4 * i + 1] = g
    out[4 * i + 2] = b
    out[4 * i + 3] = 255 * heatAlpha(map[i]!)
  })
}

/** One colour, the more opaque the likelier a pixel is foreground: a mask that is not yet decided. */
export function tintBitmap(
  map: Float32Array,
  [height, width]: readonly [number, number],
  colour: string,
): OffscreenCanvas {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ]
  return bitmap(width, height, (i, out) => {
    out[4 * i] = r
    out[4 * i + 1] = g
    out[4 * i + 2] = b
    out[4 * i + 3] = 255 * map[i]!
  })
}

function bitmap(
  width: number,
  height: number,
  paint: (pixel: number, out: Uint8ClampedArray) => void,
): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height)
  const data = new ImageData(width, height)
  for (let i = 0; i < width * height; i++) paint(i, data.data)
  canvas.getContext('2d')!.putImageData(data, 0, 0)
  return canvas
}
