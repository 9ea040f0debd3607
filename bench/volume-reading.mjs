// NIfTI files to float32 batches, one after another, ours against nibabel: what the readers alone cost.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'NIfTI files to float32 batches, one file after another on both sides',
  { threads: 1, rounds: 5, steps: 3 },
  { data: { type: 'string', help: 'folder of the data sets; default SEPTUM_DATA or ../shared/data' } },
)
const { compare, finish, milliseconds, Neighbours, number, printTargets, table } = await import(
  './lib/measure.mjs'
)
const { PythonSide } = await import('./lib/python.mjs')
const { readImage } = await import('../packages/septum/dist/formats/index.js')

const base =
  options.data ?? process.env.SEPTUM_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url))
/** Folder, files in a batch, size [z, y, x] to which volumes are cut or padded. */
const sets = [
  ['msd-hippocampus/images', 16, [32, 48, 32]],
  ['acdc/images', 8, [10, 192, 160]],
  ['brain-t1-sample/volumes', 1, [256, 256, 256]],
]

/** Copies a volume to the middle of a target of another size, as float32. */
function centre({ data, shape }, into, size) {
  const own = shape.slice(1)
  const starts = own.map((length, axis) => Math.floor((length - size[axis]) / 2))
  const [from, to, count] = [
    starts.map((start) => Math.max(0, start)),
    starts.map((start) => Math.max(0, -start)),
    own.map((length, axis) => Math.min(length, size[axis])),
  ]
  for (let z = 0; z < count[0]; z++) {
    for (let y = 0; y < count[1]; y++) {
      const source = ((from[0] + z) * own[1] + from[1] + y) * own[2] + from[2]
      const target = ((to[0] + z) * size[1] + to[1] + y) * size[2] + to[2]
      into.set(data.subarray(source, source + count[2]), target)
    }
  }
}

async function readAll(files, batch, size) {
  const values = size.reduce((product, length) => product * length, 1)
  let sum = 0
  for (let first = 0; first < files.length; first += batch) {
    const some = files.slice(first, first + batch)
    const tensor = new Float32Array(some.length * values)
    for (const [i, file] of some.entries())
      centre(await readImage(file), tensor.subarray(i * values, (i + 1) * values), size)
    sum += tensor[values >> 1]
  }
  return sum
}

const results = []
let neighbours
for (const [name, batch, size] of sets) {
  const folder = join(base, name)
  if (!existsSync(folder))
    throw new Error(`there is no ${folder}: give the folder of the data sets with --data`)
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.nii.gz'))
    .sort()
    .map((file) => join(folder, file))
  const args = ['--data', folder, '--batch', batch, '--size', ...size, '--steps', options.steps]
  const python = await PythonSide.start('volume_reading.py', args, options)
  neighbours ??= new Neighbours([python.pid])
  const [ours, theirs] = [[], []]
  let sums = []
  await readAll(files, batch, size)
  for (let round = 0; round < options.rounds; round++) {
    const seconds = []
    for (let step = 0; step < options.steps; step++) {
      const start = performance.now()
      const sum = await readAll(files, batch, size)
      seconds.push((performance.now() - start) / 1000 / files.length)
      sums = [sum]
    }
    ours.push(seconds)
    const answer = await python.block()
    theirs.push(answer.seconds.map((s) => s / files.length))
    sums.push(answer.sum)
  }
  python.stop()
  if (Math.abs(sums[0] - sums[1]) > 1e-4 * Math.max(1, Math.abs(sums[1])))
    throw new Error(`${name}: ours sums to ${sums[0]}, nibabel's to ${sums[1]}`)
  results.push({ variant: name, files: files.length, batch, size, ...compare(ours, theirs) })
}
console.log(
  table([
    ['', 'ours, a file', 'nibabel, a file', 'ratio', 'rounds'],
    ...results.map(({ variant, ours, python, ratio, ratioOfRounds }) => [
      variant,
      milliseconds(ours),
      milliseconds(python),
      number(ratio),
      `${number(ratioOfRounds.min)} to ${number(ratioOfRounds.max)}`,
    ]),
  ]),
)
console.log('\nThe ratio is nibabel / ours: above 1, ours is faster.\n')
const targets = results.map(({ variant, ratio }) => ({
  name: `${variant}, times as fast as nibabel`,
  value: ratio,
  bound: 'at least',
  limit: 1,
}))
printTargets(targets)
finish('volume-reading', options, neighbours, {
  results,
  targets,
  reason:
    'Why: both sides inflate with zlib; ours inflates a file in one piece into the memory that the image keeps, nibabel in chunks.',
})
