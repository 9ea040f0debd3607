import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '@septum/core'

/** Signed distance-like value of a wavy ellipse: below 0 inside. */
const blob = (random, side) => {
  const [y, x] = [side * (0.3 + 0.4 * random.uniform()), side * (0.3 + 0.4 * random.uniform())]
  const [a, b] = [side * (0.06 + 0.2 * random.uniform()), side * (0.06 + 0.2 * random.uniform())]
  const [turn, waves, depth] = [random.uniform() * 3.14, 2 + random.int(5), 0.15 * random.uniform()]
  return (row, column) => {
    const [u, v] = [row - y, column - x]
    const along = (u * Math.cos(turn) + v * Math.sin(turn)) / a
    const across = (v * Math.cos(turn) - u * Math.sin(turn)) / b
    const radius = Math.hypot(along, across)
    return (radius - 1 - depth * Math.sin(waves * Math.atan2(across, along))) * Math.min(a, b)
  }
}

/**
 * Pairs as a polyp network leaves them: a reference of one to three wavy ellipses and a sigmoid map in 8 bits that
 * follows them with an offset, a soft edge, and faint noise over part of the background.
 */
export function polypPairs(count, side) {
  return Array.from({ length: count }, (_, index) => {
    const random = new Random(3, index)
    const blobs = Array.from({ length: 1 + random.int(3) }, () => blob(random, side))
    const [down, right, soft] = [6 * random.normal(), 6 * random.normal(), 1 + 4 * random.uniform()]
    const haze = random.uniform() < 0.5 ? 0 : 0.05 * random.uniform()
    const reference = new Uint8Array(side * side)
    const prediction = new Uint8Array(side * side)
    for (let i = 0; i < reference.length; i++) {
      const [row, column] = [Math.floor(i / side), i % side]
      reference[i] = blobs.some((shape) => shape(row, column) < 0) ? 1 : 0
      const near = Math.min(...blobs.map((shape) => shape(row + down, column + right)))
      const value =
        1 / (1 + Math.exp(near / soft)) + (haze > 0 && column > side / 2 ? haze * random.uniform() : 0)
      prediction[i] = Math.min(255, Math.round(255 * value))
    }
    return { prediction, reference }
  })
}

/** Two overlapping organs with rough surfaces, [side, side, side]. */
export function volumePair(side) {
  const organ = (z, y, x, radius, phase) =>
    Uint8Array.from({ length: side ** 3 }, (_, i) => {
      const [dx, dy, dz] = [
        (i % side) - x,
        (Math.floor(i / side) % side) - y,
        Math.floor(i / side / side) - z,
      ]
      const rough = 3 * Math.sin((dx + phase) / 5) * Math.sin(dy / 7) + 2 * Math.sin((dz + phase) / 4)
      return Math.hypot(dx, 1.2 * dy, 0.9 * dz) + rough < radius ? 1 : 0
    })
  const middle = side / 2
  return {
    prediction: organ(middle - 2, middle + 1, middle, 0.38 * side, 0),
    reference: organ(middle, middle, middle + 2, 0.38 * side, 2),
  }
}

/** Writes arrays into a new temporary folder, one file each; @returns the folder and a function that removes it. */
export function sharedFiles(arrays) {
  const folder = mkdtempSync(join(tmpdir(), 'septum-bench-'))
  for (const [name, array] of Object.entries(arrays)) writeFileSync(join(folder, name), array)
  return { folder, remove: () => rmSync(folder, { recursive: true }) }
}
