import type { Method } from '../method.js'
import { AcsNet } from './model.js'
import { type AcsNetOptions, acsnetOptions } from './options.js'

export const acsnet: Method<AcsNetOptions> = {
  name: 'acsnet',
  title: 'ACSNet',
  summary:
    'a U-shaped network that looks twice where its coarser map is unsure and weighs local against global context',
  paper: 'Zhang et al.: Adaptive context selection for polyp segmentation, MICCAI 2020',
  options: acsnetOptions,
  heeds: ['regions', 'ignores'],
  build: (options, task) => new AcsNet(options, task),
}

export { AcsNet } from './model.js'
export { AcsNetwork } from './network.js'
export * from './options.js'
