import type { DecodedCase } from './case.js'

/** Where a window lies in a source image; negative or beyond the edge where it is padded with 0. */
export interface WindowPlace {
  readonly top: number
  readonly left: number
}

/** Pixels of a batch before they go to the device. */
export interface WindowBatch {
  /** [N, C, H, W]; 8 bits where every image has 8, else values in [0, 1]. */
  readonly images: Uint8Array | Float32Array
  /** [N, R, H, W] */
  readonly masks: Uint8Array
  readonly channels: number
  readonly raters: number
}

/** Cuts one window of `size` from each case and packs them. */
export function cutWindows(
  cases: readonly DecodedCase[],
  places: readonly WindowPlace[],
  size: readonly [number, number],
): WindowBatch {
  const pixels = size[0] * size[1]
  const channelsOf = ({ image, size: [height, width] }: DecodedCase) => image.length / (height * width)
  const channels = channelsOf(cases[0]!)
  const raters = cases[0]!.masks.length / (cases[0]!.size[0] * cases[0]!.size[1])
  const plain = cases.every(({ image, maxValue }) => image instanceof Uint8Array && maxValue === 255)
  const length = cases.length * channels * pixels
  const images = plain ? new Uint8Array(length) : new Float32Array(length)
  const masks = new Uint8Array(cases.length * raters * pixels)
  for (const [index, { image, maxValue, masks: labels, size: source }] of cases.entries()) {
    const place = places[index]!
    const part = images.subarray(index * channels * pixels, (index + 1) * channels * pixels)
    copyWindow(image, source, part, size, channels, place)
    if (part instanceof Float32Array) {
      for (let i = 0; i < part.length; i++) part[i] = Math.min(1, part[i]! / maxValue)
    }
    copyWindow(labels, source, masks.subarray(index * raters * pixels), size, raters, place)
  }
  return { images, masks, channels, raters }
}

/** Copies the part of [planes, ...from] that lies in the window into [planes, ...to], row by row. */
function copyWindow(
  source: Uint8Array | Uint16Array,
  from: readonly [number, number],
  target: Uint8Array | Float32Array,
  to: readonly [number, number],
  planes: number,
  { top, left }: WindowPlace,
): void {
  const [height, width] = from
  const firstRow = Math.max(0, -top)
  const lastRow = Math.min(to[0], height - top)
  const firstColumn = Math.max(0, -left)
  const lastColumn = Math.min(to[1], width - left)
  if (lastColumn <= firstColumn) return
  for (let plane = 0; plane < planes; plane++) {
    for (let row = firstRow; row < lastRow; row++) {
      const start = (plane * height + top + row) * width + left
      const line = source.subarray(start + firstColumn, start + lastColumn)
      target.set(line, (plane * to[0] + row) * to[1] + firstColumn)
    }
  }
}
