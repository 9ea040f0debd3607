import type { Call, Rule } from '../lowering.js'

import { int, ints } from '../onnx/graph.js'

const allAxes = (call: Call): number[] => Array.from({ length: call.value(0).rank }, (_, i) => i)

/** Axes at argument `index`; none or null: all of them. */
function axesOf(call: Call, index: number): number[] {
  const { rank } = call.value(0)
  const given = call.argument(index) == null ? [] : call.numbers(index)
  return given.length === 0 ? allAxes(call) : given.map((axis) => (axis + rank) % rank)
}

/** In opset 17 the axes of ReduceSum are an input, those of all others an attribute. */
export function reduceOver(
  call: Call,
  op: string,
  x: string,
  axes: readonly number[],
  keep: boolean,
): string {
  const keepdims = int(keep ? 1 : 0)
  return op === 'ReduceSum'
    ? call.add(op, [x, call.graph.integers(axes)], { keepdims })
    : call.add(op, [x], { axes: ints(axes), keepdims })
}

const reduce =
  (op: string): Rule =>
  (call) => {
    const x = call.cast(call.tensor(0), call.value(0).dtype, call.result().dtype)
    // Without axes the first argument is all there is (a dtype may follow).
    const whole = call.step.overload === '' && call.step.args.length < 2
    return reduceOver(call, op, x, whole ? allAxes(call) : axesOf(call, 1), whole ? false : call.flag(2))
  }

const variance =
  (root: boolean): Rule =>
  (call) => {
    const axes = axesOf(call, 1)
    const keep = call.flag(3)
    const x = call.tensor(0)
    const centred = call.add('Sub', [x, reduceOver(call, 'ReduceMean', x, axes, true)])
    const squares = call.add('Mul', [centred, centred])
    const unbiased = call.flag(2, true)
    let result = reduceOver(call, 'ReduceMean', squares, axes, keep)
    if (unbiased) {
      const count = axes.reduce((n, axis) => n * call.fixed(call.value(0).shape[axis]!), 1)
      result = call.add('Mul', [result, call.graph.number(count / (count - 1), 'float32')])
    }
    return root ? call.add('Sqrt', [result]) : result
  }

/** Extreme values along an axis, and where they are. */
const extreme =
  (op: 'Max' | 'Min'): Rule =>
  (call) => {
    const axis = call.axis(1, call.value(0).rank)
    const keep = call.flag(2)
    return [
      reduceOver(call, `Reduce${op}`, call.tensor(0), [axis], keep),
      call.add(`Arg${op}`, [call.tensor(0)], { axis: int(axis), keepdims: int(keep ? 1 : 0) }),
    ]
  }

const argExtreme =
  (op: 'ArgMax' | 'ArgMin'): Rule =>
  (call) => {
    if (call.argument(1) == null) {
      const flat = call.add('Reshape', [call.tensor(0), call.graph.integers([-1])])
      return call.add(op, [flat], { axis: int(0), keepdims: int(0) })
    }
    const axis = call.axis(1, call.value(0).rank)
    return call.add(op, [call.tensor(0)], { axis: int(axis), keepdims: int(call.flag(2) ? 1 : 0) })
  }

const norm: Rule = (call) => {
  const order = call.number(1, 2)
  const axes = axesOf(call, 2)
  const keep = call.flag(3)
  if (order === 2) return reduceOver(call, 'ReduceL2', call.tensor(0), axes, keep)
  if (order === 1) return reduceOver(call, 'ReduceL1', call.tensor(0), axes, keep)
  const power = call.graph.number(order, 'float32')
  const sum = reduceOver(
    call,
    'ReduceSum',
    call.add('Pow', [call.add('Abs', [call.tensor(0)]), power]),
    axes,
    keep,
  )
  return call.add('Pow', [sum, call.graph.number(1 / order, 'float32')])
}

const softmax =
  (op: 'Softmax' | 'LogSoftmax'): Rule =>
  (call) =>
    call.add(op, [call.cast(call.tensor(0), call.value(0).dtype, call.result().dtype)], {
      axis: int(call.axis(1, call.value(0).rank)),
    })

const cumsum: Rule = (call) =>
  call.add('CumSum', [call.tensor(0), call.graph.integers([call.axis(1, call.value(0).rank)], true)])

const topk: Rule = (call) =>
  call.addMany(
    'TopK',
    [call.tensor(0), call.graph.integers([call.number(1)])],
    { axis: int(call.axis(2, call.value(0).rank, -1)), largest: int(1), sorted: int(1) },
    2,
  )

const triangle =
  (upper: 0 | 1): Rule =>
  (call) =>
    call.add('Trilu', [call.tensor(0), call.graph.integers([call.number(1, 0)], true)], { upper: int(upper) })

/** Operators over axes. */
export const reduction: Readonly<Record<string, Rule>> = {
  sum: reduce('ReduceSum'),
  mean: reduce('ReduceMean'),
  amax: reduce('ReduceMax'),
  amin: reduce('ReduceMin'),
  logsumexp: reduce('ReduceLogSumExp'),
  var: variance(false),
  std: variance(true),
  max: extreme('Max'),
  min: extreme('Min'),
  argmax: argExtreme('ArgMax'),
  argmin: argExtreme('ArgMin'),
  linalg_vector_norm: norm,
  softmax: softmax('Softmax'),
  log_softmax: softmax('LogSoftmax'),
  cumsum,
  topk,
  tril: triangle(0),
  triu: triangle(1),
}
