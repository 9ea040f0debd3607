import { requirePictures } from '../mask-network.js'
import type { Method } from '../method.js'
import { PnsNet } from './model.js'
import { type PnsNetOptions, pnsNetOptions } from './options.js'

export const pnsNet: Method<PnsNetOptions> = {
  name: 'pns-net',
  title: 'PNS-Net',
  summary:
    'attention to neighbours at four distances on the coarsest map of a Res2Net; here within one frame',
  paper:
    'Ji et al.: Progressively normalized self-attention network for video polyp segmentation, MICCAI 2021',
  options: pnsNetOptions,
  heeds: ['regions', 'ignores'],
  build(options, task) {
    requirePictures('PNS-Net', task)
    return new PnsNet(options, task)
  },
}

export { PnsNet } from './model.js'
export { PnsNetwork } from './network.js'
export { NormalizedAttention } from './normalized-attention.js'
export * from './options.js'
