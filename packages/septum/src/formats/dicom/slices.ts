import { dot, SeptumError, type Vector3 } from '@septum/core'

/** Whether a series whose slices are missing, doubled or uneven is refused or read as if it were regular. */
export type SliceRule = 'refuse' | 'accept'

/** Gaps that differ by less than this share of the usual one are rounding. */
const UNEVEN = 0.02
/** A slice may lie this share of a pixel beside the line through the others. */
const BESIDE = 0.1

/**
 * Holds sorted slice positions against a regular stack.
 * @param positions of the first sample of each slice. @param pixelMm the smaller pixel spacing.
 * @returns notes on what `accept` has let pass.
 * @throws SeptumError `dicom-slices-missing`, `dicom-slices-uneven` or `dicom-slices-shifted`.
 */
export function checkSlices(
  positions: readonly Vector3[],
  normal: Vector3,
  pixelMm: number,
  rule: SliceRule,
  file: string,
): string[] {
  const found: SeptumError[] = []
  const heights = positions.map((position) => dot(position, normal))
  const gaps = heights.slice(1).map((height, index) => height - heights[index]!)
  const usual = gaps.toSorted((a, b) => a - b)[(gaps.length - 1) >> 1]!
  const odd = gaps.findIndex((gap) => Math.abs(gap - usual) > UNEVEN * usual)
  if (odd >= 0) {
    const steps = gaps.map((gap) => gap / usual)
    const missing = steps.every((step) => Math.abs(step - Math.round(step)) < 2 * UNEVEN)
    const between = `between slices ${odd + 1} and ${odd + 2} of ${positions.length}`
    const distances = `${gaps[odd]!.toFixed(3)} mm instead of ${usual.toFixed(3)} mm`
    if (missing) {
      const count = steps.reduce((sum, step) => sum + Math.round(step) - 1, 0)
      found.push(
        new SeptumError(
          'dicom-slices-missing',
          `${count} slices are missing: there are ${distances} ${between}`,
          'Export the whole series again, or accept irregular slices.',
          { file },
        ),
      )
    } else {
      found.push(
        new SeptumError(
          'dicom-slices-uneven',
          `The distance of the slices varies: ${distances} ${between}`,
          'Resample the series to even slices, or accept irregular slices.',
          { file },
        ),
      )
    }
  }
  const first = positions[0]!
  const last = positions.at(-1)!
  const reach = heights.at(-1)! - heights[0]!
  const beside = positions.findIndex((position, index) => {
    const share = (heights[index]! - heights[0]!) / reach
    return position.some((mm, axis) => {
      const straight = first[axis]! + share * (last[axis]! - first[axis]!)
      return Math.abs(mm - straight) > BESIDE * pixelMm
    })
  })
  if (beside >= 0) {
    found.push(
      new SeptumError(
        'dicom-slices-shifted',
        `Slice ${beside + 1} of ${positions.length} lies beside the line through the others`,
        'Resample the series, or accept irregular slices.',
        { file },
      ),
    )
  }
  if (found[0] && rule === 'refuse') throw found[0]
  return found.map(({ message }) => `${message}.`)
}
