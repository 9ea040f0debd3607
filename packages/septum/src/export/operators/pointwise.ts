import type { Call, Rule } from '../lowering.js'
import { elementType } from '../lowering.js'
import type { MergedValue } from '../merge.js'
import { float } from '../onnx/graph.js'

type Float = (call: Call, value: number) => string

/** A number of the type of the result. */
const scalar: Float = (call, value) => call.graph.number(value, elementType(call.result().dtype, call.where))

const unary =
  (op: string): Rule =>
  (call) =>
    call.add(op, [call.tensor(0)])

/** Tensor or number as an operand of the given type. */
function operand(call: Call, index: number, dtype: MergedValue['dtype']): string {
  if (!call.isTensor(index)) return call.graph.number(call.number(index), elementType(dtype, call.where))
  return call.cast(call.tensor(index), call.value(index).dtype, dtype)
}

/** Operands of both types; numbers take that of the tensor. */
function common(call: Call): [string, string] {
  const types = [0, 1].filter((i) => call.isTensor(i)).map((i) => call.value(i).dtype)
  const rank = ['bool', 'uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64']
  const widest = types.reduce((a, b) => (rank.indexOf(a) >= rank.indexOf(b) ? a : b))
  // A fraction beside whole numbers makes both floats, as in PyTorch.
  const fraction = [0, 1].some((i) => !call.isTensor(i) && !Number.isInteger(call.number(i)))
  const dtype = fraction && !widest.startsWith('float') ? 'float32' : widest
  return [operand(call, 0, dtype), operand(call, 1, dtype)]
}

const binary =
  (op: string): Rule =>
  (call) => {
    const { dtype } = call.result()
    return call.add(op, [operand(call, 0, dtype), operand(call, 1, dtype)])
  }

/** a + alpha b, a - alpha b */
const scaled =
  (op: 'Add' | 'Sub'): Rule =>
  (call) => {
    const { dtype } = call.result()
    const alpha = call.number(2, 1)
    const right = operand(call, 1, dtype)
    const b = alpha === 1 ? right : call.add('Mul', [right, scalar(call, alpha)])
    return call.add(op, [operand(call, 0, dtype), b])
  }

const compare =
  (op: string): Rule =>
  (call) =>
    call.add(op, common(call))

const divide: Rule = (call) => {
  const mode = call.text(2)
  const quotient = binary('Div')(call) as string
  if (mode === 'floor') return call.add('Floor', [quotient])
  if (mode === 'trunc')
    return call.add('Mul', [call.add('Sign', [quotient]), call.add('Floor', [call.add('Abs', [quotient])])])
  return quotient
}

const clamp: Rule = (call) => {
  const limit = (i: number) => (call.argument(i) == null ? null : operand(call, i, call.result().dtype))
  return call.add('Clip', [call.tensor(0), limit(1), limit(2)])
}

export const silu = (call: Call, x: string): string => call.add('Mul', [x, call.add('Sigmoid', [x])])

const gelu: Rule = (call) => {
  const x = call.tensor(0)
  const half = (factor: string) =>
    call.add('Mul', [call.add('Mul', [x, scalar(call, 0.5)]), call.add('Add', [factor, scalar(call, 1)])])
  if (call.text(1, 'none') === 'none') {
    return half(call.add('Erf', [call.add('Div', [x, scalar(call, Math.SQRT2)])]))
  }
  const cube = call.add('Mul', [call.add('Mul', [x, x]), x])
  const inner = call.add('Add', [x, call.add('Mul', [cube, scalar(call, 0.044715)])])
  return half(call.add('Tanh', [call.add('Mul', [inner, scalar(call, Math.sqrt(2 / Math.PI))])]))
}

const softplus: Rule = (call) => {
  const beta = call.number(1, 1)
  const x = call.tensor(0)
  // ONNX has no threshold: above it x and ln(1 + e^x) are equal in single precision.
  if (beta === 1) return call.add('Softplus', [x])
  const grown = call.add('Softplus', [call.add('Mul', [x, scalar(call, beta)])])
  return call.add('Div', [grown, scalar(call, beta)])
}

const where: Rule = (call) => {
  const { dtype } = call.result()
  return call.add('Where', [call.tensor(0), operand(call, 1, dtype), operand(call, 2, dtype)])
}

const maskedFill: Rule = (call) =>
  call.add('Where', [call.tensor(1), operand(call, 2, call.result().dtype), call.tensor(0)])

const remainder: Rule = (call) => {
  const { dtype } = call.result()
  const [a, b] = [operand(call, 0, dtype), operand(call, 1, dtype)]
  if (!dtype.startsWith('float')) return call.add('Mod', [a, b])
  return call.add('Sub', [a, call.add('Mul', [call.add('Floor', [call.add('Div', [a, b])]), b])])
}

