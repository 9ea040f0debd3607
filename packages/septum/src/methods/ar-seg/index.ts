import type { Method } from '../method.js'
import { ArSeg } from './model.js'
import { type ArSegOptions, arSegOptions } from './options.js'

export const arSeg: Method<ArSegOptions> = {
  name: 'ar-seg',
  title: 'AR-Seg',
  summary:
    'next-scale autoregressive mask prediction: several plausible masks, coarse to fine, and their consensus',
  paper:
    'Chen, Wang, Chen, Shan: autoregressive medical image segmentation via next-scale mask prediction, MICCAI 2025, arXiv 2502.20784',
  options: arSegOptions,
  // Its tokens stand for whole masks: a mask with pixels left out has none.
  heeds: ['regions'],
  build: (options, task) => new ArSeg(options, task),
}
export { ArSeg } from './model.js'
export * from './options.js'
