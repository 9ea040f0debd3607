// Augmentation of a batch against the training step that it feeds, and against the same transforms in PyTorch.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Augmentation of a batch: its share of a training step, and the same transforms in PyTorch',
  { threads: 1, rounds: 3, steps: 1 },
  {
    batch: { type: 'string', default: '2', help: 'images in a batch' },
    size: { type: 'string', default: '352', help: 'side of an image' },
    widths: {
      type: 'string',
      default: '32,64,128,256',
      help: 'channels of the U-Net that stands for M2SNet',
    },
    'train-steps': { type: 'string', default: '1', help: 'measured training steps; 0: none' },
  },
)
const { F, optim, rand, scope } = await import('@septum/torch')
const { discMasks } = await import('./lib/training.mjs')
const { compare, finish, milliseconds, Neighbours, number, printHeader, printTargets, summary, table } =
  await import('./lib/measure.mjs')
const { PythonSide } = await import('./lib/python.mjs')
const { applyAugmentation, drawBatch } = await import('../packages/septum/dist/datasets/augment/index.js')
const { UnetNetwork } = await import('../packages/septum/dist/methods/unet/network.js')

const { batch, size } = options

/** Seconds of processor time of each of `count` calls: with one thread the wall time of a machine of one's own. */
function timed(call, count) {
  return Array.from({ length: count }, () => {
    const start = process.cpuUsage()
    call()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1e6
  })
}
/** Batches that make one value, as draws differ from batch to batch. */
const DRAWS = 10
const side = [size, size]
const none = {
  flipHorizontal: 0.5,
  flipVertical: 0.5,
  rotateDegrees: 10,
  rotate90: false,
  crop: side,
  cropAt: 'centre',
  intensity: 0,
}
/** What each variant does; Python's side knows them by name. */
const recipes = {
  // M2SNet's own: flip and rotation by up to 10 degrees.
  m2snet: { ...none, flipVertical: 0 },
  // nnU-Net's set with its probabilities.
  nnunet: {
    ...none,
    rotateDegrees: 180,
    rotateProbability: 0.2,
    scale: { probability: 0.2, factor: [0.7, 1.4] },
    appearance: {
      noise: { probability: 0.1, std: [0, 0.1] },
      blur: { probability: 0.2, sigma: [0.5, 1] },
      brightness: { probability: 0.15, factor: [0.75, 1.25] },
      contrast: { probability: 0.15, factor: [0.75, 1.25] },
      lowResolution: { probability: 0.25, zoom: [0.5, 1] },
      gamma: { probability: 0.3, exponent: [0.7, 1.5], invert: 0 },
    },
  },
}
// All of it, on every image: the dearest batch that can be drawn.
recipes.everything = {
  ...none,
  scale: { probability: 1, factor: [0.7, 1.4] },
  elastic: { probability: 1, spacing: 32, magnitude: [4, 12] },
  appearance: {
    ...Object.fromEntries(
      Object.entries(recipes.nnunet.appearance).map(([name, one]) => [name, { ...one, probability: 1 }]),
    ),
    colour: { probability: 1, brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.25 },
  },
}

const images = rand([batch, 3, ...side])
const masks = discMasks(batch, size)
const sources = Array.from({ length: batch }, (_, i) => ({ name: `${i}`, size: side }))
let step = 0
const augmented = (recipe) => () => {
  const { cases } = drawBatch(recipe, sources, [], side, { seed: 1, number: step++ })
  const moved = applyAugmentation(images, masks, cases, { size: side })
  moved.images.free()
  moved.masks.free()
}

const args = [
  '--draws',
  DRAWS,
  '--batch',
  batch,
  '--size',
  size,
  '--steps',
  options.steps,
  '--warmup',
  options.warmup,
]
const python = await PythonSide.start('augmentation.py', args, options)
printHeader(`Augmentation, batch ${batch}, ${size}x${size} RGB with one mask`, python.facts)
const neighbours = new Neighbours([python.pid])
const measured = Object.keys(recipes).map((name) => ({
  name,
  call: augmented(recipes[name]),
  ours: [],
  theirs: [],
}))
for (const { call } of measured) timed(call, options.warmup)
for (let round = 0; round < options.rounds; round++) {
  const answer = await python.block()
  for (const { name, call, ours, theirs } of measured) {
    const block = () => timed(call, DRAWS)
    ours.push(timed(block, options.steps).map((seconds) => seconds / DRAWS))
    theirs.push(answer[name])
  }
}
python.stop()

let training = null
if (options['train-steps'] > 0) {
  const widths = String(options.widths).split(',').map(Number)
  const network = new UnetNetwork(2, 3, 1, { widths, upsampling: 'conv', deepSupervision: false })
  const adam = new optim.Adam(network.parameters(), { lr: 1e-3 })
  const targets = masks.float()
  const train = () => {
    adam.zeroGrad()
    scope(() => F.binaryCrossEntropyWithLogits(network.forward(images)[0], targets).backward())
    adam.step()
  }
  timed(train, 1)
  training = summary(timed(train, options['train-steps']))
}

const results = measured.map(({ name, ours, theirs }) => {
  const found = compare(ours, theirs)
  // Against the fastest step: what slows a step down must not flatter the share.
  return { variant: name, ...found, ...(training ? { shareOfStep: found.ours.median / training.min } : {}) }
})
console.log(
  table([
    ['', 'ours', 'PyTorch', 'ratio', 'of a step'],
    ...results.map(({ variant, ours, python: other, ratio, shareOfStep }) => [
      variant,
      milliseconds(ours),
      milliseconds(other),
      number(ratio),
      shareOfStep === undefined ? '' : `${number(100 * shareOfStep)} %`,
    ]),
  ]),
)
if (training) console.log(`\nA training step of the U-Net (${options.widths}): ${milliseconds(training)}.`)
console.log('\nTimes are processor time, medians over blocks of ten batches; the ratio is PyTorch / ours.\n')
const targets = results.flatMap(({ variant, ratio, shareOfStep }) => [
  ...(variant === 'everything'
    ? []
    : [{ name: `${variant}, times as fast as PyTorch`, value: ratio, bound: 'at least', limit: 1 }]),
  ...(shareOfStep === undefined
    ? []
    : [{ name: `${variant}, share of a step`, value: shareOfStep, bound: 'at most', limit: 0.05 }]),
])
printTargets(targets)
finish('augmentation', options, neighbours, {
  settingsOfBatch: { batch, size, widths: options.widths },
  training,
  results,
  targets,
  reason: `Why: both sides transform whole batches with the same kernels. Ours makes one resampling of flips, rotation and scale, and
runs each change of values only on the images that drew it, a blur as sums of shifted copies.`,
})
