import type { Method } from '../method.js'
import { InfNet } from './model.js'
import { type InfNetOptions, infnetOptions } from './options.js'

export const infnet: Method<InfNetOptions> = {
  name: 'infnet',
  title: 'Inf-Net',
  summary:
    'PraNet with a branch for contours that guides every correction; one mask, for slices of computed tomography',
  paper: 'Fan et al.: Inf-Net: Automatic COVID-19 lung infection segmentation from CT images, IEEE TMI 2020',
  options: infnetOptions,
  heeds: ['regions', 'ignores'],
  build: (options, task) => new InfNet(options, task),
}

export { InfNet } from './model.js'
export { InfNetNetwork } from './network.js'
export * from './options.js'
