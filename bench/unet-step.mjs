// Training step of a small 2-D U-Net: the bridge against Python, the same layout on both sides.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'U-Net training step, the same memory layout on both sides',
  { threads: 2, rounds: 4, steps: 3 },
  {
    batch: { type: 'string', default: '8', help: 'images in a step' },
    size: { type: 'string', default: '128', help: 'side of an image' },
    widths: { type: 'string', default: '32,64,128,256', help: 'channels of the levels, fine to coarse' },
  },
)
const { F, optim, rand, scope } = await import('@septum/torch')
const { compareTraining, discMasks } = await import('./lib/training.mjs')
const { UnetNetwork } = await import('../packages/septum/dist/methods/unet/network.js')

const widths = String(options.widths).split(',').map(Number)

function variant(name, channelsLast) {
  const network = new UnetNetwork(2, 1, 1, { widths, upsampling: 'conv', deepSupervision: false })
  const images = rand([options.batch, 1, options.size, options.size])
  // The network asks for channels-last itself; an input that stays as it is keeps the default layout throughout.
  if (!channelsLast) images.to = () => images
  const masks = discMasks(options.batch, options.size).float()
  const adam = new optim.Adam(network.parameters(), { lr: 1e-3 })
  const step = () => {
    adam.zeroGrad()
    scope(() => F.binaryCrossEntropyWithLogits(network.forward(images)[0], masks).backward())
    adam.step()
  }
  const layout = channelsLast ? ['--channels-last'] : []
  const args = ['--batch', options.batch, '--size', options.size, '--widths', options.widths, ...layout]
  // 1.03 times Python's time is 1 / 1.03 of its speed.
  return { name, step, script: 'plain_unet.py', args, parameters: network.parameterCount(), least: 1 / 1.03 }
}

await compareTraining(
  'unet-step',
  `U-Net ${widths.join(', ')}, training step, batch ${options.batch}, ${options.size}x${options.size}`,
  options,
  [variant('channels-last', true), variant('default layout', false)],
  `Why: both sides call the same libtorch kernels; what differs is the language around them, the optimiser
(multi-tensor calls here, a loop over the weights in PyTorch 1.13) and where memory comes from (freed blocks are used
again here, and handed back to the system by the C library there).`,
)
