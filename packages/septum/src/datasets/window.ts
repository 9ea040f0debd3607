import type { ImageSamples } from '@septum/core'
import type { DecodedCase } from './case.js'

/** Where a window lies in a source image; negative or beyond the edge where it is padded with 0. */
export interface WindowPlace {
  readonly top: number
  readonly left: number
  /** Along the depth axis of a volume. Default 0. */
  readonly front?: number
}

/** Samples of a batch before they go to the device. */
export interface WindowBatch {
  /** [N, C, ...size]; 8 bits where every image has 8, else values as the network sees them. */
  readonly images: Uint8Array | Float32Array
  /** [N, R, ...size] */
  readonly masks: Uint8Array
  readonly channels: number
  readonly raters: number
}

const product = (size: readonly number[]): number => size.reduce((a, b) => a * b, 1)

/** Memory that batches are packed in, one after another; a new one each time would keep the garbage collector busy. */
export class PackingMemory {
  private buffers: ArrayBuffer[] = []

  /** Zeros, valid until `zeros` is called for the same `slot` again. */
  zeros(slot: number, bytes: number): ArrayBuffer {
    const kept = this.buffers[slot]
    if (kept?.byteLength !== bytes) {
      this.buffers[slot] = new ArrayBuffer(bytes)
      return this.buffers[slot]
    }
    new Uint8Array(kept).fill(0)
    return kept
  }
}

/**
 * Cuts one window of `size` ([H, W] or [D, H, W]) from each case and packs them.
 * @param memory what is packed stays valid until it is used again. Default: memory of its own.
 */
export function cutWindows(
  cases: readonly DecodedCase[],
  places: readonly WindowPlace[],
  size: readonly number[],
  memory = new PackingMemory(),
): WindowBatch {
  const samples = product(size)
  const channels = cases[0]!.image.length / product(cases[0]!.size)
  const raters = cases[0]!.masks.length / product(cases[0]!.size)
  const plain = cases.every(({ image, maxValue }) => image instanceof Uint8Array && maxValue === 255)
  const length = cases.length * channels * samples
  const images = plain
    ? new Uint8Array(memory.zeros(0, length))
    : new Float32Array(memory.zeros(0, 4 * length))
  const masks = new Uint8Array(memory.zeros(1, cases.length * raters * samples))
  for (const [index, one] of cases.entries()) {
    const { image, maxValue, masks: labels, size: source, preprocessed } = one
    const place = places[index]!
    const part = images.subarray(index * channels * samples, (index + 1) * channels * samples)
    copyWindow(image, source, part, size, channels, place)
    if (part instanceof Float32Array && !preprocessed) {
      for (let i = 0; i < part.length; i++) part[i] = Math.min(1, part[i]! / maxValue)
    }
    copyWindow(labels, source, masks.subarray(index * raters * samples), size, raters, place)
  }
  return { images, masks, channels, raters }
}

/** Copies the part of [planes, ...from] that lies in the window into [planes, ...to], row by row. */
function copyWindow(
  source: ImageSamples,
  from: readonly number[],
  target: Uint8Array | Float32Array,
  to: readonly number[],
  planes: number,
  { top, left, front = 0 }: WindowPlace,
): void {
  const [height, width] = from.slice(-2) as [number, number]
  const [toHeight, toWidth] = to.slice(-2) as [number, number]
  const [depth, toDepth] = [from.length === 3 ? from[0]! : 1, to.length === 3 ? to[0]! : 1]
  const [firstSlice, lastSlice] = [Math.max(0, -front), Math.min(toDepth, depth - front)]
  const [firstRow, lastRow] = [Math.max(0, -top), Math.min(toHeight, height - top)]
  const firstColumn = Math.max(0, -left)
  const lastColumn = Math.min(toWidth, width - left)
  if (lastColumn <= firstColumn || lastRow <= firstRow) return
  // Rows of one length follow each other on both sides: one copy instead of one a row.
  const rows = left === 0 && width === toWidth ? lastRow - firstRow : 1
  const length = (rows - 1) * width + lastColumn - firstColumn
  for (let plane = 0; plane < planes; plane++) {
    for (let slice = firstSlice; slice < lastSlice; slice++) {
      for (let row = firstRow; row < lastRow; row += rows) {
        const start = ((plane * depth + front + slice) * height + top + row) * width + left
        const line = source.subarray(start + firstColumn, start + firstColumn + length)
        target.set(line, ((plane * toDepth + slice) * toHeight + row) * toWidth + firstColumn)
      }
    }
  }
}
