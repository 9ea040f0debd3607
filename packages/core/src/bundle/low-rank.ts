/** Sweeps after which Jacobi's method has converged for any matrix of these sizes; it takes 6 to 10. */
const SWEEPS = 60

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix
 * Computations, 8.5), in double precision.
 * @param matrix [n, n], destroyed @returns values [n] and, in columns, vectors [n, n]
 */
function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const vectors = new Float64Array(n * n)
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1
  const scale = Math.sqrt(matrix.reduce((sum, x) => sum + x * x, 0))
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += matrix[p * n + q]! ** 2
    if (Math.sqrt(off) <= 1e-15 * scale) break
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(matrix, vectors, n, p, q)
  }
  return { values: Float64Array.from({ length: n }, (_, i) => matrix[i * n + i]!), vectors }
}

/** Makes the element p, q zero. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!
  if (apq === 0) return
  const tau = (a[q * n + q]! - a[p * n + p]!) / (2 * apq)
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau))
  const c = 1 / Math.sqrt(1 + t * t)
  const s = t * c
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[k * n + p]!, a[k * n + q]!]
    a[k * n + p] = c * x - s * y
    a[k * n + q] = s * x + c * y
  }
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k]!, a[q * n + k]!]
    a[p * n + k] = c * x - s * y
    a[q * n + k] = s * x + c * y
    const [v, w] = [vectors[k * n + p]!, vectors[k * n + q]!]
    vectors[k * n + p] = c * v - s * w
    vectors[k * n + q] = s * v + c * w
  }
}

/**
 * The reconstruction of X from its largest singular values: a component stays while those before it have not reached
 * `share` of the sum of all. With X Xᵀ = U S² Uᵀ it is U_r U_rᵀ X, which needs no right singular vectors.
 * @param x [rows, columns], few rows @returns [rows, columns]
 */
export function lowRankPart(x: Float32Array, rows: number, columns: number, share: number): Float32Array {
  const gram = new Float64Array(rows * rows)
  for (let i = 0; i < rows; i++) {
    for (let j = i; j < rows; j++) {
      let sum = 0
      for (let c = 0; c < columns; c++) sum += x[i * columns + c]! * x[j * columns + c]!
      gram[i * rows + j] = sum
      gram[j * rows + i] = sum
    }
  }
  const { values, vectors } = symmetricEigen(gram, rows)
  const singular = values.map((value) => Math.sqrt(Math.max(0, value)))
  const order = Array.from(singular.keys()).sort((a, b) => singular[b]! - singular[a]!)
  const total = singular.reduce((sum, value) => sum + value, 0)
  const out = new Float64Array(rows * columns)
  let before = 0
  for (const index of order) {
    if (total === 0 || before / total >= share) break
    before += singular[index]!
    // u uᵀ X of this component.
    for (let c = 0; c < columns; c++) {
      let dot = 0
      for (let i = 0; i < rows; i++) dot += vectors[i * rows + index]! * x[i * columns + c]!
      for (let i = 0; i < rows; i++) out[i * columns + c]! += vectors[i * rows + index]! * dot
    }
  }
  return Float32Array.from(out)
}
