import type { Method } from '../method.js'
import { M2SNet } from './model.js'
import { type M2SNetOptions, m2snetOptions, msnetOptions } from './options.js'

export const m2snet: Method<M2SNetOptions> = {
  name: 'm2snet',
  title: 'M2SNet',
  summary:
    'differences of neighbouring levels at several window sizes, in place of their sum; one mask, photographs and slices',
  paper: 'Zhao et al.: M2SNet: Multi-scale in multi-scale subtraction network, arXiv 2303.10894',
  options: m2snetOptions,
  heeds: ['regions', 'ignores', 'annotated'],
  plans: ({ recipe, batchSize }) => recipe === 'nnunet' && batchSize === null,
  build: (options, task) => new M2SNet(options, task),
}

export const msnet: Method<M2SNetOptions> = {
  name: 'msnet',
  title: 'MSNet',
  summary:
    'differences of neighbouring levels pixel by pixel, in place of their sum: M2SNet with one window size',
  paper: 'Zhao, Zhang, Lu: Automatic polyp segmentation via multi-scale subtraction network, MICCAI 2021',
  options: msnetOptions,
  heeds: ['regions', 'ignores', 'annotated'],
  plans: ({ recipe, batchSize }) => recipe === 'nnunet' && batchSize === null,
  build: (options, task) => new M2SNet(options, task),
}

export { M2SNet } from './model.js'
export { M2SNetwork } from './network.js'
export * from './options.js'
