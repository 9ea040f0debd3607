import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { UtnetNetwork } from './model.js'
import { type UtnetOptions, utnetOptions } from './options.js'

export const utnet: Method<UtnetOptions> = {
  name: 'utnet',
  title: 'UTNet',
  summary: 'a residual U-Net with attention over reduced keys in encoder and decoder; one mask',
  paper:
    'Gao, Zhou, Metaxas: UTNet: A hybrid transformer architecture for medical image segmentation, MICCAI 2021',
  options: utnetOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('UTNet', task)
    const network = new UtnetNetwork(task.imageChannels, mapCount(options, task), options)
    return new MaskNetworkModel('utnet', network, options, task, {
      headWeights: [1, ...options.auxiliaryWeights],
    })
  },
}

export { UtnetNetwork } from './model.js'
export * from './options.js'
