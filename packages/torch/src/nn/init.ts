import { noGrad } from '../autograd.js'
import { operator } from '../call.js'
import { empty } from '../create.js'
import { scope } from '../lifetime.js'
import type { Tensor } from '../ops/index.js'

/** Activations whose gain is known (PyTorch, `torch.nn.init.calculate_gain`). */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leaky_relu' | 'selu'

export interface KaimingOptions {
  /** Negative slope of the activation, used with `leaky_relu` only. */
  readonly a?: number
  /** Keeps the variance of activations (`fan_in`) or of gradients (`fan_out`). */
  readonly mode?: 'fan_in' | 'fan_out'
  readonly nonlinearity?: Nonlinearity
}

/** Factor on the standard deviation that an activation needs; `a` is the slope of `leaky_relu`. */
export function gain(nonlinearity: Nonlinearity, a = 0.01): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3
    case 'relu':
      return Math.SQRT2
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + a * a))
    case 'selu':
      return 3 / 4
    default:
      return 1
  }
}

/**
 * Inputs and outputs of one unit of a weight [out, in, ...kernel].
 * @throws RangeError for weights of fewer than two axes.
 */
export function fanInOut(weight: Tensor): { fanIn: number; fanOut: number } {
  const [out, into, ...kernel] = weight.shape
  if (out === undefined || into === undefined) {
    throw new RangeError(`fan-in and fan-out need a weight [out, in, ...], got shape [${weight.shape}]`)
  }
  const receptive = kernel.reduce((product, size) => product * size, 1)
  return { fanIn: into * receptive, fanOut: out * receptive }
}

/** Fills `t` inside a scope and without a graph, and returns it. */
function fill(t: Tensor, body: () => void): Tensor {
  scope(() => noGrad(body))
  return t
}

/** Uniform in [from, to). */
export const uniform_ = (t: Tensor, from = 0, to = 1): Tensor => fill(t, () => t.uniform_(from, to))

export const normal_ = (t: Tensor, mean = 0, std = 1): Tensor => fill(t, () => t.normal_(mean, std))

export const constant_ = (t: Tensor, value: number): Tensor => fill(t, () => t.fill_(value))

export const zeros_ = (t: Tensor): Tensor => constant_(t, 0)

export const ones_ = (t: Tensor): Tensor => constant_(t, 1)

function kaimingStd(
  t: Tensor,
  { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' }: KaimingOptions,
): number {
  const { fanIn, fanOut } = fanInOut(t)
  return gain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut)
}

/** He et al. 2015, uniform: the variance passes through layers with (leaky) ReLU. */
export function kaimingUniform_(t: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(t, options)
  return uniform_(t, -bound, bound)
}

/** He et al. 2015, normal. */
export const kaimingNormal_ = (t: Tensor, options: KaimingOptions = {}): Tensor =>
  normal_(t, 0, kaimingStd(t, options))

function xavierStd(t: Tensor, factor: number): number {
  const { fanIn, fanOut } = fanInOut(t)
  return factor * Math.sqrt(2 / (fanIn + fanOut))
}

/** Glorot and Bengio 2010, uniform; `gain` as returned by {@link gain}. */
export function xavierUniform_(t: Tensor, { gain: factor = 1 } = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd(t, factor)
  return uniform_(t, -bound, bound)
}

/** Glorot and Bengio 2010, normal. */
export const xavierNormal_ = (t: Tensor, { gain: factor = 1 } = {}): Tensor =>
  normal_(t, 0, xavierStd(t, factor))

const erfinv_ = operator('aten::erfinv_')

/** Abramowitz and Stegun 7.1.26, |error| < 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  return Math.sign(x) * (1 - tail * Math.exp(-x * x))
}

/** Normal numbers inside [a, b] (absolute limits, not multiples of `std`), by the inverse of the distribution. */
export function truncNormal_(t: Tensor, { mean = 0, std = 1, a = -2, b = 2 } = {}): Tensor {
  const low = erf((a - mean) / (std * Math.SQRT2))
  const high = erf((b - mean) / (std * Math.SQRT2))
  return fill(t, () => {
    erfinv_.one(t.uniform_(low, high))
    t.mul_(std * Math.SQRT2)
      .add_(mean)
      .clamp_(a, b)
  })
}

/**
 * Orthonormal rows (or columns, where there are more rows) times `gain`: Saxe et al. 2013. Axes after the
 * first count as columns.
 */
export function orthogonal_(t: Tensor, { gain: factor = 1 } = {}): Tensor {
  const rows = t.size(0)
  const columns = t.numel / rows
  if (t.ndim < 2) throw new RangeError(`orthogonal_() needs two axes or more, got shape [${t.shape}]`)
  return fill(t, () => {
    const flat = empty([rows, columns], { dtype: t.dtype, device: t.device }).normal_()
    const wide = rows < columns
    const [q, r] = operator('aten::linalg_qr').all(wide ? flat.transpose(0, 1) : flat) as [Tensor, Tensor]
    // The signs make the distribution uniform over all orthogonal matrices.
    const uniform = q.mul(operator('aten::diagonal').one(r).sign())
    t.copy_((wide ? uniform.transpose(0, 1) : uniform).mul(factor).reshape(t.shape))
  })
}
