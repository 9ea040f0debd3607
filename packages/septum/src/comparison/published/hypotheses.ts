import { row } from './row.js'
import type { Origin, PublishedRow, PublishedTable } from './types.js'

const from = (origin: Origin, label: string, values: readonly (number | null)[]): PublishedRow => ({
  ...row(label, values),
  origin,
})

/** Lung nodules with four raters: squared energy distance, IoU under the best matching, Soft-Dice. */
export const lidcTable: PublishedTable = {
  id: 'ar-seg-lidc',
  title: 'LIDC-IDRI',
  source: 'AR-Seg, table 1, as a public benchmark card quotes it',
  setting:
    '16 masks for each of 1980 crops of 128 x 128, after training on 10,836 others; brackets of the card and earlier tables of the same group for the rest',
  datasets: /lidc/i,
  metrics: ['ged', 'hmIou', 'softDice'],
  rows: [
    from('recalled', 'Probabilistic U-Net', [0.32, 0.5, null]),
    from('recalled', 'Hierarchical Probabilistic U-Net', [0.27, 0.53, 0.624]),
    from('recalled', 'CAR', [0.264, 0.592, 0.633]),
    from('recalled', 'SegDiff', [0.248, 0.585, 0.637]),
    from('recalled', 'MedSegDiff', [0.42, 0.413, 0.453]),
    from('quoted', 'BerDiff', [0.238, 0.596, 0.644]),
    from('quoted', 'AR-Seg', [0.232, 0.616, 0.658]),
  ],
}
