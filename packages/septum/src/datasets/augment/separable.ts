import { F, type Tensor, tensor } from '@septum/torch'
import { column } from './column.js'

/** A dense matrix, row by row. */
export interface Matrix {
  readonly data: Float32Array
  readonly rows: number
  readonly columns: number
}

/**
 * Applies linear maps along the spatial axes, one matrix for each case and axis: splines are of this form,
 * and matrix products run at full speed on every device.
 * @param x [N, C, ...size] float32.
 * @param matrices for each case a list with one matrix for each spatial axis, [out, size]; all cases agree in `out`.
 * @returns [N, C, ...out].
 */
export function applyAlongAxes(x: Tensor, matrices: readonly (readonly Matrix[])[]): Tensor {
  const rank = x.ndim - 2
  let now = x
  for (let axis = 0; axis < rank; axis++) {
    const { rows, columns } = matrices[0]![axis]!
    const all = new Float32Array(matrices.length * rows * columns)
    for (const [n, one] of matrices.entries()) all.set(one[axis]!.data, n * rows * columns)
    const map = tensor(all, { shape: [matrices.length, rows, columns], device: x.device })
    const before = now.shape
    const [batch, planes] = [before[0]!, before.slice(1, axis + 2).reduce((a, b) => a * b, 1)]
    const after = before.slice(axis + 3).reduce((a, b) => a * b, 1)
    const shape = [...before.slice(0, axis + 2), rows, ...before.slice(axis + 3)]
    now =
      after === 1
        ? now.reshape([batch, planes, columns]).matmul(map.transpose(1, 2)).reshape(shape)
        : map
            .unsqueeze(1)
            .matmul(now.reshape([batch, planes, columns, after]))
            .reshape(shape)
  }
  return now
}

/** Index of a sample beyond the edge, mirrored about the edge sample: d c b | a b c d | c b a. */
function mirrored(index: number, size: number): number {
  if (size === 1) return 0
  const period = 2 * (size - 1)
  const inside = ((index % period) + period) % period
  return inside < size ? inside : period - inside
}

/** Weights of a Gaussian from -radius to radius, cut at four sigmas: `gaussian_filter1d` of SciPy. */
function gaussian(sigma: number): number[] {
  const radius = Math.floor(4 * sigma + 0.5)
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    radius === 0 ? 1 : Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  )
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}

/** Gaussian blur along an axis as a matrix, mirrored at the edge samples. @param sigma in samples; 0: the identity. */
export function blurMatrix(size: number, sigma: number): Matrix {
  const weights = gaussian(sigma)
  const radius = (weights.length - 1) / 2
  const data = new Float32Array(size * size)
  for (let row = 0; row < size; row++) {
    for (const [i, weight] of weights.entries()) {
      const at = row * size + mirrored(row + i - radius, size)
      data[at] = data[at]! + weight
    }
  }
  return { data, rows: size, columns: size }
}

/**
 * Gaussian blur of each case by its own sigma, cut at four sigmas, mirrored at the edge samples (`gaussian_filter` of
 * SciPy with mode 'mirror').
 * @param x [N, C, ...size] float32. @param sigmas in samples, one a case.
 */
export function blur(x: Tensor, sigmas: readonly number[]): Tensor {
  const size = x.shape.slice(2)
  const kernels = sigmas.map(gaussian)
  const radius = (Math.max(...kernels.map((one) => one.length)) - 1) / 2
  if (size.some((side) => side <= radius)) {
    return applyAlongAxes(
      x,
      sigmas.map((sigma) => size.map((side) => blurMatrix(side, sigma))),
    )
  }
  const weights = Array.from({ length: 2 * radius + 1 }, (_, tap) =>
    column(
      kernels.map((one) => one[tap - radius + (one.length - 1) / 2] ?? 0),
      x,
    ),
  )
  // Few taps: adding shifted copies is several times as fast as a convolution with one kernel a channel.
  return size.reduce((now, side, axis) => {
    // Padding is told from the last axis backwards.
    const margins = size.flatMap((_, back) => (back === size.length - 1 - axis ? [radius, radius] : [0, 0]))
    const padded = F.pad(now, margins, 'reflect')
    const shifted = (tap: number) => padded.narrow(axis + 2, tap, side)
    const first = shifted(0).mul(weights[0]!)
    return weights.slice(1).reduce((sum, weight, tap) => sum.addcmul_(shifted(tap + 1), weight), first)
  }, x)
}

/** Control points that a uniform cubic B-spline over `size` samples needs. */
export const controlPoints = (size: number, spacing: number): number => Math.floor((size - 1) / spacing) + 4

/**
 * Values of a uniform cubic B-spline at the samples 0 … size - 1. Sample x lies in span floor(x / spacing), between
 * the second and third of the four control points that weigh in.
 */
export function splineMatrix(size: number, spacing: number): Matrix {
  const columns = controlPoints(size, spacing)
  const data = new Float32Array(size * columns)
  for (let row = 0; row < size; row++) {
    const span = Math.floor(row / spacing)
    const t = row / spacing - span
    const weights = [
      (1 - t) ** 3 / 6,
      (3 * t ** 3 - 6 * t ** 2 + 4) / 6,
      (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6,
      t ** 3 / 6,
    ]
    for (const [i, weight] of weights.entries()) data[row * columns + span + i] = weight
  }
  return { data, rows: size, columns }
}
