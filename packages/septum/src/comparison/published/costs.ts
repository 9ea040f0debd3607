import { methodOf } from './row.js'
import type { PublishedCost } from './types.js'

export const costSource =
  'Zhao et al.: M2SNet, arXiv 2303.10894, table 6; input size and machine are not stated, and the rows mix conditions (M2SNet and BCS-Net fit 256 x 256, PraNet and Inf-Net neither 256 nor 352)'

const cost = (label: string, macs: number, parameters: number, framesPerSecond: number): PublishedCost => ({
  label,
  method: methodOf(label),
  macs: macs * 1e9,
  parameters: parameters * 1e6,
  framesPerSecond,
})

export const publishedCosts: readonly PublishedCost[] = [
  cost('U-Net', 12.2, 7.2, 111),
  cost('U-Net++', 39.3, 19.2, 82),
  cost('Attention U-Net', 9.7, 12.6, 106),
  cost('UTNet', 27.1, 34.0, 44),
  cost('TransUNet', 24.7, 93.2, 59),
  cost('PraNet', 12.0, 30.5, 74),
  cost('Inf-Net', 12.4, 31.1, 68),
  cost('BCS-Net', 14.8, 44.8, 49),
  cost('M2SNet', 9.0, 27.7, 90),
]
