import { SeptumError } from '../error.js'

export interface Assignment {
  /** Column given to each row, [rows]; -1 where there are fewer columns than rows. */
  readonly columns: Int32Array
  /** Sum of the costs of the chosen pairs. */
  readonly cost: number
}

/**
 * Cheapest one-to-one assignment of rows to columns; min(rows, columns) pairs are made. Shortest
 * augmenting paths with dual potentials (Jonker and Volgenant 1987), O(min^2 max) steps.
 * @param cost row-major [rows, columns], finite.
 * @throws SeptumError `assignment-shape` or `assignment-cost`.
 */
export function assign(cost: ArrayLike<number>, rows: number, columns: number): Assignment {
  if (cost.length !== rows * columns) {
    throw new SeptumError(
      'assignment-shape',
      `A cost table of ${rows} x ${columns} cannot hold ${cost.length} values`,
      'Give rows times columns costs, row by row.',
    )
  }
  for (let i = 0; i < cost.length; i++) {
    if (!Number.isFinite(cost[i])) {
      throw new SeptumError(
        'assignment-cost',
        `Cost ${i} is ${cost[i]}`,
        'Give finite costs; decide first what an undefined distance means.',
      )
    }
  }
  const wide = rows <= columns
  const table = wide ? cost : transposed(cost, rows, columns)
  const rowOf = wide ? augment(table, rows, columns) : augment(table, columns, rows)
  const result = new Int32Array(rows).fill(-1)
  let total = 0
  for (let j = 0; j < rowOf.length; j++) {
    const i = rowOf[j]!
    if (i < 0) continue
    const row = wide ? i : j
    const column = wide ? j : i
    result[row] = column
    total += cost[row * columns + column]!
  }
  return { columns: result, cost: total }
}

/** @returns the row of each column, -1 for free columns; needs rows <= columns. */
function augment(cost: ArrayLike<number>, rows: number, columns: number): Int32Array {
  const rowPotential = new Float64Array(rows)
  const columnPotential = new Float64Array(columns)
  const rowOf = new Int32Array(columns).fill(-1)
  const previous = new Int32Array(columns)
  const distance = new Float64Array(columns)
  const scanned = new Uint8Array(columns)
  for (let start = 0; start < rows; start++) {
    distance.fill(Infinity)
    scanned.fill(0)
    let row = start
    let column = -1
    let reached = 0
    while (row >= 0) {
      let best = Infinity
      let next = -1
      for (let j = 0; j < columns; j++) {
        if (scanned[j]) continue
        const through = reached + cost[row * columns + j]! - rowPotential[row]! - columnPotential[j]!
        if (through < distance[j]!) {
          distance[j] = through
          previous[j] = column
        }
        if (distance[j]! < best) {
          best = distance[j]!
          next = j
        }
      }
      reached = best
      column = next
      scanned[column] = 1
      row = rowOf[column]!
    }
    // Potentials keep every reduced cost non-negative and 0 on the chosen pairs.
    rowPotential[start]! += reached
    for (let j = 0; j < columns; j++) {
      if (!scanned[j] || j === column) continue
      rowPotential[rowOf[j]!]! += reached - distance[j]!
      columnPotential[j]! -= reached - distance[j]!
    }
    while (column >= 0) {
      const before = previous[column]!
      rowOf[column] = before < 0 ? start : rowOf[before]!
      column = before
    }
  }
  return rowOf
}

function transposed(cost: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const table = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) table[j * rows + i] = cost[i * columns + j]!
  return table
}
