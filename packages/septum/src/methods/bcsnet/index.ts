import type { Method } from '../method.js'
import { BcsNet } from './model.js'
import { type BcsNetOptions, bcsnetOptions } from './options.js'

export const bcsnet: Method<BcsNetOptions> = {
  name: 'bcsnet',
  title: 'BCS-Net',
  summary:
    'boundary, global context and a coarse semantic map guide a reconstruction in three steps; one mask, 2-D',
  paper:
    'Cong et al.: BCS-Net: Boundary, context, and semantic for automatic COVID-19 lung infection segmentation from CT images, IEEE TIM 2022',
  options: bcsnetOptions,
  heeds: ['regions', 'ignores'],
  build: (options, task) => new BcsNet(options, task),
}

export { BcsNet } from './model.js'
export { BcsNetwork } from './network.js'
export * from './options.js'
