import { cross, dot, type ImageGeometry, type Vector3 } from '@septum/core'
import type { FramePlace } from './frame-place.js'
import { fail } from './problem.js'
import { checkSlices, type SliceRule } from './slices.js'

/** Frames in the order of a volume. */
export interface Stack {
  /** Number of the frame for each channel and, in it, each slice. */
  readonly order: readonly (readonly number[])[]
  /** Absent when the frames have no place in the patient. */
  readonly geometry?: ImageGeometry
  readonly notes: readonly string[]
}

type Placed = FramePlace & Required<Pick<FramePlace, 'position' | 'along' | 'spacingMm'>>

/** Slices closer than this are at one position. */
const SAME_MM = 1e-3
const degrees = (radians: number) => (radians * 180) / Math.PI

/**
 * Puts frames into the order of their positions along the normal of the slices, x cross y: names and instance
 * numbers are not asked. Slice directions that are not the normal (gantry tilt) are kept in the geometry.
 *
 * @param oneFile frames without positions may follow one another as in their file.
 * @throws SeptumError `dicom-position`, `dicom-orientation`, `dicom-spacing`, and as `checkSlices`.
 */
export function stackFrames(
  places: readonly FramePlace[],
  rule: SliceRule,
  oneFile: boolean,
  file: string,
): Stack {
  const all = places.map((_, index) => index)
  const placed = places.filter(isPlaced)
  if (placed.length < places.length) {
    if (places.length === 1 || (oneFile && placed.length === 0)) return unplaced(all)
    fail(
      'dicom-position',
      `${places.length - placed.length} of ${places.length} images of the series have no position, orientation or spacing`,
      'Read the files one by one, or remove those without a position.',
      file,
    )
  }
  const { along, spacingMm, position } = placed[0]!
  checkAlike(placed, file)
  if (placed.length === 1) {
    const geometry = { spacingMm, originMm: position, directions: [along.y, along.x] }
    return { order: [[0]], geometry, notes: [] }
  }
  const normal = cross(along.x, along.y)
  const heights = placed.map((one) => dot(one.position, normal))
  const sorted = all.toSorted((a, b) => heights[a]! - heights[b]!)
  const { order, notes } = separatePhases(groupByHeight(sorted, heights), placed, rule, file)
  const slices = order[0]!
  const positions = slices.map((index) => placed[index]!.position)
  if (slices.length === 1) {
    const geometry = { spacingMm, originMm: position, directions: [along.y, along.x] }
    return { order, geometry, notes }
  }
  const found = checkSlices(positions, normal, Math.min(...spacingMm), rule, file)
  const first = positions[0]!
  const span = subtract(positions.at(-1)!, first)
  const length = Math.hypot(...span)
  const direction: Vector3 = [span[0] / length, span[1] / length, span[2] / length]
  const tilt = degrees(Math.acos(Math.min(1, Math.abs(dot(direction, normal)))))
  return {
    order,
    geometry: {
      spacingMm: [length / (slices.length - 1), ...spacingMm],
      originMm: first,
      directions: [direction, along.y, along.x],
    },
    notes: [
      ...notes,
      ...found,
      ...(tilt > 0.1
        ? [`The slices are sheared by ${tilt.toFixed(1)} degrees (gantry tilt); the geometry keeps it.`]
        : []),
    ],
  }
}

function isPlaced(place: FramePlace): place is Placed {
  return Boolean(place.position && place.along && place.spacingMm)
}

function unplaced(all: readonly number[]): Stack {
  const many = all.length > 1
  return {
    order: [all],
    notes: [
      `The file has no position in the patient${many ? '; its frames follow one another as stored' : ''}.`,
    ],
  }
}

function checkAlike(places: readonly Placed[], file: string): void {
  const { along, spacingMm } = places[0]!
  if (places.some((one) => dot(one.along.x, along.x) < 0.9999 || dot(one.along.y, along.y) < 0.9999)) {
    fail(
      'dicom-orientation',
      'The images of the series lie in different directions',
      'Separate scouts and reformatted images from the series.',
      file,
    )
  }
  const differs = (one: Placed) =>
    one.spacingMm.some((mm, axis) => Math.abs(mm / spacingMm[axis]! - 1) > 1e-3)
  if (places.some(differs)) {
    fail(
      'dicom-spacing',
      'The images of the series have different pixel spacings',
      'Separate them into one folder for each spacing.',
      file,
    )
  }
}

function groupByHeight(sorted: readonly number[], heights: readonly number[]): number[][] {
  const groups: number[][] = []
  for (const index of sorted) {
    const last = groups.at(-1)
    if (last && heights[index]! - heights[last[0]!]! < SAME_MM) last.push(index)
    else groups.push([index])
  }
  return groups
}

/**
 * Several images at every position are the phases of a time series or such: channels, when some element tells them
 * apart. @throws SeptumError `dicom-slices-doubled`
 */
function separatePhases(
  groups: readonly (readonly number[])[],
  places: readonly Placed[],
  rule: SliceRule,
  file: string,
): { order: number[][]; notes: string[] } {
  const count = groups[0]!.length
  if (groups.every((group) => group.length === 1))
    return { order: [groups.map(([index]) => index!)], notes: [] }
  if (groups.every((group) => group.length === count)) {
    for (const name of Object.keys(places[0]!.phases)) {
      const values = new Set(places.map((place) => place.phases[name] ?? ''))
      const complete = groups.every(
        (group) => new Set(group.map((i) => places[i]!.phases[name])).size === count,
      )
      if (values.size !== count || !complete) continue
      const ordered = [...values].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
      return {
        order: ordered.map((value) =>
          groups.map((group) => group.find((i) => places[i]!.phases[name] === value)!),
        ),
        notes: [
          `There are ${count} images at each position, told apart by their ${name}: they are the channels.`,
        ],
      }
    }
  }
  const doubled = groups.filter((group) => group.length > 1).length
  if (rule === 'accept') {
    return {
      order: [groups.map(([index]) => index!)],
      notes: [`${doubled} of ${groups.length} positions have several images; the first of each is taken.`],
    }
  }
  return fail(
    'dicom-slices-doubled',
    `${doubled} of ${groups.length} slice positions have more than one image`,
    'Remove the doubled images, or accept irregular slices to take the first of each.',
    file,
  )
}

function subtract(a: Vector3, b: Vector3): Vector3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}
