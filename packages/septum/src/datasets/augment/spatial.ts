import { Random } from '@septum/core'
import { cat, F, type Tensor, tensor } from '@septum/torch'
import { QUARTER_COSINE } from './geometry.js'
import type { CaseParameters } from './parameters.js'
import { centreOffset } from './place.js'
import { applyAlongAxes, controlPoints, splineMatrix } from './separable.js'

type Size = readonly number[]
type Rows = readonly (readonly number[])[]

/** Apart from all streams of the loader. */
const CONTROL_POINTS_STREAM = 0xe1

const multiply = (a: Rows, b: Rows): number[][] =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)))
const diagonal = (values: Size): number[][] =>
  values.map((value, i) => values.map((_, j) => (i === j ? value : 0)))

/** The identity with a rotation of axis `a` against the later axis `b`: where a point came from. */
function turn(rank: number, a: number, b: number, cos: number, sin: number): number[][] {
  const rows = diagonal(new Array<number>(rank).fill(1))
  rows[a]![a] = cos
  rows[a]![b] = sin
  rows[b]![a] = -sin
  rows[b]![b] = cos
  return rows
}

const degreesTurn = (rank: number, a: number, b: number, degrees: number): number[][] => {
  const radians = (degrees * Math.PI) / 180
  return turn(rank, a, b, degrees === 0 ? 1 : Math.cos(radians), degrees === 0 ? 0 : Math.sin(radians))
}

/**
 * The map from output to input samples, both counted from the centres of their windows, of: mirror images, tilt about
 * the horizontal axis, about the vertical axis, rotation in the plane (these three in millimetres), quarter turns in the
 * plane, scale, in this order.
 * @returns rows of the matrix and the shift, in array order ([z,] y, x).
 */
export function sampleMap(
  parameters: CaseParameters,
  from: Size,
  to: Size,
  spacingMm: Size = from.map(() => 1),
): { readonly matrix: number[][]; readonly shift: number[] } {
  const { flipHorizontal, flipVertical, degrees, quarterTurns, spatial } = parameters
  const rank = from.length
  const [y, x] = [rank - 2, rank - 1]
  const turns = quarterTurns % 4
  const flips = diagonal(
    from.map((_, axis) =>
      (axis === x && flipHorizontal) || (axis === y && flipVertical) || (axis === y - 1 && spatial?.flipDepth)
        ? -1
        : 1,
    ),
  )
  const inPlane = degreesTurn(rank, y, x, degrees)
  const [vertical, horizontal] = rank === 3 ? (spatial?.tilt ?? [0, 0]) : [0, 0]
  const tilts = multiply(
    horizontal ? degreesTurn(rank, 0, y, horizontal) : diagonal(from.map(() => 1)),
    vertical ? degreesTurn(rank, 0, x, vertical) : diagonal(from.map(() => 1)),
  )
  const rotation = multiply(tilts, inPlane)
  // Turned in millimetres, or else a sphere of a volume with thick slices would become an egg.
  const inSamples = rotation.map((row, i) => row.map((value, j) => (value * spacingMm[j]!) / spacingMm[i]!))
  const quarter = turn(rank, y, x, QUARTER_COSINE[turns]!, QUARTER_COSINE[(turns + 3) % 4]!)
  const shrink = diagonal(from.map((_, axis) => 1 / (spatial?.scale[axis] ?? 1)))
  const matrix = multiply(multiply(flips, inSamples), multiply(quarter, shrink))
  // Half a sample where crop and window differ by an odd number, as their centres then do not coincide.
  const turned = from.map((size, axis) => (turns % 2 === 0 || axis < y ? size : from[axis === y ? x : y]!))
  const offset = turned.map((size, axis) => centreOffset(size, to[axis]!) - (size - to[axis]!) / 2)
  return { matrix, shift: matrix.map((row) => row.reduce((sum, value, j) => sum + value * offset[j]!, 0)) }
}

/** Shifts [N, rank, ...to] in samples of the output, in array order; zero for cases without a deformation. */
export function displacements(
  parameters: readonly CaseParameters[],
  to: Size,
  spacingMm: Size,
  device: string,
): Tensor | null {
  const bends = parameters.map(({ spatial }) => spatial?.elastic ?? null)
  const first = bends.find((one) => one !== null)
  if (!first) return null
  const finest = Math.min(...spacingMm)
  const ratio = spacingMm.map((mm) => finest / mm)
  const points = to.map((size, axis) => controlPoints(size, first.spacing * ratio[axis]!))
  const count = points.reduce((a, b) => a * b, 1)
  const values = new Float32Array(parameters.length * to.length * count)
  for (const [n, bend] of bends.entries()) {
    if (!bend) continue
    const random = new Random(bend.seed, CONTROL_POINTS_STREAM)
    for (const [axis, share] of ratio.entries()) {
      const start = (n * to.length + axis) * count
      for (let i = 0; i < count; i++) {
        values[start + i] = (2 * random.uniform() - 1) * bend.magnitude * share
      }
    }
  }
  const matrices = to.map((size, axis) => splineMatrix(size, first.spacing * ratio[axis]!))
  const controls = tensor(values, { shape: [parameters.length, to.length, ...points], device })
  return applyAlongAxes(
    controls,
    parameters.map(() => matrices),
  )
}

