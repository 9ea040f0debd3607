/** Marked pixels nearest to each pixel of a picture. */
export interface NearestPixels {
  /** Squared Euclidean distance in pixels, [height, width]. */
  readonly squared: Int32Array
  /** Index of the nearest marked pixel, [height, width]; 0 where it is farther than `reach`. */
  readonly index: Int32Array
}

/**
 * Exact nearest marked pixel of every pixel, in time linear in the number of pixels (Meijster, Roerdink and
 * Hesselink 2000: a scan of the columns, then a lower envelope of parabolas in each row, all in integers).
 * Of equally near pixels the one of the smallest column, then of the smallest row, as SciPy's feature
 * transform chooses.
 * @param box of the marked pixels, see `boxOf`. @param reach largest distance at which the index is wanted.
 */
export function nearestPixels(
  mask: Uint8Array,
  height: number,
  width: number,
  box: Box,
  reach = Infinity,
): NearestPixels {
  const { left, right } = box
  const span = right - left + 1
  const rows = nearestRows(mask, height, width, box)
  const squared = new Int32Array(mask.length)
  const index = new Int32Array(mask.length)
  const site = new Int32Array(span)
  const start = new Int32Array(span)
  const height2 = new Int32Array(span)
  for (let y = 0; y < height; y++) {
    const line = y * width
    const ofColumn = y * span - left
    let last = -1
    for (let u = left; u <= right; u++) {
      const row = rows[ofColumn + u]!
      if (row < 0) continue
      const rise = (row - y) * (row - y)
      while (last >= 0) {
        const x = start[last]! - site[last]!
        const other = start[last]! - u
        if (x * x + height2[last]! <= other * other + rise) break
        last--
      }
      let from = 0
      if (last >= 0) {
        const v = site[last]!
        // The boundary pixel itself, where both are equally near, stays with the smaller column.
        from = 1 + Math.floor((u * u - v * v + rise - height2[last]!) / (2 * (u - v)))
        if (from >= width) continue
      }
      last++
      site[last] = u
      start[last] = from
      height2[last] = rise
    }
    let end = width
    for (; last >= 0; last--) {
      const column = site[last]!
      const rise = height2[last]!
      const first = start[last]!
      for (let x = first; x < end; x++) squared[line + x] = (x - column) * (x - column) + rise
      if (rise <= reach * reach) {
        const nearest = rows[ofColumn + column]! * width + column
        const from = Math.max(first, column - reach)
        const to = Math.min(end, column + reach + 1)
        for (let x = from; x < to; x++) index[line + x] = nearest
      }
      end = first
    }
  }
  return { squared, index }
}

/** Row of the nearest marked pixel of the same column of the box, the smaller of two; -1 without one. */
function nearestRows(
  mask: Uint8Array,
  height: number,
  width: number,
  { left, right }: Box,
): Int16Array | Int32Array {
  const span = right - left + 1
  const rows = height < 0x8000 ? new Int16Array(height * span) : new Int32Array(height * span)
  for (let x = 0; x < span; x++) rows[x] = mask[left + x] === 0 ? -1 : 0
  for (let y = 1; y < height; y++) {
    const line = y * width + left
    for (let x = 0, i = y * span; x < span; x++, i++) rows[i] = mask[line + x] === 0 ? rows[i - span]! : y
  }
  for (let y = height - 2; y >= 0; y--) {
    for (let i = y * span, end = i + span; i < end; i++) {
      const above = rows[i]!
      const below = rows[i + span]!
      if (above < 0 || (below > y && below - y < y - above)) rows[i] = below
    }
  }
  return rows
}

/** Rows and columns, both inclusive, that hold all marked pixels. */
export interface Box {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** @returns null where nothing is marked. */
export function boxOf(mask: Uint8Array, height: number, width: number): Box | null {
  let [top, bottom, left, right] = [height, -1, width, -1]
  for (let y = 0; y < height; y++) {
    const start = y * width
    const end = start + width
    let first = start
    while (first < end && mask[first] === 0) first++
    if (first === end) continue
    let last = end - 1
    while (mask[last] === 0) last--
    if (bottom < 0) top = y
    bottom = y
    left = Math.min(left, first - start)
    right = Math.max(right, last - start)
  }
  return bottom < 0 ? null : { top, bottom, left, right }
}
