import { labelComponents } from '@septum/core'

/** Lengths in mm and areas in mm² where the spacing is known, else in pixels. */
export interface Measures {
  readonly area: number
  /** Longest distance between two points of the outline; 0 for an empty mask. */
  readonly longAxis: number
  /** Extent at right angles to the long axis. */
  readonly shortAxis: number
  /** Connected parts; pixels that touch at a corner belong together. */
  readonly parts: number
}

type Point = readonly [x: number, y: number]

/**
 * Size of a mask. Pixels are squares: a single pixel of 1 mm is 1 mm² large and 1.41 mm long.
 * @param mask [H * W], anything but 0 is marked. @param spacing [y, x].
 */
export function measureMask(
  mask: Uint8Array,
  [height, width]: readonly [number, number],
  spacing: readonly [number, number] | null,
): Measures {
  const [dy, dx] = spacing ?? [1, 1]
  let pixels = 0
  const corners: Point[] = []
  for (let y = 0; y < height; y++) {
    // The convex hull needs only the ends of each row.
    let [first, last] = [-1, -1]
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue
      pixels++
      if (first < 0) first = x
      last = x
    }
    if (first < 0) continue
    for (const side of [y, y + 1]) corners.push([first * dx, side * dy], [(last + 1) * dx, side * dy])
  }
  const { long, short } = axes(hull(corners))
  const parts = pixels === 0 ? 0 : labelComponents(mask, [height, width], 8).count
  return { area: pixels * dx * dy, longAxis: long, shortAxis: short, parts }
}

/** Convex hull, counter-clockwise (Andrew's monotone chain). */
function hull(points: Point[]): Point[] {
  const sorted = points.toSorted(([ax, ay], [bx, by]) => ax - bx || ay - by)
  const chain = (ordered: readonly Point[]) => {
    const kept: Point[] = []
    for (const point of ordered) {
      while (kept.length > 1 && turn(kept.at(-2)!, kept.at(-1)!, point) <= 0) kept.pop()
      kept.push(point)
    }
    return kept.slice(0, -1)
  }
  return [...chain(sorted), ...chain(sorted.toReversed())]
}

const turn = ([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point) =>
  (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

function axes(points: readonly Point[]): { long: number; short: number } {
  let [long, ux, uy] = [0, 1, 0]
  for (const [i, [ax, ay]] of points.entries()) {
    for (let j = i + 1; j < points.length; j++) {
      const [bx, by] = points[j]!
      const length = Math.hypot(bx - ax, by - ay)
      if (length > long) [long, ux, uy] = [length, (bx - ax) / length, (by - ay) / length]
    }
  }
  const across = points.map(([x, y]) => y * ux - x * uy)
  return { long, short: across.length === 0 ? 0 : Math.max(...across) - Math.min(...across) }
}
