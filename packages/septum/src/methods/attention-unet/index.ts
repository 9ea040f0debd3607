import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { AttentionUnetNetwork } from './model.js'
import { type AttentionUnetOptions, attentionUnetOptions } from './options.js'

export const attentionUnet: Method<AttentionUnetOptions> = {
  name: 'attention-unet',
  title: 'Attention U-Net',
  summary: 'a U-Net whose skips pass a gate, driven by the coarser decoder map; one mask',
  paper: 'Oktay et al.: Attention U-Net: Learning where to look for the pancreas, MIDL 2018',
  options: attentionUnetOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('Attention U-Net', task)
    const network = new AttentionUnetNetwork(task.imageChannels, mapCount(options, task), options)
    return new MaskNetworkModel('attention-unet', network, options, task, {
      rate: (name) => (name.includes('.backbone.') ? options.encoderRate : 1),
    })
  },
}

export { AttentionUnetNetwork } from './model.js'
export * from './options.js'
