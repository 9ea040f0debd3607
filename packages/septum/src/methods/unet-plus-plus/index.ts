import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { UnetPlusPlusNetwork } from './model.js'
import { type UnetPlusPlusOptions, unetPlusPlusOptions } from './options.js'

export const unetPlusPlus: Method<UnetPlusPlusOptions> = {
  name: 'unet-plus-plus',
  title: 'U-Net++',
  summary: 'a U-Net whose skips are nested nodes, with heads at every depth if wanted; one mask',
  paper: 'Zhou et al.: UNet++: A nested U-Net architecture for medical image segmentation, DLMIA 2018',
  options: unetPlusPlusOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('U-Net++', task)
    const network = new UnetPlusPlusNetwork(task.imageChannels, mapCount(options, task), options)
    return new MaskNetworkModel('unet-plus-plus', network, options, task, {
      rate: (name) => (name.includes('.backbone.') ? options.encoderRate : 1),
    })
  },
}

export { UnetPlusPlusNetwork } from './model.js'
export * from './options.js'
