// HD95 and surface Dice of a volume, one core: @septum/core against SciPy's distance transform.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'HD95 and NSD of a volume, one core',
  { threads: 1, rounds: 3, steps: 2, warmup: 2 },
  {
    side: { type: 'string', default: '128', help: 'side of the volume' },
    spacing: { type: 'string', default: '1,1,1', help: 'distance between voxels along each axis' },
  },
)
const { edgeScores, surfelScores } = await import('@septum/core')
const { compare, finish, milliseconds, Neighbours, number, printTargets, summary, table, timed } =
  await import('./lib/measure.mjs')
const { sharedFiles, volumePair } = await import('./lib/mask-pairs.mjs')
const { PythonSide } = await import('./lib/python.mjs')

const { side } = options
const shape = [side, side, side]
const spacing = String(options.spacing).split(',').map(Number)
const { prediction, reference } = volumePair(side)
const files = sharedFiles({ prediction, reference })
let scores
const edge = () => {
  scores = edgeScores(prediction, reference, shape, { spacing, tolerance: 1 })
}
const surfel = () => surfelScores(prediction, reference, shape, { spacing, tolerance: 1 })
const args = [
  '--folder',
  files.folder,
  '--side',
  side,
  '--spacing',
  spacing.join(','),
  '--steps',
  options.steps,
]
const whole = await PythonSide.start('metrics_volume.py', args, options)
const crop = await PythonSide.start('metrics_volume.py', [...args, '--crop'], options)
const neighbours = new Neighbours([whole.pid, crop.pid])
for (let i = 0; i < options.warmup; i++) {
  edge()
  surfel()
}
const [ours, surfels, python, pythonCrop] = [[], [], [], []]
let answer
for (let round = 0; round < options.rounds; round++) {
  ours.push(timed(edge, options.steps * 3))
  surfels.push(timed(surfel, options.steps * 3))
  answer = await whole.block()
  python.push(answer.seconds)
  pythonCrop.push((await crop.block()).seconds)
  console.error(`round ${round + 1} of ${options.rounds}`)
}
whole.stop()
crop.stop()
files.remove()

const difference = Math.max(Math.abs(answer.scores[0] - scores.hd95), Math.abs(answer.scores[1] - scores.nsd))
const [full, cropped] = [compare(ours, python), compare(ours, pythonCrop)]
console.log(
  table([
    [`HD95 and NSD, ${side}^3`, 'time', 'times slower than ours'],
    ['ours, edge voxels (with HD, ASSD, ASD)', milliseconds(full.ours), '1'],
    ['ours, surface elements (DeepMind)', milliseconds(summary(surfels.flat())), ''],
    ['SciPy, whole volume', milliseconds(full.python), number(full.ratio)],
    ['SciPy, cut to the box of both masks', milliseconds(cropped.python), number(cropped.ratio)],
  ]),
)
console.log(`\nLargest difference between the two sides: ${difference.toExponential(1)}\n`)
const targets = [
  { name: 'seconds of HD95 and NSD', value: full.ours.median, bound: 'at most', limit: 0.5 },
  { name: 'times as fast as SciPy', value: full.ratio, bound: 'at least', limit: 3 },
  { name: 'largest difference of a score', value: difference, bound: 'at most', limit: 1e-9 },
]
printTargets(targets)
finish('metrics-volume', options, neighbours, {
  scipy: answer.scipy,
  side,
  spacing,
  difference,
  results: [
    { variant: 'whole volume', ...full },
    { variant: 'cut to the box', ...cropped },
    { variant: 'surface elements', ours: summary(surfels.flat()) },
  ],
  targets,
  reason: `Why: the transform runs on the box of both masks, in three passes of which the first only counts and the last visits
only rows that hold a surface voxel, searching outwards until the best distance ends the search; SciPy transforms all voxels
and keeps the coordinates of every nearest one.`,
})
