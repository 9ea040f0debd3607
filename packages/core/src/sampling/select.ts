// Comparisons are added as numbers here: a mispredicted branch costs more than the whole rest of a step,
// and random data mispredict every other one.

/**
 * The k-th largest of the first `length` values (k = 1 is the largest), by quickselect with a
 * median-of-three pivot. Reorders `values` so that the k largest come first.
 */
export function kthLargest(values: Float32Array, length: number, k: number): number {
  const target = k - 1
  let low = 0
  let high = length
  for (;;) {
    const pivot = median(values[low]!, values[(low + high) >>> 1]!, values[high - 1]!)
    // Three parts: [low, larger) > pivot, [larger, equal) = pivot, [equal, high) < pivot.
    let larger = low
    for (let i = low; i < high; i++) {
      const value = values[i]!
      values[i] = values[larger]!
      values[larger] = value
      larger += Number(value > pivot)
    }
    if (target < larger) {
      high = larger
      continue
    }
    let equal = larger
    for (let i = larger; i < high; i++) {
      const value = values[i]!
      values[i] = values[equal]!
      values[equal] = value
      equal += Number(value === pivot)
    }
    if (target < equal) return pivot
    low = equal
  }
}

/** Where a tail of small weights ends. */
export interface TailCut {
  /** Weights below this are dropped. */
  threshold: number
  /** So many of the weights equal to it are dropped too. */
  ties: number
}

/**
 * Finds the longest tail of smallest weights whose sum does not exceed `mass`, without sorting: quickselect
 * that carries the sum of what lies below. At least the largest weight is always left. Reorders `weights`.
 * @param weights non-negative; the first `length` >= 1 count. @param mass 0 or more.
 * @param cut receives the answer.
 */
export function cutTail(weights: Float64Array, length: number, mass: number, cut: TailCut): void {
  let low = 0
  let high = length
  let below = 0
  for (;;) {
    const pivot = median(weights[low]!, weights[(low + high) >>> 1]!, weights[high - 1]!)
    // Three parts: [low, smaller) < pivot, [smaller, equal) = pivot, [equal, high) > pivot.
    let smaller = low
    let sum = 0
    for (let i = low; i < high; i++) {
      const weight = weights[i]!
      const less = Number(weight < pivot)
      weights[i] = weights[smaller]!
      weights[smaller] = weight
      smaller += less
      sum += less * weight
    }
    if (below + sum > mass) {
      high = smaller
      continue
    }
    let equal = smaller
    for (let i = smaller; i < high; i++) {
      const weight = weights[i]!
      weights[i] = weights[equal]!
      weights[equal] = weight
      equal += Number(weight === pivot)
    }
    const ties = equal - smaller
    if (equal === high || below + sum + ties * pivot > mass) {
      const dropped = pivot > 0 ? Math.floor((mass - below - sum) / pivot) : ties
      cut.threshold = pivot
      // The largest weight is never dropped, whatever the mass and its rounding.
      cut.ties = Math.min(dropped, equal === high ? ties - 1 : ties)
      return
    }
    below += sum + ties * pivot
    low = equal
  }
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
