type Point = readonly [number, number, number]

/**
 * Size of the surface element at a corner between pixels, for each pattern of the pixels around it.
 * @param dimensions 2: patterns of 4 pixels, lengths; 3: patterns of 8 voxels, areas.
 * @param spacing along depth, height, width (depth is not used in 2-D).
 * @returns 16 or 256 sizes; the pattern's bits run from the lowest coordinates (highest bit) to the highest,
 * width fastest. 0 where all pixels are equal.
 */
export function surfelSizes(dimensions: 2 | 3, spacing: Point): Float64Array {
  if (dimensions === 2) return lengths(spacing[1], spacing[2])
  const [d, h, w] = spacing
  return Float64Array.from(triangleNormals(), (normals) =>
    normals.reduce((area, n) => area + Math.hypot(n[0] * h * w, n[1] * d * w, n[2] * d * h), 0),
  )
}

/** Contour through the midpoints of the sides of a square: 0.5 diagonals at one pixel, a side at two. */
function lengths(h: number, w: number): Float64Array {
  const diagonal = Math.hypot(h, w)
  const half = diagonal / 2
  // Bits 8 4 / 2 1: 3 and 12 are rows, 5 and 10 columns, 6 and 9 diagonals.
  return Float64Array.of(0, half, half, w, half, h, diagonal, half, half, diagonal, h, half, w, half, half, 0)
}

let cached: readonly (readonly Point[])[] | undefined

/** Area vectors (absolute values, unit spacing) of the triangles of each of the 256 patterns. */
function triangleNormals(): readonly (readonly Point[])[] {
  cached ??= Array.from({ length: 256 }, (_, pattern) => patternNormals(pattern))
  return cached
}

function patternNormals(pattern: number): Point[] {
  let bits = 0
  for (let bit = 0; bit < 8; bit++) bits += (pattern >> bit) & 1
  // Diagonal neighbours are apart; of more than half the unmarked voxels are, so that surfaces agree.
  const marked = bits > 4 ? ~pattern & 255 : pattern
  return contours(marked).flatMap((loop) => widestTriangles(loop).normals)
}

const isMarked = (pattern: number, corner: Point) =>
  (pattern >> (7 - (4 * corner[0] + 2 * corner[1] + corner[2]))) & 1

/** The six faces as cycles of four corners. */
const FACES: readonly (readonly Point[])[] = [0, 1, 2].flatMap((axis) =>
  [0, 1].map((side) =>
    [
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 0],
    ].map((pair) => pair.toSpliced(axis, 0, side) as unknown as Point),
  ),
)

/** Closed polygons through the midpoints of the cube's edges between marked and unmarked corners. */
function contours(pattern: number): Point[][] {
  const neighbours = new Map<string, { point: Point; next: Point[] }>()
  const join = (a: Point, b: Point) => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const node = neighbours.get(String(from)) ?? { point: from, next: [] }
      node.next.push(to)
      neighbours.set(String(from), node)
    }
  }
  for (const face of FACES) {
    const middles = face.map((corner, i) => middle(corner, face[(i + 1) % 4]!))
    const marked = face.map((corner) => isMarked(pattern, corner))
    const crossed = middles.filter((_, i) => marked[i] !== marked[(i + 1) % 4])
    if (crossed.length === 2) join(crossed[0]!, crossed[1]!)
    if (crossed.length === 4) {
      for (let i = 0; i < 4; i++) if (marked[i]) join(middles[(i + 3) % 4]!, middles[i]!)
    }
  }
  const loops: Point[][] = []
  const visited = new Set<string>()
  for (const [key, { point }] of neighbours) {
    if (visited.has(key)) continue
    const loop: Point[] = []
    let at: Point | undefined = point
    while (at) {
      visited.add(String(at))
      loop.push(at)
      at = neighbours.get(String(at))!.next.find((next) => !visited.has(String(next)))
    }
    loops.push(loop)
  }
  return loops
}

function middle(a: Point, b: Point): Point {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2]
}

interface Triangles {
  readonly area: number
  readonly normals: Point[]
}

/**
 * The triangulation of the largest area at unit spacing. Among the triangulations of the bent polygons
 * (pentagon, hexagon) it is the one whose areas are those of DeepMind's table.
 */
function widestTriangles(loop: readonly Point[]): Triangles {
  const between = (first: number, last: number): Triangles => {
    let best: Triangles = { area: 0, normals: [] }
    for (let k = first + 1; k < last; k++) {
      const normal = normalOf(loop[first]!, loop[k]!, loop[last]!)
      const left = between(first, k)
      const right = between(k, last)
      const area = left.area + right.area + Math.hypot(...normal)
      if (area > best.area) best = { area, normals: [normal, ...left.normals, ...right.normals] }
    }
    return best
  }
  return between(0, loop.length - 1)
}

/** Half the cross product of two sides, by absolute value. */
function normalOf(a: Point, b: Point, c: Point): Point {
  const [u, v] = [b, c].map((p) => [p[0] - a[0], p[1] - a[1], p[2] - a[2]]) as unknown as [Point, Point]
  return [
    Math.abs(u[1] * v[2] - u[2] * v[1]) / 2,
    Math.abs(u[2] * v[0] - u[0] * v[2]) / 2,
    Math.abs(u[0] * v[1] - u[1] * v[0]) / 2,
  ]
}
