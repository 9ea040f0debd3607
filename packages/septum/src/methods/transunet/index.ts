import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { TransunetNetwork } from './model.js'
import { type TransunetOptions, transunetOptions } from './options.js'

export const transunet: Method<TransunetOptions> = {
  name: 'transunet',
  title: 'TransUNet',
  summary: 'a ResNet-50, a vision transformer on its coarsest map, and a U-Net decoder; one mask',
  paper:
    'Chen et al.: TransUNet: Transformers make strong encoders for medical image segmentation, arXiv 2102.04306',
  options: transunetOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('TransUNet', task)
    const size = [task.imageSize[0]!, task.imageSize[1]!] as const
    const network = new TransunetNetwork(task.imageChannels, mapCount(options, task), size, options)
    return new MaskNetworkModel('transunet', network, options, task)
  },
}

export { importTransunet, type TransunetImport } from './import.js'
export { TransunetNetwork } from './model.js'
export * from './options.js'