/** Whether every output sample is a copy of an input sample. */
const copies = ({ degrees, spatial }: CaseParameters): boolean =>
  degrees === 0 &&
  (!spatial ||
    (!spatial.elastic && spatial.tilt.every((t) => t === 0) && spatial.scale.every((s) => s === 1)))

/** Mirror images, quarter turns and centre crop of [1, C, ...from] without reading between samples; null if it must be padded. */
function copied(x: Tensor, one: CaseParameters, to: Size): Tensor | null {
  const rank = to.length
  const [y, x_] = [rank, rank + 1]
  const { flipHorizontal, flipVertical, quarterTurns, spatial } = one
  const mirrored = [
    ...(spatial?.flipDepth ? [2] : []),
    ...(flipVertical ? [y] : []),
    ...(flipHorizontal ? [x_] : []),
  ]
  const flipped = mirrored.length > 0 ? x.flip(mirrored) : x
  const turned = quarterTurns % 4 === 0 ? flipped : flipped.rot90(quarterTurns % 4, [y, x_])
  if (to.some((side, axis) => turned.size(axis + 2) < side)) return null
  return to.reduce(
    (now, side, axis) => now.narrow(axis + 2, centreOffset(now.size(axis + 2), side), side),
    turned,
  )
}

/**
 * Moves images and masks of a batch together: mirror images, rotation, scale, deformation and centre crop as one map.
 * Outside the window is 0; masks are nearest, images linear except in cases whose every sample is a copy.
 * @param images [N, C, ...from] float32. @param masks [N, R, ...from] uint8, or null.
 * @returns [N, C, ...to] float32 and [N, R, ...to] uint8.
 */
export function transformSpatial<M extends Tensor | null>(
  images: Tensor,
  masks: M,
  parameters: readonly CaseParameters[],
  to: Size,
  interpolation: 'bilinear' | 'nearest',
  spacingMm: Size = to.map(() => 1),
): { images: Tensor; masks: M } {
  const parts = parameters.map((one, index) => {
    if (!copies(one)) return null
    const image = copied(images.narrow(0, index, 1), one, to)
    return image && { image, mask: masks && copied(masks.narrow(0, index, 1), one, to) }
  })
  const others = parts.flatMap((part, index) => (part ? [] : [index]))
  const pick = (x: Tensor) =>
    others.length === parts.length ? x : cat(others.map((index) => x.narrow(0, index, 1)))
  const sampled =
    others.length === 0
      ? null
      : sample(
          pick(images),
          masks && pick(masks),
          others.map((index) => parameters[index]!),
          to,
          interpolation,
          spacingMm,
        )
  if (sampled && others.length === parts.length) return sampled as { images: Tensor; masks: M }
  let next = 0
  const places = parts.map((part) => (part ? -1 : next++))
  const whole = (of: 'image' | 'mask', from: Tensor | null | undefined) =>
    cat(parts.map((part, index) => part?.[of] ?? from!.narrow(0, places[index]!, 1)))
  return {
    images: whole('image', sampled?.images),
    masks: (masks && whole('mask', sampled?.masks)) as M,
  }
}

/** Reads every case through its map. */
function sample(
  images: Tensor,
  masks: Tensor | null,
  parameters: readonly CaseParameters[],
  to: Size,
  interpolation: 'bilinear' | 'nearest',
  spacingMm: Size,
): { images: Tensor; masks: Tensor | null } {
  const from = images.shape.slice(2)
  const grid = sampleGrid(parameters, from, to, spacingMm, images.device)
  const mode = interpolation === 'nearest' || parameters.every(copies) ? 'nearest' : 'bilinear'
  const labels = masks && F.gridSample(masks.float(), grid, { mode: 'nearest' }).to({ dtype: 'uint8' })
  return { images: F.gridSample(images, grid, { mode }), masks: labels }
}

/** Where each output sample is read, [N, ...to, rank]: from -1 to 1 between the edges, last axis first. */
function sampleGrid(
  parameters: readonly CaseParameters[],
  from: Size,
  to: Size,
  spacingMm: Size,
  device: string,
): Tensor {
  const [batch, rank] = [parameters.length, from.length]
  const linear: number[] = []
  const theta = parameters.flatMap((one) => {
    const { matrix, shift } = sampleMap(one, from, to, spacingMm)
    return matrix.toReversed().flatMap((row, back) => {
      const size = from[rank - 1 - back]!
      const entries = row.map((value, j) => (value * to[j]!) / size).toReversed()
      linear.push(...entries)
      return [...entries, (2 * shift[rank - 1 - back]!) / size]
    })
  })
  const maps = tensor(Float32Array.from(theta), { shape: [batch, rank, rank + 1], device })
  const grid = F.affineGrid(maps, [batch, 1, ...to])
  const shifts = displacements(parameters, to, spacingMm, device)
  if (!shifts) return grid
  const unit = tensor(
    Float32Array.from(to, (side) => 2 / side),
    { shape: [1, rank, ...to.map(() => 1)], device },
  )
  const scaled = shifts.mul(unit).flip(1).flatten(2) // [N, rank, samples], last axis first
  const turned = tensor(Float32Array.from(linear), { shape: [batch, rank, rank], device }).matmul(scaled)
  return grid.add(turned.transpose(1, 2).reshape(grid.shape))
}
