import { keep, type Tensor, tensor } from '@septum/torch'
import { areaRows } from './scale-maps.js'

/** Longest and shortest wave of the positions, in units of the image's side. */
const LONGEST = 2
const SHORTEST = 1 / 4
/** Larger ones would drown what the tokens say: weights start at N(0, 0.02²). */
const AMPLITUDE = 0.1

/**
 * Sines and cosines of where the cells of square grids lie in the image, so that tokens of all scales and of
 * the prefix that cover the same place start with like positions.
 * @param sides of the grids, in order of the sequence. @returns [sum of side², width], values in [-0.1, 0.1]
 */
export function sinePositions(sides: readonly number[], width: number): Tensor {
  const waves = Math.max(1, Math.floor(width / 4))
  const frequencies = Array.from({ length: waves }, (_, i) => {
    const wave = LONGEST * (SHORTEST / LONGEST) ** (waves > 1 ? i / (waves - 1) : 0)
    return (2 * Math.PI) / wave
  })
  const rows: number[] = []
  for (const side of sides) {
    for (let cell = 0; cell < side * side; cell++) {
      const y = (Math.floor(cell / side) + 0.5) / side
      const x = ((cell % side) + 0.5) / side
      const row = frequencies.flatMap((f) => [
        Math.sin(f * y),
        Math.cos(f * y),
        Math.sin(f * x),
        Math.cos(f * x),
      ])
      for (let i = 0; i < width; i++) rows.push(AMPLITUDE * (row[i] ?? 0))
    }
  }
  return tensor(Float32Array.from(rows), { shape: [rows.length / width, width] })
}

/**
 * For every token of every scale the average over the prefix cells that it covers, as one matrix.
 * @param side of the prefix grid. @returns [tokens, side²]
 */
export function alignedAverages(scales: readonly number[], side: number, device: string): Tensor {
  const rows = scales.flatMap((p) => {
    const along = areaRows(side, p)
    return along.flatMap((y) => along.map((x) => y.flatMap((wy) => x.map((wx) => wy * wx))))
  })
  return keep(tensor(Float32Array.from(rows.flat()), { shape: [rows.length, side * side], device }))
}
