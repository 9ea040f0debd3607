import { operator } from '../call.js'
import type { Tensor } from '../tensor.js'

const batch = operator('aten::batch_norm')
const group = operator('aten::group_norm')
const layer = operator('aten::layer_norm')
const instance = operator('aten::instance_norm')

/** Normalises over batch and space; `training` uses and updates the batch's own statistics. */
export const batchNorm = (
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight: Tensor | null,
  bias: Tensor | null,
  { training = false, momentum = 0.1, eps = 1e-5 } = {},
): Tensor => batch.one(x, weight, bias, runningMean, runningVar, training, momentum, eps, true)

/** Normalises groups of channels of each sample. */
export const groupNorm = (
  x: Tensor,
  groups: number,
  weight: Tensor | null,
  bias: Tensor | null,
  eps = 1e-5,
): Tensor => group.one(x, groups, weight, bias, eps, true)

/** Normalises over the last axes, whose sizes are `shape`. */
export const layerNorm = (
  x: Tensor,
  shape: readonly number[],
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  eps = 1e-5,
): Tensor => layer.one(x, shape, weight, bias, eps, true)

/** Normalises each channel of each sample. */
export const instanceNorm = (
  x: Tensor,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  {
    eps = 1e-5,
    runningMean = null as Tensor | null,
    runningVar = null as Tensor | null,
    useInputStats = true,
    momentum = 0.1,
  } = {},
): Tensor => instance.one(x, weight, bias, runningMean, runningVar, useInputStats, momentum, eps, true)

/** x / max(‖x‖_p, eps) along an axis. */
export const normalize = (x: Tensor, { p = 2, dim = 1, eps = 1e-12 } = {}): Tensor =>
  x.div(x.norm(p, dim, true).clamp(eps))

const groupSilu = operator('septum::group_norm_silu')

/**
 * SiLU of a group norm in one operator: on channels-last float32 tensors of a CPU two passes over memory
 * instead of four or more, elsewhere libtorch's two operators. `activate: false` leaves SiLU out.
 */
export const groupNormSilu = (
  x: Tensor,
  groups: number,
  weight: Tensor,
  bias: Tensor,
  { eps = 1e-5, activate = true } = {},
): Tensor => groupSilu.one(x, groups, weight, bias, eps, activate)
