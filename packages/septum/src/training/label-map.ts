/**
 * One label map of a probability map for each class: the most probable class above one half, label i + 1 for class i.
 * Of regions, which may overlap, the one of the fewest labels: a core shows within the whole.
 * @param maps of each class, all of one length @param regions labels of each class
 */
export function labelMap(
  maps: readonly Float32Array[],
  regions?: readonly (readonly number[])[],
): Uint8Array {
  const samples = maps[0]!.length
  const label = new Uint8Array(samples)
  if (regions) {
    const order = maps.map((_, c) => c).sort((a, b) => regions[b]!.length - regions[a]!.length || a - b)
    for (const c of order) for (let i = 0; i < samples; i++) if (maps[c]![i]! > 0.5) label[i] = c + 1
    return label
  }
  const best = new Float32Array(samples).fill(0.5)
  for (const [c, map] of maps.entries()) {
    for (let i = 0; i < samples; i++) {
      if (map[i]! > best[i]!) {
        best[i] = map[i]!
        label[i] = c + 1
      }
    }
  }
  return label
}
