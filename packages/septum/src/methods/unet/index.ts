import type { Method } from '../method.js'
import { Unet } from './model.js'
import { type UnetOptions, unetOptions } from './options.js'

export const unet: Method<UnetOptions> = {
  name: 'unet',
  title: 'U-Net',
  summary:
    'the plain U-Net in two and three dimensions: one mask, no hypotheses; the baseline of everything else',
  paper:
    'Ronneberger, Fischer, Brox: U-Net, MICCAI 2015; padded convolutions with batch norm as everybody trains it',
  options: unetOptions,
  heeds: ['regions', 'ignores'],
  build: (options, task) => new Unet(options, task),
}
export { Unet } from './model.js'
export * from './options.js'
