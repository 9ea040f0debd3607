// What one operator call costs on tiny tensors, from TypeScript and from Python.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Cost of an operator call, in nanoseconds',
  { threads: 1, rounds: 7, steps: 5 },
  {
    calls: { type: 'string', default: '2000', help: 'calls in a timed loop' },
  },
)
const { cat, F, noGrad, randn, scope } = await import('@septum/torch')
const { finish, median, Neighbours, number, ourFacts, printHeader, printTargets, table } = await import(
  './lib/measure.mjs'
)
const { PythonSide } = await import('./lib/python.mjs')

/** About as many tensors as one training step makes between two frees. */
const CALLS_PER_SCOPE = 100

function operators(gradient) {
  const make = (...shape) => randn(shape).requiresGrad_(gradient)
  const [a, b, square, other] = [make(1), make(1), make(2, 2), make(2, 2)]
  const [image, weight, bias] = [make(1, 1, 4, 4), make(1, 1, 3, 3), make(1)]
  return {
    add: () => a.add(b),
    relu: () => F.relu(a),
    matmul: () => square.matmul(other),
    view: () => square.view([4]),
    cat: () => cat([a, b]),
    conv2d: () => F.conv2d(image, weight, bias, { padding: 1 }),
  }
}

/** Nanoseconds of a call, the scopes that free the results included. */
function loop(call) {
  const start = process.hrtime.bigint()
  for (let done = 0; done < options.calls; done += CALLS_PER_SCOPE) {
    scope(() => {
      for (let i = 0; i < CALLS_PER_SCOPE; i++) call()
    })
  }
  return Number(process.hrtime.bigint() - start) / options.calls
}

const sets = { inference: operators(false), gradient: operators(true) }
const inMode = (mode, body) => (mode === 'inference' ? noGrad(body) : body())

/** @returns nanoseconds by mode and operator, the median of `steps` loops */
const block = () =>
  Object.fromEntries(
    Object.entries(sets).map(([mode, calls]) => [
      mode,
      inMode(mode, () =>
        Object.fromEntries(
          Object.entries(calls).map(([name, call]) => [
            name,
            median(Array.from({ length: options.steps }, () => loop(call))),
          ]),
        ),
      ),
    ]),
  )

const python = await PythonSide.start(
  'op_overhead.py',
  ['--steps', options.steps, '--calls', options.calls],
  options,
)
printHeader('Operator calls on tiny tensors', python.facts)
const neighbours = new Neighbours([python.pid])
// The JIT compiles what is called often; Python's side warms up its own loops before it is ready.
for (let i = 0; i < options.warmup; i++) block()
const [ours, theirs] = [[], []]
for (let round = 0; round < options.rounds; round++) {
  ours.push(block())
  theirs.push(await python.block())
}
python.stop()

const results = Object.keys(sets).flatMap((mode) =>
  Object.keys(sets[mode]).map((name) => {
    const [a, b] = [ours.map((each) => each[mode][name]), theirs.map((each) => each[mode][name])]
    return {
      mode,
      operator: name,
      ours: { median: median(a), min: Math.min(...a), max: Math.max(...a) },
      python: { median: median(b), min: Math.min(...b), max: Math.max(...b) },
      ratio: median(a) / median(b),
    }
  }),
)
const nanoseconds = ({ median: middle, min, max }) =>
  `${middle.toFixed(0)} ns (${min.toFixed(0)} to ${max.toFixed(0)})`
console.log(
  table([
    ['', 'ours', 'Python', 'ours / Python'],
    ...results.map((r) => [
      `${r.operator}, ${r.mode}`,
      nanoseconds(r.ours),
      nanoseconds(r.python),
      number(r.ratio),
    ]),
  ]),
)
console.log(
  `\nMedians of ${options.rounds} rounds (least to most). Both include the measured closure and the end of the result;`,
)
console.log(`ours frees through a scope of ${CALLS_PER_SCOPE} calls, Python by its reference count.\n`)
const mean = (mode) => {
  const logs = results.filter((r) => r.mode === mode).map((r) => Math.log(r.ratio))
  return Math.exp(logs.reduce((sum, each) => sum + each) / logs.length)
}
const targets = Object.keys(sets).map((mode) => ({
  name: `${mode}: our time / Python's, geometric mean`,
  value: mean(mode),
  bound: 'at most',
  limit: 1,
}))
printTargets(targets)
const { libtorch, blas } = ourFacts()
finish('operator-overhead', options, neighbours, {
  libtorch: { ours: libtorch, python: python.facts.torch },
  blas: { ours: blas, python: python.facts.blas },
  emptyPythonCall: median(theirs.map((each) => each.empty_call_ns)),
  results,
  targets,
  reason: `Why: arguments travel as numbers through one shared buffer instead of one JavaScript object each, results
come back as numbers, and the results of a scope are freed in one call. Both sides then pass through the same
dispatcher; Python's generated bindings skip its boxed calling convention, ours uses it so that any operator can
be called.`,
})
