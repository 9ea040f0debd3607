import { F, type Tensor, tensor } from '@septum/torch'

/** Standard deviation for a width, as OpenCV chooses it; the paper does not say which it took. */
const sigmaOf = (k: number): number => 0.3 * ((k - 1) / 2 - 1) + 0.8

function gaussian(k: number): number[] {
  const raw = Array.from({ length: k }, (_, i) => Math.exp(-((i - (k - 1) / 2) ** 2) / (2 * sigmaOf(k) ** 2)))
  const sum = raw.reduce((a, b) => a + b)
  return raw.map((v) => v / sum)
}

export type KernelShape = 'ones' | 'gaussian'

/**
 * Mean of each k x k window, plain or weighted by a Gaussian; beyond the border everything is 0.
 * @param x [N, C, H, W] @returns [N, C, H, W]
 */
export function windowMean(x: Tensor, k: number, shape: KernelShape): Tensor {
  if (k === 1) return x
  const padding = (k - 1) / 2
  if (shape === 'ones') return F.avgPool2d(x, k, { stride: 1, padding })
  const c = x.size(1)
  const row = tensor(gaussian(k), { dtype: x.dtype, device: x.device })
  const across = row.view([1, 1, 1, k]).expand([c, 1, 1, k])
  const down = row.view([1, 1, k, 1]).expand([c, 1, k, 1])
  const half = F.conv2d(x, across, null, { padding: [0, padding], groups: c })
  return F.conv2d(half, down, null, { padding: [padding, 0], groups: c })
}
