// Augmentation of a batch against the M2SNet training step that it feeds, and against the same transforms in PyTorch.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Augmentation of a batch: its share of a training step, and the same transforms in PyTorch',
  { threads: 1, rounds: 3, steps: 1 },
  {
    batch: { type: 'string', default: '4', help: 'images in a batch and in a training step' },
    size: { type: 'string', default: '352', help: 'side of an image' },
    'train-steps': {
      type: 'string',
      default: '1',
      help: 'measured training steps of M2SNet in a round; 0: none',
    },
  },
)
const { optim, rand, scope } = await import('@septum/torch')
const { discMasks } = await import('./lib/training.mjs')
const { compare, finish, milliseconds, Neighbours, number, printHeader, printTargets, summary, table } =
  await import('./lib/measure.mjs')
const { PythonSide } = await import('./lib/python.mjs')
const { applyAugmentation, drawBatch } = await import('../packages/septum/dist/datasets/augment/index.js')
const { M2SNetwork, m2snetOptions } = await import('../packages/septum/dist/methods/m2snet/index.js')
const { structureLoss } = await import('../packages/septum/dist/losses/structure-loss.js')

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

/** A step as M2SNet is trained, on images of one size. */
function trainingStep() {
  const network = new M2SNetwork(1, m2snetOptions.parse({})).to({ memoryFormat: 'channels_last' }).train()
  const recipe = { lr: 1e-3, momentum: 0.9, weightDecay: 5e-4, nesterov: true }
  const sgd = new optim.SGD(network.parameters(), recipe)
  const pixels = images.to({ memoryFormat: 'channels_last' })
  const targets = masks.float()
  return () => {
    sgd.zeroGrad()
    scope(() => structureLoss(network.forward(pixels)[0], targets).total.backward())
    sgd.step()
  }
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
const trainSteps = options['train-steps']
const train = trainSteps > 0 ? trainingStep() : null
const training = []
for (const { call } of measured) timed(call, options.warmup)
if (train) timed(train, 1)
for (let round = 0; round < options.rounds; round++) {
  const answer = await python.block()
  for (const { name, call, ours, theirs } of measured) {
    const block = () => timed(call, DRAWS)
    ours.push(timed(block, options.steps).map((seconds) => seconds / DRAWS))
    theirs.push(answer[name])
  }
  if (train) training.push(...timed(train, trainSteps))
}
python.stop()

const results = measured.map(({ name, ours, theirs }) => {
  const found = compare(ours, theirs)
  // Against the fastest step: what slows a step down must not flatter the share.
  return {
    variant: name,
    ...found,
    ...(train ? { shareOfStep: found.ours.median / Math.min(...training) } : {}),
  }
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
if (train) console.log(`\nA training step of M2SNet on such a batch: ${milliseconds(summary(training))}.`)
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
  settingsOfBatch: { batch, size },
  training: train ? summary(training) : null,
  results,
  targets,
  reason: `Why: both sides transform whole batches with the same kernels. Ours makes one resampling of flips, rotation and scale, and
runs each change of values only on the images that drew it, a blur as sums of shifted copies.`,
})
