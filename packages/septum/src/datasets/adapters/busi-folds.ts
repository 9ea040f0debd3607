// Fold, 1 to 4, of each image, as the authors of NU-Net published it (C.-P. Chen et al., data/BUSI/1.xlsx to
// 4.xlsx): character n - 1 is image n of its class. Images of the class normal are in no fold.
const benign = `${'1234'.repeat(109)}2`
const malignant = `${'1213'.repeat(26)}${'4243'.repeat(9)}${'23'.repeat(17)}${'4'.repeat(36)}`

/** Number of the fold, 1 to 4, of an image such as `benign (12)`; undefined for one that no fold holds. */
export function busiFold(stem: string): number | undefined {
  const [, kind, number] = /^(benign|malignant) \((\d+)\)$/.exec(stem) ?? []
  const fold = (kind === 'benign' ? benign : kind === 'malignant' ? malignant : '')[Number(number) - 1]
  return fold === undefined ? undefined : Number(fold)
}
