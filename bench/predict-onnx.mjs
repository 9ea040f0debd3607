// Bundles on ONNX Runtime against eager PyTorch: U-Net and M2SNet at 352x352; AR-Seg, 16 samples against one; and the
// time from the start of `septum predict` to its first mask.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Prediction with bundles on ONNX Runtime, against eager PyTorch in its best layout',
  { threads: 2, rounds: 3, steps: 3 },
  {
    size: { type: 'string', default: '352', help: 'side of an image' },
  },
)
const { compare, finish, median, milliseconds, Neighbours, number, printTargets, table } = await import(
  './lib/measure.mjs'
)
const { NodeSide } = await import('./lib/node-side.mjs')
const { PythonSide } = await import('./lib/python.mjs')

const folder = mkdtempSync(join(tmpdir(), 'septum-bench-'))
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const { size, threads, steps, warmup, rounds } = options
const task = { dimensions: 2, imageChannels: 3, classes: ['polyp'], raters: 1, imageSize: [size, size] }
const widths = [32, 64, 128, 256]
const models = [
  {
    name: 'U-Net',
    method: 'unet',
    settings: { widths, upsampling: 'conv', deepSupervision: false },
    script: 'plain_unet.py',
    args: ['--batch', 1, '--size', size, '--channels', 3, '--widths', widths.join()],
  },
  {
    name: 'M2SNet',
    method: 'm2snet',
    settings: {},
    script: 'plain_m2snet.py',
    args: ['--batch', 1, '--size', size],
  },
]
const sides = []
const results = {}
try {
  for (const { name, method, settings, script, args } of models) {
    const out = join(folder, method)
    const parameters = makeBundle(out, method, settings, task)
    const setup = { bundle: out, threads, steps, warmup, size }
    const ours = await NodeSide.start('./onnx-side.mjs', setup, {})
    const eager = []
    for (const layout of [['--channels-last'], []]) {
      const all = [...args, '--inference', '--steps', steps, '--warmup', warmup, ...layout]
      eager.push(await PythonSide.start(script, all, options))
    }
    sides.push(ours, ...eager)
    results[name] = { ours, eager, parameters, seconds: [[], [], []] }
  }
  const neighbours = new Neighbours(sides.map(({ pid }) => pid))
  for (let round = 0; round < rounds; round++) {
    for (const { ours, eager, seconds } of Object.values(results)) {
      for (const [i, side] of [ours, ...eager].entries()) seconds[i].push((await side.block()).seconds)
    }
  }
  const rows = [['Model', 'bundle', 'eager, channels-last', 'eager, default', 'ratio to the better']]
  const targets = []
  const variants = {}
  for (const [name, { seconds, eager, parameters }] of Object.entries(results)) {
    const best = median(seconds[1].flat()) <= median(seconds[2].flat()) ? 1 : 2
    const [last, plain] = [compare(seconds[0], seconds[1]), compare(seconds[0], seconds[2])]
    const { ratio } = best === 1 ? last : plain
    variants[name] = { parameters, channelsLast: last, defaultLayout: plain, python: eager[0].facts }
    rows.push([
      name,
      milliseconds(last.ours),
      milliseconds(last.python),
      milliseconds(plain.python),
      number(ratio),
    ])
    targets.push({ name: `${name}, eager / bundle`, value: ratio, bound: 'at least', limit: 1.3 })
  }
  for (const side of sides.splice(0)) side.stop()
  const sampler = join(folder, 'ar-seg')
  makeBundle(sampler, 'ar-seg', {}, { ...task, imageChannels: 1, imageSize: [128, 128] })
  const medians = []
  for (const samples of [1, 16]) {
    const setup = { bundle: sampler, threads, steps, warmup, size: 128, samples }
    const side = await NodeSide.start('./onnx-side.mjs', setup, {})
    sides.push(side)
    const all = []
    for (let round = 0; round < rounds; round++) all.push(...(await side.block()).seconds)
    medians.push(median(all))
    side.stop()
    rows.push([`AR-Seg, ${samples} of 128x128`, `${number(medians.at(-1) * 1000)} ms`, '', '', ''])
  }
  variants['AR-Seg'] = { oneSeconds: medians[0], sixteenSeconds: medians[1] }
  const times = medians[1] / medians[0]
  targets.push({ name: 'AR-Seg, 16 samples / 1 sample', value: times, bound: 'at most', limit: 10 })
  targets.push({
    name: 'seconds from the start to the first mask',
    value: firstMask(),
    bound: 'at most',
    limit: 2,
  })
  console.log(`${table(rows)}\n`)
  printTargets(targets)
  finish('predict-onnx', options, neighbours, {
    variants,
    targets,
    reason:
      'Why: ONNX Runtime fuses and plans the whole graph before it runs, and folds the norms into convolutions.',
  })
} finally {
  for (const side of sides) side.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** @returns the number of parameters */
function makeBundle(out, method, settings, forTask) {
  const setup = JSON.stringify({ out, method, options: settings, task: forTask })
  const said = execFileSync(process.execPath, [here('lib/make-bundle.mjs'), setup])
  return Number(String(said).trim().split('\n').at(-1))
}

/** Seconds of a whole `septum predict` of one picture with the tiny bundle of the tests: what is left is start-up. */
function firstMask() {
  const picture = here('../examples/lidc/images')
  const bundle = here('../packages/septum/src/inference/fixtures/plane')
  const start = performance.now()
  const file = join(picture, readdirSync(picture)[0])
  execFileSync(process.execPath, [
    here('../packages/septum/bin/septum.mjs'),
    ...['predict', bundle, file, '--out', join(folder, 'masks'), '--quiet'],
  ])
  return (performance.now() - start) / 1000
}
