// M2SNet at the paper's size: inference against eager PyTorch in both layouts.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'M2SNet inference at 352x352, against eager PyTorch in its best layout',
  { threads: 1, rounds: 2, steps: 2 },
  {
    batch: { type: 'string', default: '1', help: 'images in a pass' },
    size: { type: 'string', default: '352', help: 'side of an image' },
  },
)
const { noGrad, randn, scope } = await import('@septum/torch')
const { compareTraining } = await import('./lib/training.mjs')
const { M2SNetwork, m2snetOptions } = await import('../packages/septum/dist/methods/m2snet/index.js')

const network = new M2SNetwork(1, m2snetOptions.parse({})).to({ memoryFormat: 'channels_last' }).eval()
const images = randn([options.batch, 3, options.size, options.size]).to({ memoryFormat: 'channels_last' })
const step = () => scope(() => noGrad(() => network.forward(images)[0].mean().item()))
const args = ['--inference', '--batch', options.batch, '--size', options.size]
const variant = {
  step,
  script: 'plain_m2snet.py',
  parameters: network.parameterCount(),
  least: 1.3,
  memory: 1,
}

await compareTraining(
  'm2snet-inference',
  `M2SNet, inference, batch ${options.batch}, ${options.size}x${options.size}`,
  options,
  [
    { ...variant, name: 'against channels-last', args: [...args, '--channels-last'] },
    { ...variant, name: 'against the default layout', args },
  ],
  `Why: box sums over all channels as one map in place of dense kernels of ones, which double the multiply-adds;
batch norms folded into convolutions; ReLU in place. Memory: maps of the encoder end where they were last used, and freed
memory is used again for tensors of any size.`,
)
