import { Tensor } from '../tensor.js'
import { arithmetic } from './arithmetic.js'
import { comparison } from './comparison.js'
import { gradient } from './gradient.js'
import { linear } from './linear.js'
import { reduction } from './reduction.js'
import { shaping } from './shaping.js'

// The methods of Tensor stand in one file per family; this joins them (types: the end of tensor.ts).
Object.assign(Tensor.prototype, arithmetic, comparison, gradient, linear, reduction, shaping)

export { Tensor }
