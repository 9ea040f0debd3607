/** A closed line through corners of pixels: x0, y0, x1, y1, …; the last corner joins the first. */
export type Loop = readonly number[]

/**
 * Outlines of a mask exactly along its pixels' edges, marked pixels on the right of each line. Straight runs are one
 * segment.
 * @param mask [H * W], anything but 0 is marked.
 */
export function outlines(mask: ArrayLike<number>, [height, width]: readonly [number, number]): Loop[] {
  const marked = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0
  // A corner has a number; from it start at most two edges, where two pixels touch at that corner.
  const columns = width + 1
  const edges = new Map<number, number[]>()
  const add = (x0: number, y0: number, x1: number, y1: number) => {
    const from = y0 * columns + x0
    const to = y1 * columns + x1
    const known = edges.get(from)
    if (known) known.push(to)
    else edges.set(from, [to])
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] === 0) continue
      if (!marked(x, y - 1)) add(x, y, x + 1, y)
      if (!marked(x + 1, y)) add(x + 1, y, x + 1, y + 1)
      if (!marked(x, y + 1)) add(x + 1, y + 1, x, y + 1)
      if (!marked(x - 1, y)) add(x, y + 1, x, y)
    }
  }
  const loops: Loop[] = []
  for (const start of edges.keys()) {
    while (edges.get(start)?.length) loops.push(straightened(walk(edges, start), columns))
  }
  return loops
}

function walk(edges: Map<number, number[]>, start: number): number[] {
  const corners = [start]
  for (let at = edges.get(start)!.pop()!; at !== start; at = edges.get(at)!.pop()!) corners.push(at)
  return corners
}

/** Leaves out corners between two segments of one direction. */
function straightened(corners: readonly number[], columns: number): Loop {
  const kept: number[] = []
  for (const [i, corner] of corners.entries()) {
    const before = corners.at(i - 1)!
    const after = corners[(i + 1) % corners.length]!
    if (corner - before !== after - corner) kept.push(corner % columns, Math.floor(corner / columns))
  }
  return kept
}

/** Rectangle that holds all marked pixels of all masks; null where nothing is marked. */
export function extent(
  masks: readonly ArrayLike<number>[],
  [height, width]: readonly [number, number],
): Region | null {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (const mask of masks) {
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] === 0) continue
      const [y, x] = [Math.floor(i / width), i % width]
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 }
}

/** Part of an image, in pixels. */
export interface Region {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** A square around a region with room beside it, inside the image as far as it fits. */
export function squareAround(
  region: Region | null,
  [height, width]: readonly [number, number],
  room = 0.5,
  least = 24,
): Region {
  const whole = Math.max(width, height)
  if (!region) return { left: (width - whole) / 2, top: (height - whole) / 2, width: whole, height: whole }
  const side = Math.min(whole, Math.max(least, Math.max(region.width, region.height) * (1 + 2 * room)))
  const place = (start: number, length: number, all: number) =>
    side >= all ? (all - side) / 2 : Math.min(all - side, Math.max(0, start + length / 2 - side / 2))
  return {
    left: place(region.left, region.width, width),
    top: place(region.top, region.height, height),
    width: side,
    height: side,
  }
}
