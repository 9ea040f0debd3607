/**
 * Label map of classes that exclude each other: the most probable one where it is more probable than background, which
 * has what is left of 1. The first of equal ones counts.
 * @param probabilities one map [pixels] for each class. @returns [pixels], 0 background, i + 1 for class i.
 */
export function exclusiveLabels(probabilities: readonly Float32Array[]): Uint8Array {
  const labels = new Uint8Array(probabilities[0]?.length ?? 0)
  for (let pixel = 0; pixel < labels.length; pixel++) {
    let [sum, most, label] = [0, 0, 0]
    for (const [c, map] of probabilities.entries()) {
      const p = map[pixel]!
      sum += p
      if (p > most) {
        most = p
        label = c + 1
      }
    }
    if (most > 1 - sum) labels[pixel] = label
  }
  return labels
}
