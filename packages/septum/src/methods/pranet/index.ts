import type { Method } from '../method.js'
import { PraNet } from './model.js'
import { type PraNetOptions, pranetOptions } from './options.js'

export const pranet: Method<PraNetOptions> = {
  name: 'pranet',
  title: 'PraNet',
  summary:
    'a coarse map of the deep levels, corrected from deep to shallow where it has marked nothing; one mask, 2-D',
  paper: 'Fan et al.: PraNet: Parallel reverse attention network for polyp segmentation, MICCAI 2020',
  options: pranetOptions,
  heeds: ['regions', 'ignores'],
  build: (options, task) => new PraNet(options, task),
}

export { PraNet } from './model.js'
export { PraNetNetwork } from './network.js'
export * from './options.js'
