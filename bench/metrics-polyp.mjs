// The polyp metric set on 352x352 pairs, one core: @septum/core against NumPy and SciPy.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Polyp metric set (mDice, mIoU, weighted F, S, mean E, max E, MAE), one core',
  { threads: 1, rounds: 4, steps: 30, warmup: 10 },
  {
    pairs: {
      type: 'string',
      default: '1000',
      help: 'pairs that ours scores in one go, as an evaluation does',
    },
    different: { type: 'string', default: '60', help: 'different pairs among them' },
    side: { type: 'string', default: '352', help: 'side of a picture' },
  },
)
const { measureCase, metricPresets } = await import('@septum/core')
const { compare, finish, milliseconds, Neighbours, number, printTargets, table, timed } = await import(
  './lib/measure.mjs'
)
const { polypPairs, sharedFiles } = await import('./lib/mask-pairs.mjs')
const { PythonSide } = await import('./lib/python.mjs')

const { side } = options
const pairs = polypPairs(options.different, side)
const joined = (name) => Buffer.concat(pairs.map((pair) => pair[name]))
const files = sharedFiles({ prediction: joined('prediction'), reference: joined('reference') })
const ids = metricPresets.polyp
let next = 0
const values = []
const one = () => {
  const { prediction, reference } = pairs[next++ % pairs.length]
  const measured = measureCase(ids, { shape: [side, side], probabilities: prediction, reference }).values
  values.push(ids.map((id) => measured[id].value))
}

const python = await PythonSide.start(
  'metrics_polyp.py',
  ['--folder', files.folder, '--side', side, '--steps', options.steps],
  options,
)
const neighbours = new Neighbours([python.pid])
for (let i = 0; i < options.warmup; i++) one()
next = 0
values.length = 0
const [ours, theirs] = [[], []]
let largest = 0
let facts
for (let round = 0; round < options.rounds; round++) {
  ours.push(timed(one, options.steps))
  facts = await python.block()
  theirs.push(facts.seconds)
  const mine = values.slice(-options.steps)
  for (const [i, row] of facts.scores.entries())
    for (const [k, value] of row.entries()) largest = Math.max(largest, Math.abs(value - mine[i][k]))
  console.error(`round ${round + 1} of ${options.rounds}`)
}
python.stop()
files.remove()
const [whole] = timed(() => {
  for (let i = 0; i < options.pairs; i++) one()
}, 1)

const found = compare(ours, theirs)
console.log(
  table([
    [`one ${side}x${side} pair`, 'ours', 'NumPy and SciPy', 'ratio', 'ratio of rounds'],
    [
      'polyp set',
      milliseconds(found.ours),
      milliseconds(found.python),
      number(found.ratio),
      `${number(found.ratioOfRounds.min)} to ${number(found.ratioOfRounds.max)}`,
    ],
  ]),
)
const scaled = found.python.median * options.pairs
console.log(
  `\n${options.pairs} pairs: ours ${number(whole)} s, measured; Python ${number(scaled)} s, scaled from the median.`,
)
console.log(`Largest difference between the two sides: ${largest.toExponential(1)}\n`)
const targets = [
  {
    name: `seconds for ${options.pairs} pairs, one core`,
    value: whole,
    bound: 'at most',
    limit: (20 * options.pairs) / 1000,
  },
  { name: 'times as fast as NumPy and SciPy', value: found.ratio, bound: 'at least', limit: 3 },
  { name: 'largest difference of a score', value: largest, bound: 'at most', limit: 1e-9 },
]
printTargets(targets)
finish('metrics-polyp', options, neighbours, {
  python: { numpy: facts.numpy, python: facts.python },
  pairs: options.pairs,
  side,
  whole,
  scaledPython: scaled,
  largestDifference: largest,
  results: [found],
  targets,
  reason: `Why: one histogram of 512 counts serves the 256 thresholds on both sides; the weighted F-measure decides the time.
Here its nearest pixels are found in integers, its blur runs only over the box of the object, and its distance weights come
from a table of squared distances; SciPy transforms, convolves and exponentiates the whole picture.`,
})
