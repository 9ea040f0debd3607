import { operator } from '../call.js'
import type { Tensor } from '../ops/index.js'

type List = readonly Tensor[]

const op = (name: string) => operator(`aten::_foreach_${name}`)
const operators = {
  add: op('add.List'),
  addInPlace: op('add_.List'),
  addScalar: op('add_.Scalar'),
  mulScalar: op('mul_.Scalar'),
  divScalars: op('div_.ScalarList'),
  addcmul: op('addcmul_.Scalar'),
  addcdiv: op('addcdiv_.ScalarList'),
  sqrt: op('sqrt'),
  norm: op('norm.Scalar'),
}

/** Multi-tensor operators: one call, and on a GPU few kernels, for many tensors. */
export const foreach = {
  /** a + alpha b, new tensors */
  add: (a: List, b: List, alpha: number): Tensor[] => operators.add.all(a, b, alpha)[0] as Tensor[],
  /** a += alpha b */
  add_(a: List, b: List, alpha: number): void {
    operators.addInPlace.all(a, b, alpha)
  },
  /** a += value */
  addScalar_(a: List, value: number): void {
    operators.addScalar.all(a, value)
  },
  /** a *= value */
  mul_(a: List, value: number): void {
    operators.mulScalar.all(a, value)
  },
  /** a[i] /= values[i] */
  div_(a: List, values: readonly number[]): void {
    operators.divScalars.all(a, values)
  },
  /** a += value b c */
  addcmul_(a: List, b: List, c: List, value: number): void {
    operators.addcmul.all(a, b, c, value)
  },
  /** a[i] += values[i] b[i] / c[i] */
  addcdiv_(a: List, b: List, c: List, values: readonly number[]): void {
    operators.addcdiv.all(a, b, c, values)
  },
  sqrt: (a: List): Tensor[] => operators.sqrt.all(a)[0] as Tensor[],
  /** Euclidean norm of each. */
  norm: (a: List): Tensor[] => operators.norm.all(a, 2)[0] as Tensor[],
}
