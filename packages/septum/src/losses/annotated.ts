import { type Tensor, tensor } from '@septum/torch'

/** The maps of a batch that the masks of their cases tell of. */
export interface AnnotatedPairs {
  /** @param maps [N, K, ...size] @returns [P, 1, ...size] */
  pick(maps: Tensor): Tensor
  /** The map of the case of each pair. @param maps [N, 1, ...size] @returns [P, 1, ...size] */
  pickCase(maps: Tensor): Tensor
}

/**
 * Where cases of one batch come from data sets of unlike classes, the pairs of case and class that a loss may look at:
 * each becomes an image of its own with one class, so that means over images and classes are means over the pairs.
 * @param annotated classes of each case, from 0; absent: all
 * @returns null where every case tells of every class
 */
export function annotatedPairs(
  annotated: readonly (readonly number[])[] | undefined,
  classes: number,
): AnnotatedPairs | null {
  if (!annotated?.some((own) => own.length < classes)) return null
  const pairs = annotated.flatMap((own, n) => own.map((k) => [n, k] as const))
  const rowsOf = (maps: Tensor, rows: readonly number[]) =>
    maps.indexSelect(0, tensor(rows, { dtype: 'int64', device: maps.device }))
  return {
    pick: (maps) =>
      rowsOf(
        maps.flatten(0, 1).unsqueeze(1),
        pairs.map(([n, k]) => n * classes + k),
      ),
    pickCase: (maps) =>
      rowsOf(
        maps,
        pairs.map(([n]) => n),
      ),
  }
}
