import { SeptumError } from '../error.js'

/** Masses below this are rounding. */
const NOTHING = 1e-12

/**
 * Cheapest transport of masses from rows to columns (earth mover's distance): shortest augmenting paths,
 * found with Bellman and Ford's relaxation. Meant for sets of up to some hundred masks.
 * @param cost row-major [rows, columns], finite.
 * @param supply, demand positive or 0, of equal sum: scaled to sum 1.
 * @returns the cost of moving a mass of 1.
 * @throws SeptumError `transport-masses`, `assignment-shape`.
 */
export function transportCost(
  cost: ArrayLike<number>,
  supply: readonly number[],
  demand: readonly number[],
): number {
  const [rows, columns] = [supply.length, demand.length]
  if (cost.length !== rows * columns) {
    throw new SeptumError(
      'assignment-shape',
      `A cost table of ${rows} x ${columns} cannot hold ${cost.length} values`,
      'Give rows times columns costs, row by row.',
    )
  }
  const left = normalisedWeights(supply)
  const open = normalisedWeights(demand)
  const flow = new Float64Array(rows * columns)
  let total = 0
  for (;;) {
    const path = cheapestPath(cost, flow, left, open)
    if (!path) return total
    let amount = Math.min(left[path[0]!]!, open[path.at(-1)!]!)
    // Places 0, 2, ... are rows, 1, 3, ... columns; steps from a column to a row undo flow.
    for (let k = 1; k + 1 < path.length; k += 2)
      amount = Math.min(amount, flow[path[k + 1]! * columns + path[k]!]!)
    for (let k = 0; k + 1 < path.length; k++) {
      const forward = k % 2 === 0
      const edge = forward ? path[k]! * columns + path[k + 1]! : path[k + 1]! * columns + path[k]!
      flow[edge]! += forward ? amount : -amount
      total += (forward ? amount : -amount) * cost[edge]!
    }
    left[path[0]!]! -= amount
    open[path.at(-1)!]! -= amount
  }
}

/** @returns the weights with sum 1. @throws SeptumError `transport-masses`. */
export function normalisedWeights(weights: readonly number[]): Float64Array {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (!(sum > 0 && sum < Infinity) || !weights.every((weight) => weight >= 0)) {
    throw new SeptumError(
      'transport-masses',
      `Weights [${weights.join(', ')}] are no masses`,
      'Give finite weights that are not negative, at least one above 0.',
    )
  }
  return Float64Array.from(weights, (weight) => weight / sum)
}

/** Rows and columns in turn, from a row with mass left to a column with room; null when all is moved. */
function cheapestPath(
  cost: ArrayLike<number>,
  flow: Float64Array,
  left: Float64Array,
  open: Float64Array,
): number[] | null {
  const [rows, columns] = [left.length, open.length]
  const toRow = Float64Array.from(left, (mass) => (mass > NOTHING ? 0 : Infinity))
  const toColumn = new Float64Array(columns).fill(Infinity)
  const rowBefore = new Int32Array(columns).fill(-1)
  const columnBefore = new Int32Array(rows).fill(-1)
  for (let round = 0, changed = true; changed && round < rows + columns; round++) {
    changed = false
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const edge = i * columns + j
        // The margin keeps rounding from turning a cycle of cost 0 into an endless gain.
        if (toRow[i]! + cost[edge]! < toColumn[j]! - NOTHING) {
          toColumn[j] = toRow[i]! + cost[edge]!
          rowBefore[j] = i
          changed = true
        }
        if (flow[edge]! > NOTHING && toColumn[j]! - cost[edge]! < toRow[i]! - NOTHING) {
          toRow[i] = toColumn[j]! - cost[edge]!
          columnBefore[i] = j
          changed = true
        }
      }
    }
  }
  let end = -1
  for (let j = 0; j < columns; j++) {
    if (open[j]! > NOTHING && toColumn[j]! < Infinity && (end < 0 || toColumn[j]! < toColumn[end]!)) end = j
  }
  if (end < 0) return null
  const path: number[] = []
  for (let j = end; j >= 0; ) {
    const i = rowBefore[j]!
    path.unshift(i, j)
    j = columnBefore[i]!
  }
  return path
}
