import { row } from './row.js'
import type { PublishedTable } from './types.js'

const source = 'Zhao et al.: M2SNet, arXiv 2303.10894, table 1'
const metrics = ['meanDice', 'meanIou', 'weightedF', 'sMeasure', 'maxE', 'mae']
const setting = (test: string) =>
  `trained on 900 images of Kvasir-SEG and 550 of CVC-ClinicDB at 352 x 352, tested on ${test}; which program scored the rows is not stated`

/** Polyps in photographs: mDice, mIoU, weighted F, S, max E, MAE. */
export const polypTables: readonly PublishedTable[] = [
  {
    id: 'm2snet-kvasir',
    title: 'Kvasir',
    source,
    setting: setting('100 images of Kvasir-SEG'),
    datasets: /kvasir/i,
    metrics,
    rows: [
      row('U-Net', [0.821, 0.756, 0.794, 0.858, 0.901, 0.055]),
      row('U-Net++', [0.824, 0.753, 0.808, 0.862, 0.907, 0.048]),
      row('Attention U-Net', [0.769, 0.683, 0.73, 0.828, 0.859, 0.062]),
      row('UTNet', [0.862, 0.803, 0.843, 0.886, 0.911, 0.042]),
      row('TransUNet', [0.869, 0.816, 0.847, 0.899, 0.92, 0.04]),
      row('SFA', [0.725, 0.619, 0.67, 0.782, 0.828, 0.075]),
      row('PraNet', [0.901, 0.848, 0.885, 0.915, 0.943, 0.03]),
      row('MSNet', [0.907, 0.862, 0.893, 0.922, 0.944, 0.028]),
      row('M2SNet', [0.912, 0.861, 0.901, 0.922, 0.953, 0.025]),
    ],
  },
  {
    id: 'm2snet-clinicdb',
    title: 'CVC-ClinicDB',
    source,
    setting: setting('62 images of CVC-ClinicDB'),
    datasets: /clinic ?db|cvc-?612/i,
    metrics,
    rows: [
      row('U-Net', [0.824, 0.767, 0.811, 0.889, 0.917, 0.019]),
      row('U-Net++', [0.797, 0.741, 0.785, 0.872, 0.898, 0.022]),
      row('Attention U-Net', [0.866, 0.809, 0.856, 0.908, 0.96, 0.015]),
      row('UTNet', [0.86, 0.818, 0.856, 0.91, 0.963, 0.017]),
      row('TransUNet', [0.847, 0.798, 0.831, 0.907, 0.92, 0.02]),
      row('SFA', [0.698, 0.615, 0.647, 0.793, 0.816, 0.042]),
      row('PraNet', [0.902, 0.858, 0.896, 0.935, 0.958, 0.009]),
      row('MSNet', [0.921, 0.879, 0.914, 0.941, 0.972, 0.008]),
      // The row was not in the copy of the paper that was read; later papers quote it so.
      { ...row('M2SNet', [0.922, 0.88, 0.917, 0.942, 0.97, 0.009]), origin: 'recalled' },
    ],
  },
  {
    id: 'm2snet-colondb',
    title: 'CVC-ColonDB',
    source,
    setting: setting('380 images of CVC-ColonDB'),
    datasets: /colon ?db/i,
    metrics,
    rows: [
      row('U-Net', [0.519, 0.449, 0.498, 0.711, 0.763, 0.061]),
      row('U-Net++', [0.49, 0.413, 0.467, 0.691, 0.762, 0.064]),
      row('Attention U-Net', [0.466, 0.385, 0.431, 0.67, 0.724, 0.071]),
      row('UTNet', [0.676, 0.6, 0.656, 0.799, 0.855, 0.041]),
      row('TransUNet', [0.717, 0.645, 0.685, 0.824, 0.841, 0.044]),
      row('SFA', [0.467, 0.351, 0.379, 0.634, 0.648, 0.094]),
      row('PraNet', [0.716, 0.645, 0.699, 0.82, 0.847, 0.043]),
      row('MSNet', [0.755, 0.678, 0.737, 0.836, 0.883, 0.041]),
      row('M2SNet', [0.758, 0.685, 0.737, 0.842, 0.869, 0.038]),
    ],
  },
  {
    id: 'm2snet-etis',
    title: 'ETIS',
    source: `${source} and, for nnU-Net, table 7`,
    setting: setting('196 images of ETIS-LaribPolypDB'),
    datasets: /etis/i,
    metrics,
    rows: [
      row('U-Net', [0.406, 0.343, 0.366, 0.682, 0.645, 0.036]),
      row('U-Net++', [0.413, 0.342, 0.39, 0.681, 0.704, 0.035]),
      row('Attention U-Net', [0.382, 0.308, 0.372, 0.641, 0.67, 0.05]),
      row('UTNet', [0.556, 0.489, 0.522, 0.749, 0.772, 0.022]),
      // biome-ignore lint/suspicious/noApproximativeNumericConstant: a score as printed
      row('TransUNet', [0.573, 0.512, 0.517, 0.765, 0.707, 0.029]),
      row('SFA', [0.297, 0.219, 0.231, 0.557, 0.515, 0.109]),
      row('PraNet', [0.63, 0.576, 0.6, 0.791, 0.792, 0.031]),
      row('MSNet', [0.719, 0.664, 0.678, 0.84, 0.83, 0.02]),
      row('M2SNet', [0.749, 0.678, 0.712, 0.846, 0.872, 0.017]),
      // Table 7: the framework, and M2SNet in it.
      row('nnU-Net', [0.554, 0.477, 0.51, null, 0.73, null]),
      row('M2SNet in nnU-Net', [0.78, 0.711, 0.754, null, 0.899, null]),
    ],
  },
  {
    id: 'm2snet-cvc-t',
    title: 'CVC-T',
    source,
    setting: setting('60 images of CVC-T (EndoScene)'),
    datasets: /cvc-?t\b|endoscene|cvc-?300/i,
    metrics,
    rows: [
      row('U-Net', [0.717, 0.639, 0.684, 0.842, 0.867, 0.022]),
      row('U-Net++', [0.714, 0.636, 0.687, 0.838, 0.884, 0.018]),
      row('Attention U-Net', [0.603, 0.511, 0.554, 0.76, 0.819, 0.024]),
      row('UTNet', [0.806, 0.733, 0.778, 0.882, 0.924, 0.016]),
      row('TransUNet', [0.828, 0.757, 0.785, 0.906, 0.901, 0.015]),
      row('SFA', [0.465, 0.332, 0.341, 0.64, 0.604, 0.065]),
      row('PraNet', [0.873, 0.804, 0.843, 0.924, 0.938, 0.01]),
      row('MSNet', [0.869, 0.807, 0.849, 0.925, 0.943, 0.01]),
      row('M2SNet', [0.903, 0.842, 0.881, 0.939, 0.965, 0.009]),
    ],
  },
]