const lerp: Rule = (call) => {
  const [start, end] = [call.tensor(0), call.tensor(1)]
  const weight = operand(call, 2, call.result().dtype)
  return call.add('Add', [start, call.add('Mul', [weight, call.add('Sub', [end, start])])])
}

const glu: Rule = (call) => {
  const axis = call.axis(1, call.value(0).rank, -1)
  const size = call.fixed(call.value(0).shape[axis]!) / 2
  const half = (from: number) =>
    call.add('Slice', [
      call.tensor(0),
      call.graph.integers([from]),
      call.graph.integers([from + size]),
      call.graph.integers([axis]),
    ])
  return call.add('Mul', [half(0), call.add('Sigmoid', [half(size)])])
}

const prelu: Rule = (call) => {
  const weight = call.value(1)
  const channels = call.fixed(weight.shape[0]!)
  const slope =
    channels === 1 || call.value(0).rank < 2
      ? call.tensor(1)
      : call.add('Reshape', [
          call.tensor(1),
          call.graph.integers([channels, ...new Array<number>(call.value(0).rank - 2).fill(1)]),
        ])
  return call.add('PRelu', [call.tensor(0), slope])
}

const addcmul =
  (op: 'Mul' | 'Div'): Rule =>
  (call) => {
    const term = call.add(op, [call.tensor(1), call.tensor(2)])
    const value = call.number(3, 1)
    return call.add('Add', [
      call.tensor(0),
      value === 1 ? term : call.add('Mul', [term, scalar(call, value)]),
    ])
  }

/** Operators that work on each element by itself. */
export const pointwise: Readonly<Record<string, Rule>> = {
  relu: unary('Relu'),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  abs: unary('Abs'),
  neg: unary('Neg'),
  sign: unary('Sign'),
  floor: unary('Floor'),
  ceil: unary('Ceil'),
  round: unary('Round'),
  sin: unary('Sin'),
  cos: unary('Cos'),
  tan: unary('Tan'),
  atan: unary('Atan'),
  erf: unary('Erf'),
  reciprocal: unary('Reciprocal'),
  logical_not: unary('Not'),
  isnan: unary('IsNaN'),
  mish: (call) =>
    call.add('Mul', [call.tensor(0), call.add('Tanh', [call.add('Softplus', [call.tensor(0)])])]),
  square: (call) => call.add('Mul', [call.tensor(0), call.tensor(0)]),
  rsqrt: (call) => call.add('Reciprocal', [call.add('Sqrt', [call.tensor(0)])]),
  expm1: (call) => call.add('Sub', [call.add('Exp', [call.tensor(0)]), scalar(call, 1)]),
  log1p: (call) => call.add('Log', [call.add('Add', [call.tensor(0), scalar(call, 1)])]),
  log2: (call) => call.add('Div', [call.add('Log', [call.tensor(0)]), scalar(call, Math.LN2)]),
  silu: (call) => silu(call, call.tensor(0)),
  gelu,
  glu,
  prelu,
  softplus,
  log_sigmoid: (call) => call.add('Neg', [call.add('Softplus', [call.add('Neg', [call.tensor(0)])])]),
  hardtanh: (call) =>
    call.add('Clip', [call.tensor(0), scalar(call, call.number(1, -1)), scalar(call, call.number(2, 1))]),
  hardsigmoid: (call) => call.add('HardSigmoid', [call.tensor(0)], { alpha: float(1 / 6), beta: float(0.5) }),
  hardswish: unary('HardSwish'),
  leaky_relu: (call) => call.add('LeakyRelu', [call.tensor(0)], { alpha: float(call.number(1, 0.01)) }),
  elu: (call) => call.add('Elu', [call.tensor(0)], { alpha: float(call.number(1, 1)) }),
  clamp,
  add: scaled('Add'),
  sub: scaled('Sub'),
  mul: binary('Mul'),
  div: divide,
  pow: binary('Pow'),
  maximum: binary('Max'),
  minimum: binary('Min'),
  remainder,
  lerp,
  addcmul: addcmul('Mul'),
  addcdiv: addcmul('Div'),
  eq: compare('Equal'),
  ne: (call) => call.add('Not', [call.add('Equal', common(call))]),
  lt: compare('Less'),
  le: compare('LessOrEqual'),
  gt: compare('Greater'),
  ge: compare('GreaterOrEqual'),
  logical_and: compare('And'),
  logical_or: compare('Or'),
  where,
  masked_fill: maskedFill,
}
