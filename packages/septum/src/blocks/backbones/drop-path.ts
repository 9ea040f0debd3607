import { empty, type Tensor } from '@septum/torch'

/**
 * Rates of stochastic depth (Huang et al. 2016) by block: from 0 in the first to `rate` in the last in equal steps, as
 * timm, torchvision and the ConvNeXt and PVT authors have them.
 */
export function dropPathRates(rate: number, blocks: number): number[] {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`a rate of stochastic depth lies in [0, 1), got ${rate}`)
  return Array.from({ length: blocks }, (_, i) => (blocks === 1 ? 0 : (rate * i) / (blocks - 1)))
}

/**
 * Leaves the residual of each case out with probability `rate`, and divides the others by 1 - rate, so that the mean is
 * as in evaluation. Draws from the default generator, nothing where the rate is 0.
 * @param residual [N, ...] @returns the same shape
 */
export function dropPath(residual: Tensor, rate: number, training: boolean): Tensor {
  if (rate === 0 || !training) return residual
  const keep = 1 - rate
  const shape = residual.shape.map((side, axis) => (axis === 0 ? side : 1))
  const { dtype, device } = residual
  return residual.mul(empty(shape, { dtype, device }).bernoulli_(keep).div_(keep))
}
