import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { SkuNetNetwork } from './model.js'
import { type SkuNetOptions, skuNetOptions } from './options.js'

export const skuNet: Method<SkuNetOptions> = {
  name: 'sku-net',
  title: 'SK-U-Net',
  summary: 'a small U-Net whose layers choose between a plain and a dilated convolution; one mask',
  paper:
    'Byra et al.: Breast mass segmentation in ultrasound with selective kernel U-Net, Biomed. Signal Process. Control 2020',
  options: skuNetOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('SK-U-Net', task)
    const network = new SkuNetNetwork(task.imageChannels, mapCount(options, task), options)
    return new MaskNetworkModel('sku-net', network, options, task)
  },
}

export { SkuNetNetwork } from './model.js'
export * from './options.js'
export { SelectiveLayer } from './selective-layer.js'
