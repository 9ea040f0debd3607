import { row } from './row.js'
import type { PublishedTable } from './types.js'

const source = 'Zhao et al.: M2SNet, arXiv 2303.10894, table 2'
const nnunet = `${source} and, for nnU-Net, table 7`
const metrics = ['meanDice', 'meanIou', 'sMeasure', 'maxE', 'mae']
const setting = (test: string) =>
  `trained on 60 % of the clips of CVC-300 and CVC-612 (and on still images), tested on ${test}; PNS-Net sees five frames at once, the others one`

/** Polyps in videos: mDice, mIoU, S, max E, MAE. */
export const videoTables: readonly PublishedTable[] = [
  {
    id: 'm2snet-cvc-300-tv',
    title: 'CVC-300-TV',
    source: nnunet,
    setting: setting('the clips of CVC-300 that were not trained on'),
    datasets: /cvc-?300-?tv/i,
    metrics,
    rows: [
      row('U-Net', [0.639, 0.525, 0.793, 0.826, 0.027]),
      row('U-Net++', [0.649, 0.539, 0.796, 0.831, 0.024]),
      row('ResUNet++', [0.535, 0.412, 0.703, 0.718, 0.052]),
      row('ACSNet', [0.738, 0.632, 0.837, 0.871, 0.016]),
      row('PraNet', [0.739, 0.645, 0.833, 0.852, 0.016]),
      row('PNS-Net', [0.863, 0.805, 0.909, 0.921, 0.013]),
      row('MSNet', [0.837, 0.755, 0.895, 0.942, 0.014]),
      row('M2SNet', [0.876, 0.805, 0.918, 0.963, 0.01]),
      row('nnU-Net', [0.742, 0.67, 0.848, null, 0.016]),
      row('M2SNet in nnU-Net', [0.897, 0.832, 0.93, null, 0.009]),
    ],
  },
  {
    id: 'm2snet-cvc-612-v',
    title: 'CVC-612-V',
    source,
    setting: setting('the validation clips of CVC-612'),
    datasets: /cvc-?612-?v/i,
    metrics,
    rows: [
      row('U-Net', [0.725, 0.61, 0.826, 0.855, 0.023]),
      row('U-Net++', [0.684, 0.57, 0.805, 0.83, 0.025]),
      row('ResUNet++', [0.752, 0.648, 0.829, 0.877, 0.023]),
      row('ACSNet', [0.804, 0.712, 0.847, 0.887, 0.054]),
      row('PraNet', [0.869, 0.799, 0.915, 0.936, 0.013]),
      row('PNS-Net', [0.859, 0.804, 0.923, 0.944, 0.012]),
      row('MSNet', [0.889, 0.834, 0.931, 0.959, 0.009]),
      row('M2SNet', [0.897, 0.838, 0.936, 0.966, 0.01]),
    ],
  },
  {
    id: 'm2snet-cvc-612-t',
    title: 'CVC-612-T',
    source,
    setting: setting('the test clips of CVC-612'),
    datasets: /cvc-?612-?t\b/i,
    metrics,
    rows: [
      row('U-Net', [0.729, 0.635, 0.81, 0.836, 0.058]),
      row('U-Net++', [0.74, 0.635, 0.8, 0.817, 0.059]),
      row('ResUNet++', [0.617, 0.514, 0.727, 0.758, 0.084]),
      row('ACSNet', [0.782, 0.7, 0.838, 0.864, 0.053]),
      row('PraNet', [0.852, 0.786, 0.886, 0.904, 0.038]),
      row('PNS-Net', [0.841, 0.788, 0.903, 0.903, 0.038]),
      row('MSNet', [0.824, 0.761, 0.879, 0.904, 0.04]),
      row('M2SNet', [0.846, 0.782, 0.894, 0.921, 0.037]),
    ],
  },
]
