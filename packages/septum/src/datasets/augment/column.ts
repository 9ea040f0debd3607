import { type Tensor, tensor } from '@septum/torch'

/** One number a case as a tensor that broadcasts over channels and space. */
export function column(values: readonly number[], like: Tensor): Tensor {
  const shape = [values.length, ...like.shape.slice(1).map(() => 1)]
  return tensor(Float32Array.from(values), { shape, device: like.device })
}
