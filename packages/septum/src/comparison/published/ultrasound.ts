import { percent } from './row.js'
import type { PublishedTable } from './types.js'

/** Breast lesions in ultrasound, four folds: Jaccard, precision, recall, specificity, Dice. */
export const ultrasoundTable: PublishedTable = {
  id: 'm2snet-busi',
  title: 'BUSI',
  source: 'Zhao et al.: M2SNet, arXiv 2303.10894, table 4 and, for nnU-Net, table 7',
  setting:
    'four-fold cross-validation over 647 images with a lesion, images without one left out; ± over the folds where the table gives it',
  datasets: /busi|breast.*ultrasound/i,
  metrics: ['jaccard', 'precision', 'recall', 'specificity', 'dice'],
  rows: [
    percent('U-Net', [51.54, 56.84, 71.18, 95.2, 57.61], [1.17, 1.85, 2.87, 0.83, 1.26]),
    percent('U-Net++', [50.17, 57.34, 70.81, 95.85, 58.54]),
    percent('Attention U-Net', [46.91, 55.84, 70.77, 95.56, 57.39]),
    percent('UTNet', [67.46, 79.88, 74.82, 98.37, 74.41]),
    percent('TransUNet', [71.47, 81.66, 80.78, 98.05, 79.0]),
    percent('SKU-Net', [64.48, 75.37, 78.56, 97.21, 74.03]),
    percent('NU-Net', [68.86, 78.9, 82.48, 97.79, 77.79]),
    percent('MSNet', [70.57, 82.73, 78.5, 98.29, 78.18], [3.38, 2.72, 4.56, 0.44, 3.75]),
    percent('M2SNet', [71.52, 84.0, 79.97, 98.35, 79.21], [1.19, 0.55, 1.65, 0.2, 1.28]),
    percent('nnU-Net', [71.3, null, null, 97.46, 78.96], [2.29, null, null, null, 2.09]),
    percent('M2SNet in nnU-Net', [74.43, null, null, 98.94, 80.26], [1.74, null, null, null, 1.26]),
  ],
}
