/** Pixels that more than half of the masks mark; the mask itself where there is one. */
export function majority(masks: readonly Uint8Array[]): Uint8Array {
  if (masks.length === 1) return masks[0]!
  const votes = new Uint16Array(masks[0]!.length)
  for (const mask of masks) for (let i = 0; i < votes.length; i++) votes[i]! += mask[i]!
  return Uint8Array.from(votes, (count) => (2 * count > masks.length ? 1 : 0))
}

/** Mean of maps of equal length. */
export function meanMap(maps: readonly ArrayLike<number>[]): Float32Array {
  const mean = new Float32Array(maps[0]!.length)
  for (const map of maps) for (let i = 0; i < mean.length; i++) mean[i]! += map[i]!
  return mean.map((value) => value / maps.length)
}

/**
 * The winning label of each pixel: the class of the largest probability, where that is above the threshold.
 * With a background map the largest of all wins, as in a softmax.
 * @param classes one map a class. @returns 0 for the background, else the place of the class from 1.
 */
export function winners(
  classes: readonly Float32Array[],
  background: Float32Array | null,
  threshold: number,
): Uint8Array {
  const out = new Uint8Array(classes[0]!.length)
  for (let i = 0; i < out.length; i++) {
    let best = background ? background[i]! : threshold
    for (let c = 0; c < classes.length; c++) {
      if (classes[c]![i]! > best) {
        best = classes[c]![i]!
        out[i] = c + 1
      }
    }
  }
  return out
}
