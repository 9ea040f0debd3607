/** A point in pixels; the centre of pixel (column i, row j) is (i, j). */
export type Point = readonly [x: number, y: number]

/**
 * Marks the pixels whose centres lie inside a closed polygon (even-odd rule), row by row.
 * @param border whether centres on the outline itself are inside: `outside` suits outlines that are drawn around
 * an object, as in LIDC-IDRI; `inside` includes them.
 * @param mark called with the index of each pixel, row · width + column.
 */
export function fillPolygon(
  points: readonly Point[],
  [height, width]: readonly [number, number],
  border: 'outside' | 'inside',
  mark: (index: number) => void,
): void {
  if (points.length === 0) return
  const ys = points.map(([, y]) => y)
  const top = Math.max(0, Math.ceil(Math.min(...ys)))
  const bottom = Math.min(height - 1, Math.floor(Math.max(...ys)))
  for (let y = top; y <= bottom; y++) {
    const crossings: number[] = []
    // Stretches of this row that lie on the outline: single points where it passes, whole horizontal edges.
    const outline: [number, number][] = []
    for (const [index, [x0, y0]] of points.entries()) {
      const [x1, y1] = points[(index + 1) % points.length]!
      if (y0 === y1) {
        if (y0 === y) outline.push([Math.min(x0, x1), Math.max(x0, x1)])
        continue
      }
      if (y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue
      const x = x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)
      outline.push([x, x])
      // Half-open in y, so that a corner between two edges counts once.
      if (y < Math.max(y0, y1)) crossings.push(x)
    }
    crossings.sort((a, b) => a - b)
    const onOutline = (x: number) => outline.some(([from, to]) => x >= from && x <= to)
    const marked = new Set<number>()
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const last = Math.min(width - 1, Math.floor(crossings[k + 1]!))
      for (let x = Math.max(0, Math.ceil(crossings[k]!)); x <= last; x++) {
        if (border === 'inside' || !onOutline(x)) marked.add(x)
      }
    }
    if (border === 'inside') {
      for (const [from, to] of outline) {
        const last = Math.min(width - 1, Math.floor(to))
        for (let x = Math.max(0, Math.ceil(from)); x <= last; x++) marked.add(x)
      }
    }
    for (const x of marked) mark(y * width + x)
  }
}
