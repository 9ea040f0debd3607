import { MaskNetworkModel, requirePictures } from '../mask-network.js'
import { mapCount } from '../mask-recipe.js'
import type { Method } from '../method.js'
import { NuNetNetwork } from './model.js'
import { type NuNetOptions, nuNetOptions } from './options.js'

export const nuNet: Method<NuNetOptions> = {
  name: 'nu-net',
  title: 'NU-Net',
  summary: 'a U-Net of eight levels with smaller U-Nets between its encoder and decoder; one mask',
  paper:
    'Chen et al.: NU-net: Rethinking the unpretentious U-net for medical ultrasound image segmentation, 2022',
  options: nuNetOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('NU-Net', task)
    const network = new NuNetNetwork(task.imageChannels, mapCount(options, task), options)
    return new MaskNetworkModel('nu-net', network, options, task)
  },
}

export { NuNetNetwork } from './model.js'
export * from './options.js'
