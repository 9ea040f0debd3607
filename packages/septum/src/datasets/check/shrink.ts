/** A plane of values that is made smaller by averaging square blocks. */
export interface Shrinking {
  readonly width: number
  readonly height: number
  /** Block means of one plane; the last blocks of a row or column may be smaller. */
  plane(valueAt: (pixel: number) => number): Float32Array
}

/** Shrinks planes of a size so that no side is longer than `largest`, by a whole factor. */
export function shrinkTo(largest: number, [height, width]: readonly [number, number]): Shrinking {
  const factor = Math.max(1, Math.ceil(Math.max(width, height) / largest))
  const [w, h] = [Math.ceil(width / factor), Math.ceil(height / factor)]
  return {
    width: w,
    height: h,
    plane(valueAt) {
      const out = new Float32Array(w * h)
      for (let y = 0; y < h; y++) {
        const rows = Math.min(factor, height - y * factor)
        for (let x = 0; x < w; x++) {
          const columns = Math.min(factor, width - x * factor)
          let sum = 0
          for (let row = 0; row < rows; row++) {
            const from = (y * factor + row) * width + x * factor
            for (let column = 0; column < columns; column++) sum += valueAt(from + column)
          }
          out[y * w + x] = sum / (rows * columns)
        }
      }
      return out
    },
  }
}
