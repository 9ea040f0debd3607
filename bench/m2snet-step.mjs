// M2SNet at the paper's size: training step against plain eager PyTorch with dense kernels of ones.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'M2SNet training step, batch 4 of 352x352, against plain eager PyTorch',
  { threads: 1, rounds: 1, steps: 1 },
  {
    batch: { type: 'string', default: '4', help: 'images in a step' },
    size: { type: 'string', default: '352', help: 'side of an image' },
  },
)
const { optim, randn, scope } = await import('@septum/torch')
const { compareTraining, discMasks } = await import('./lib/training.mjs')
const { M2SNetwork, m2snetOptions } = await import('../packages/septum/dist/methods/m2snet/index.js')
const { structureLoss } = await import('../packages/septum/dist/losses/structure-loss.js')

const network = new M2SNetwork(1, m2snetOptions.parse({})).to({ memoryFormat: 'channels_last' }).train()
const images = randn([options.batch, 3, options.size, options.size]).to({ memoryFormat: 'channels_last' })
const masks = discMasks(options.batch, options.size).float()
const sgd = new optim.SGD(network.parameters(), {
  lr: 1e-3,
  momentum: 0.9,
  weightDecay: 5e-4,
  nesterov: true,
})
const step = () => {
  sgd.zeroGrad()
  scope(() => structureLoss(network.forward(images)[0], masks).total.backward())
  sgd.step()
}
const args = ['--batch', options.batch, '--size', options.size]
const parameters = network.parameterCount()
const variant = { step, script: 'plain_m2snet.py', parameters }

await compareTraining(
  'm2snet-step',
  `M2SNet, training step, batch ${options.batch}, ${options.size}x${options.size}`,
  options,
  [{ ...variant, name: 'against the default layout', args, least: 1.5, memory: 1 }],
  `Why: box sums over all channels as one map (the dense kernels of ones double the multiply-adds), channels-last
convolutions, ReLU in place, the 31x31 mean of the loss along rows and then columns, and multi-tensor SGD.`,
)
