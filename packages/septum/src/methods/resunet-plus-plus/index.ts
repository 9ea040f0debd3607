import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { ResunetPlusPlusNetwork } from './model.js'
import { type ResunetPlusPlusOptions, resunetPlusPlusOptions } from './options.js'

export const resunetPlusPlus: Method<ResunetPlusPlusOptions> = {
  name: 'resunet-plus-plus',
  title: 'ResUNet++',
  summary:
    'a small residual U-Net with channel gates, dilated convolutions and attention in the decoder; one mask',
  paper: 'Jha et al.: ResUNet++: An advanced architecture for medical image segmentation, ISM 2019',
  options: resunetPlusPlusOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('ResUNet++', task)
    const network = new ResunetPlusPlusNetwork(task.imageChannels, mapCount(options, task), options)
    return new MaskNetworkModel('resunet-plus-plus', network, options, task)
  },
}

export { ResunetPlusPlusNetwork } from './model.js'
export * from './options.js'
