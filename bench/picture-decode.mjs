// From files to batches, ours against Pillow or nibabel with PyTorch's DataLoader, the same number of workers.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Files to batches: pictures of 352x352 (JPEG and PNG) or volumes (NIfTI), the same number of workers on both sides',
  { threads: 1, rounds: 3, steps: 10 },
  {
    kind: { type: 'string', default: 'pictures', help: 'pictures or volumes' },
    data: { type: 'string', help: 'folder of the data sets; default SEPTUM_DATA or ../shared/data' },
    batch: { type: 'string', default: '16', help: 'cases in a batch' },
    workers: { type: 'string', default: '1', help: 'decoding threads here, worker processes there' },
  },
)
const { compare, finish, milliseconds, Neighbours, number, printTargets, table } = await import(
  './lib/measure.mjs'
)
const { NodeSide } = await import('./lib/node-side.mjs')
const { PythonSide } = await import('./lib/python.mjs')

const volumes = options.kind === 'volumes'
const base =
  options.data ?? process.env.SEPTUM_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url))
const dir = `${base}/${volumes ? 'msd-hippocampus' : 'kvasir-seg-352'}`
if (!existsSync(dir)) throw new Error(`there is no ${dir}: give the folder of the data sets with --data`)
const { batch, steps: batches, workers } = options
const size = volumes ? [32, 48, 32] : [352, 352]
const name = volumes ? 'volume-decode' : 'picture-decode'

/** What the folder does not say; z-scores on both sides. */
const hippocampus = {
  classes: ['anterior', 'posterior'],
  preprocessing: { channels: [{ kind: 'zScore', over: 'whole' }], spacingMm: null, interpolation: 'linear' },
}
const script = volumes ? 'decode_volumes.py' : 'decode_pictures.py'
const args = ['--data', dir, '--batch', batch, '--batches', batches, '--workers', workers]
const python = await PythonSide.start(script, args, options)
const variants = []
for (const [label, threads] of [
  ['decoder threads of the library', false],
  ['worker threads of ours', true],
]) {
  const setup = { dir, batch, batches, workers, threads, size, ...(volumes ? hippocampus : {}) }
  // One decoder thread for each worker: a thread of ours hands it a picture and goes on with the one before.
  const side = await NodeSide.start('decoding-side.mjs', setup, { UV_THREADPOOL_SIZE: String(workers) })
  variants.push({ label, side, ours: [], processor: [] })
}
const neighbours = new Neighbours([python.pid, ...variants.map(({ side }) => side.pid)])
const theirs = []
const theirProcessor = []
for (let round = 0; round < options.rounds; round++) {
  for (const { side, ours, processor } of variants) {
    const block = await side.block()
    ours.push(block.seconds.map((s) => s / batches))
    processor.push([block.processor / batches])
  }
  const block = await python.block()
  theirs.push(block.seconds.map((s) => s / batches))
  theirProcessor.push([block.processor / batches])
}
for (const { side } of variants) side.stop()
python.stop()

const results = variants.map(({ label, ours, processor }) => ({
  variant: label,
  ...compare(ours, theirs),
  processor: compare(processor, theirProcessor),
}))
console.log(`${batch} cases a batch, ${workers} worker(s), ${options.rounds} rounds of ${batches} batches\n`)
console.log(
  table([
    ['', 'ours, a batch', 'Python, a batch', 'ratio', 'cases a second', 'processor', "Python's", 'ratio'],
    ...results.map(({ variant, ours, python: other, ratio, processor }) => [
      variant,
      milliseconds(ours),
      milliseconds(other),
      number(ratio),
      number(batch / ours.median),
      milliseconds(processor.ours),
      milliseconds(processor.python),
      number(processor.ratio),
    ]),
  ]),
)
console.log('\nThe ratio is Python / ours: above 1, ours is faster.\n')
// What the library is used with: the decoder's threads for pictures, ours for volumes.
const used = results[volumes ? 1 : 0]
const targets = [
  { name: `${used.variant}, times as fast as Python`, value: used.ratio, bound: 'at least', limit: 1 },
]
printTargets(targets)
finish(name, options, neighbours, {
  settingsOfData: { batch, workers, size },
  results,
  targets,
  reason: volumes
    ? `Why: both sides gunzip with zlib, Node's with vector instructions; ours hands samples over in shared memory, theirs copies
tensors into it. A thread of ours opens, reads and gunzips by itself, and the next cases wait in it.`
    : `Why: PNG masks are decoded without libvips, whose start alone costs more than that; pixels are sorted into planes four at a
time, and batches are packed in memory that is used again. A JPEG still takes libvips longer than Pillow. A worker
process copies its tensors over; here the decoder's thread and the main thread share memory.`,
})
