import { SeptumError } from '../error.js'
import { normalTail } from '../metrics/statistics/normal.js'
import type { Bar } from './diagram.js'

export interface PersistenceImageOptions {
  /** Pixels along persistence. */
  readonly rows: number
  /** Pixels along birth. */
  readonly columns: number
  /** Range of births that the columns cover. */
  readonly births: readonly [number, number]
  /** Range of persistences that the rows cover; the second is where the weight is 1. */
  readonly lengths: readonly [number, number]
  /** Standard deviation of the Gaussian of each bar, in units of the values. */
  readonly sigma: number
  /** `linear`: persistence / largest persistence of the range, so that noise fades; `constant`: 1. */
  readonly weight?: 'linear' | 'constant'
}

/**
 * Persistence image of a barcode (Adams et al. 2017): each bar is a Gaussian at (birth, persistence), weighted,
 * and a pixel is the integral of their sum over its cell. Infinite bars have no place and are left out.
 * @param bars of one dimension, usually. Of each `birth` and `persistence` are used.
 * @returns [rows, columns], row 0 with the smallest persistence.
 * @throws SeptumError `topology-range` for an empty range, no pixels or a sigma that is not above 0.
 */
export function persistenceImage(
  bars: readonly Pick<Bar, 'birth' | 'persistence'>[],
  { rows, columns, births, lengths, sigma, weight = 'linear' }: PersistenceImageOptions,
): Float64Array {
  const whole = [rows, columns].every((size) => Number.isInteger(size) && size > 0)
  if (!whole || !(births[1] > births[0]) || !(lengths[1] > lengths[0]) || !(sigma > 0)) {
    throw new SeptumError(
      'topology-range',
      `A persistence image of ${rows} x ${columns} pixels over births [${births}] and persistences [${lengths}] with sigma ${sigma} is empty`,
      'Give at least one pixel, ranges from small to large and a sigma above 0.',
    )
  }
  const image = new Float64Array(rows * columns)
  for (const { birth, persistence } of bars) {
    if (!Number.isFinite(persistence)) continue
    const scale = weight === 'constant' ? 1 : persistence / lengths[1]
    const across = cellMasses(birth, births, columns, sigma)
    const up = cellMasses(persistence, lengths, rows, sigma)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        image[row * columns + column]! += scale * up[row]! * across[column]!
  }
  return image
}

/** The share of a Gaussian around `centre` that falls into each of `count` equal cells of a range. */
function cellMasses(centre: number, [from, to]: readonly [number, number], count: number, sigma: number) {
  const tail = Float64Array.from({ length: count + 1 }, (_, i) =>
    normalTail((from + ((to - from) * i) / count - centre) / sigma),
  )
  return Float64Array.from({ length: count }, (_, i) => tail[i]! - tail[i + 1]!)
}
