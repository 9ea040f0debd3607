import { SeptumError } from '../error.js'
import type { ImageSamples, MedicalImage } from '../image.js'
import { invertAffine, toAffineRas } from './affine.js'
import { axesXyz, type ImageGeometry, type Vector3 } from './geometry.js'

/** How array axes are exchanged and turned round; every value moves, none changes. */
export interface AxisTransform {
  /** Output spatial axis i is input axis `order[i]`, both in array order. */
  readonly order: readonly number[]
  /** Whether output axis i runs against its input axis. */
  readonly flips: readonly boolean[]
}

/** Letters of the positive and negative ends of the world axes x, y, z in RAS coordinates. */
const ENDS = ['RL', 'AP', 'SI'] as const

/**
 * Orientation code of an image: for each axis, x first, the letter of the body's side to which its index grows:
 * `RAS`, `LPS`, `LP` of a plane. Oblique axes get the nearest letters by the rule of nibabel's `aff2axcodes`.
 */
export function orientationCode(geometry: ImageGeometry): string {
  return nearestAxes(geometry)
    .map(({ world, sign }) => ENDS[world]![sign > 0 ? 0 : 1])
    .join('')
}

/**
 * The exchange of axes that brings an image to an orientation.
 * @param code a letter of R L, A P, S I for each axis, x first, in any order.
 * @throws SeptumError `orientation-code` for a code that names no such orientation.
 */
export function axesToward(geometry: ImageGeometry, code: string): AxisTransform {
  const own = nearestAxes(geometry)
  const wanted = [...code.toUpperCase()].map((letter) => {
    const world = ENDS.findIndex((ends) => ends.includes(letter))
    return { world, sign: ENDS[world]?.[0] === letter ? 1 : -1 }
  })
  const fits =
    wanted.length === own.length && own.every((axis) => wanted.some(({ world }) => world === axis.world))
  if (!fits) {
    throw new SeptumError(
      'orientation-code',
      `An image of orientation ${orientationCode(geometry)} cannot be turned to "${code}"`,
      own.length === 3
        ? 'Give one of R L, one of A P and one of S I.'
        : 'A plane can only be turned in itself.',
    )
  }
  const last = own.length - 1
  const sources = wanted.map(({ world, sign }) => {
    const x = own.findIndex((axis) => axis.world === world)
    return { order: last - x, flip: own[x]!.sign !== sign }
  })
  sources.reverse()
  return { order: sources.map(({ order }) => order), flips: sources.map(({ flip }) => flip) }
}

/** The transform that undoes another. */
export function invertAxes({ order, flips }: AxisTransform): AxisTransform {
  const inverse = order.map((_, axis) => order.indexOf(axis))
  return { order: inverse, flips: inverse.map((at) => flips[at]!) }
}

/**
 * Turns an image to an orientation by exchanging and reversing axes: `reorient(image, 'RAS')`. Values are moved, never
 * interpolated. `moveAxes(result, invertAxes(axesToward(image.geometry, code)))` gives the image back.
 * @throws SeptumError `orientation-code`; `image-geometry` for an image without geometry.
 */
export function reorient(image: MedicalImage, code: string): MedicalImage {
  if (!image.geometry) {
    throw new SeptumError(
      'image-geometry',
      'The image has no geometry, so that its orientation is unknown',
      'Use a format that keeps the orientation, such as NIfTI or DICOM.',
    )
  }
  return moveAxes(image, axesToward(image.geometry, code))
}

/** Exchanges and reverses the spatial axes of samples and geometry; channels stay. */
export function moveAxes(image: MedicalImage, transform: AxisTransform): MedicalImage {
  const { data, shape, geometry } = image
  const size = shape.slice(1)
  const outSize = transform.order.map((axis) => size[axis]!)
  return {
    ...image,
    data: moveSamples(data, shape[0]!, size, transform),
    shape: [shape[0]!, ...outSize],
    ...(geometry && { geometry: moveGeometry(geometry, size, transform) }),
  }
}

/** Geometry after `moveAxes`. @param size spatial sizes before it. */
export function moveGeometry(
  geometry: ImageGeometry,
  size: readonly number[],
  { order, flips }: AxisTransform,
): ImageGeometry {
  const { spacingMm, directions } = geometry
  const originMm = [...geometry.originMm] as [number, number, number]
  order.forEach((axis, i) => {
    if (!flips[i]) return
    const length = (size[axis]! - 1) * spacingMm[axis]!
    for (let world = 0; world < 3; world++) originMm[world]! += length * directions[axis]![world]!
  })
  return {
    spacingMm: order.map((axis) => spacingMm[axis]!),
    originMm,
    directions: order.map((axis, i): Vector3 => {
      const [x, y, z] = directions[axis]!
      // 0 - x keeps zeros positive.
      return flips[i] ? [0 - x, 0 - y, 0 - z] : [x, y, z]
    }),
  }
}

function moveSamples(
  data: ImageSamples,
  channels: number,
  size: readonly number[],
  { order, flips }: AxisTransform,
): ImageSamples {
  const [d, h, w] = size.length === 3 ? (size as [number, number, number]) : [1, size[0]!, size[1]!]
  const inner = [h * w, w, 1]
  const padded =
    size.length === 3
      ? { order, flips }
      : { order: [0, ...order.map((axis) => axis + 1)], flips: [false, ...flips] }
  const whole = [d, h, w]
  const [depth, height, width] = padded.order.map((axis) => whole[axis]!) as [number, number, number]
  const steps = padded.order.map((axis, i) => inner[axis]! * (padded.flips[i] ? -1 : 1)) as [
    number,
    number,
    number,
  ]
  const out = data.slice()
  const first = padded.order.reduce(
    (at, axis, i) => at + (padded.flips[i] ? (whole[axis]! - 1) * inner[axis]! : 0),
    0,
  )
  let to = 0
  for (let channel = 0; channel < channels; channel++) {
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < height; y++) {
        let from = channel * d * h * w + first + z * steps[0] + y * steps[1]
        for (let x = 0; x < width; x++, from += steps[2]) out[to++] = data[from]!
      }
    }
  }
  return out
}

/** For each axis, x first, the nearest world axis of RAS and the sense along it. */
function nearestAxes(geometry: ImageGeometry): { world: number; sign: number }[] {
  const rotation = nearestRotation(geometry)
  const taken = [false, false, false]
  return geometry.directions.map((_, axis) => {
    const along = (world: number) => (taken[world] ? 0 : rotation[world * 4 + axis]!)
    const world = [0, 1, 2].reduce((best, other) =>
      Math.abs(along(other)) > Math.abs(along(best)) ? other : best,
    )
    const sign = Math.sign(along(world))
    taken[world] = true
    return { world, sign }
  })
}

/** The orthogonal factor of the axes' directions (polar decomposition by Newton's iteration; Higham 1986). */
function nearestRotation({ directions }: ImageGeometry): readonly number[] {
  const axes = [...axesXyz(directions)].reverse()
  let m = toAffineRas({ spacingMm: [1, 1, 1], originMm: [0, 0, 0], directions: axes })
  for (let round = 0; round < 60; round++) {
    const inverse = invertAffine(m)
    const next = m.map((value, at) => {
      const [row, column] = [at >> 2, at & 3]
      return row < 3 && column < 3 ? (value + inverse[column * 4 + row]!) / 2 : value
    })
    const change = Math.max(...next.map((value, at) => Math.abs(value - m[at]!)))
    m = next
    if (change < 1e-14) break
  }
  return m
}
