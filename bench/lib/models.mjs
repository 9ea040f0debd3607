import { manualSeed } from '@septum/torch'
import { ArSeg } from '../../packages/septum/dist/methods/ar-seg/model.js'
import { arSegOptions } from '../../packages/septum/dist/methods/ar-seg/options.js'

/** AR-Seg at the paper's size for 128x128 grey images and one class, as released, with random weights. */
export function arSegModel(options = {}) {
  manualSeed(0)
  const released = { positions: 'zeros', imageAtTokens: false }
  const task = { dimensions: 2, imageChannels: 1, classes: ['lesion'], raters: 1, imageSize: [128, 128] }
  return new ArSeg(arSegOptions.parse({ ...options, segmentor: { ...released, ...options.segmentor } }), task)
}
