// Topology and objects of 256x256 images, one core: @septum/core against Python.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Betti matching, persistence, clDice, components, objects and partitions, one core',
  { threads: 1, rounds: 3, steps: 1, warmup: 5 },
  {
    side: { type: 'string', default: '256', help: 'side of a picture' },
    authors: { type: 'string', help: 'a copy of github.com/nstucki/Betti-matching, measured once' },
    repeats: { type: 'string', default: '20', help: 'measurements of ours in a round' },
  },
)
const core = await import('@septum/core')
const { compare, finish, milliseconds, Neighbours, number, printTargets, table, timed } = await import(
  './lib/measure.mjs'
)
const { sharedFiles } = await import('./lib/mask-pairs.mjs')
const { nucleiPair, tissuePair } = await import('./lib/topology-pairs.mjs')
const { PythonSide } = await import('./lib/python.mjs')

const { side } = options
const shape = [side, side]
const [a, b] = tissuePair(side)
const [p, g] = nucleiPair(side, 60)
const [maskA, maskB] = [a, b].map((map) => map.map((value) => (value > 127 ? 1 : 0)))
const [mapA, mapB] = [a, b].map((map) => Float64Array.from(map, (value) => value / 255))
const bars = ({ components, holes }) => (components.length + holes.length) / 2
const work = {
  matchingMasks: ['Betti matching, masks', () => [core.bettiMatchingError(maskA, maskB, shape).error]],
  matchingMaps: ['Betti matching, probabilities', () => [core.bettiMatchingError(mapA, mapB, shape).error]],
  persistence: [
    'persistence, both dimensions',
    () => [bars(core.cubicalPersistence(a, shape, { level: 'superlevel', connectivity: 4 }))],
  ],
  clDice: ['clDice (scikit-image: compiled)', () => [core.clDice(maskA, maskB, shape).clDice]],
  components: ['components (SciPy: compiled)', () => [core.labelComponents(maskA, shape, 8).count]],
  objects: [
    'AJI and PQ of 60 nuclei',
    () => {
      const overlaps = core.overlapTable(p, g)
      return [core.aji(overlaps), core.panopticScores(overlaps).pq]
    },
  ],
  partitions: [
    'VOI and ARI',
    () => {
      const overlaps = core.overlapTable(p, g)
      return [core.variationOfInformation(overlaps).voi, core.adjustedRandIndex(overlaps)]
    },
  ],
}

const files = sharedFiles({ a, b, p, g })
const python = await PythonSide.start(
  'topology.py',
  [
    ...['--folder', files.folder, '--side', side, '--steps', options.steps],
    ...(options.authors ? ['--authors', options.authors] : []),
  ],
  options,
)
const neighbours = new Neighbours([python.pid])
const names = Object.keys(work)
const ours = Object.fromEntries(names.map((name) => [name, []]))
const theirs = Object.fromEntries(names.map((name) => [name, []]))
// The first call runs before anything is compiled: what one image alone costs.
const first = Object.fromEntries(names.map((name) => [name, timed(work[name][1], 1)[0]]))
for (const name of names) timed(work[name][1], options.warmup)
let answer
for (let round = 0; round < options.rounds; round++) {
  for (const name of names) ours[name].push(timed(work[name][1], options.repeats))
  answer = await python.block()
  for (const name of names) theirs[name].push(answer.seconds[name])
  console.error(`round ${round + 1} of ${options.rounds}`)
}
python.stop()
files.remove()

let largest = 0
const results = names.map((name) => {
  const mine = work[name][1]()
  for (const [i, value] of answer.scores[name].entries())
    largest = Math.max(largest, Math.abs(value - mine[i]))
  return { name, first: first[name], score: mine, ...compare(ours[name], theirs[name]) }
})
console.log(
  table([
    [`${side}x${side}`, 'ours', 'first call', 'Python', 'ratio'],
    ...results.map(({ name, ours: mine, python: other, ratio, first: alone }) => [
      work[name][0],
      milliseconds(mine),
      `${(alone * 1000).toFixed(1)} ms`,
      milliseconds(other),
      number(ratio),
    ]),
  ]),
)
for (const [name, { seconds, score }] of Object.entries(answer.authors)) {
  const mine = results.find((result) => result.name === name)
  largest = Math.max(largest, Math.abs(score - mine.score[0]) / Math.max(1, score))
  console.log(
    `\n${work[name][0]}: the authors' program ${number(seconds)} s, ${number(seconds / mine.ours.median)} times ours`,
  )
}
console.log(`\nLargest difference of a score: ${largest.toExponential(1)}\n`)
const [masks, maps] = results
const targets = [
  { name: 'seconds of Betti matching, masks', value: masks.ours.median, bound: 'at most', limit: 0.1 },
  { name: 'seconds of Betti matching, probabilities', value: maps.ours.median, bound: 'at most', limit: 0.1 },
  { name: 'largest difference of a score', value: largest, bound: 'at most', limit: 1e-9 },
]
printTargets(targets)
finish('topology', options, neighbours, {
  python: { numpy: answer.numpy, scipy: answer.scipy, skimage: answer.skimage },
  side,
  results,
  authors: answer.authors,
  largestDifference: largest,
  targets,
  reason: `Why: pixels are sorted by counting digits, named by their rank and joined in typed arrays, so that no test for
borders, births or ages is left in the inner loop; Python pays for every step of the same union-find. Thinning looks at a
pixel again only when its neighbourhood has changed; scikit-image's and SciPy's compiled loops are the mark to reach there.`,
})
