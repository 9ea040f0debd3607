import { row } from './row.js'
import type { PublishedTable } from './types.js'

/** Inf-Net's own numbers on its own division: Dice, sensitivity, specificity, S, mean E, MAE. */
export const infnetTable: PublishedTable = {
  id: 'infnet-semiseg',
  title: 'COVID-SemiSeg',
  source: 'Fan et al.: Inf-Net, IEEE TMI 2020, and the results of its released evaluation',
  setting:
    'trained on 50 slices (Semi-Inf-Net: and on 1600 without masks), tested on 48; means over 256 thresholds',
  datasets: /semi-?seg/i,
  metrics: ['meanDice', 'meanRecall', 'meanSpecificity', 'sMeasure', 'meanE', 'mae'],
  rows: [
    row('Inf-Net', [0.682, 0.692, 0.943, 0.781, 0.838, 0.082]),
    row('Semi-Inf-Net', [0.739, 0.725, 0.96, 0.8, 0.894, 0.064]),
  ],
}

/** Lung infection in CT slices: DSC, precision, recall, S, MAE. */
export const lungTable: PublishedTable = {
  id: 'm2snet-lung',
  title: 'Lung infection',
  source: 'Zhao et al.: M2SNet, arXiv 2303.10894, table 3 and, for nnU-Net, table 7',
  setting:
    'trained on 894 slices of two public sets, tested on 383; slices of one volume may lie on both sides',
  datasets: /covid|lung.?inf/i,
  metrics: ['meanDice', 'meanPrecision', 'meanRecall', 'sMeasure', 'mae'],
  rows: [
    row('U-Net', [0.736, 0.782, 0.793, 0.834, 0.007]),
    row('U-Net++', [0.592, 0.637, 0.748, 0.806, 0.01]),
    row('Attention U-Net', [0.65, 0.755, 0.715, 0.801, 0.01]),
    row('UTNet', [0.735, 0.782, 0.786, 0.836, 0.007]),
    row('TransUNet', [0.71, 0.77, 0.776, 0.831, 0.007]),
    row('Inf-Net', [0.783, 0.774, 0.852, 0.853, 0.007]),
    row('BCS-Net', [0.763, 0.775, 0.763, 0.84, 0.007]),
    row('MSNet', [0.779, 0.815, 0.802, 0.846, 0.007]),
    row('M2SNet', [0.795, 0.825, 0.813, 0.855, 0.006]),
    row('nnU-Net', [0.819, null, null, 0.854, 0.005]),
    row('M2SNet in nnU-Net', [0.848, null, null, 0.855, 0.005]),
  ],
}
