import type { ReadLimits } from '../formats/index.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'
import { decodeLabels } from './mask-coding.js'
import { readSource } from './sources.js'

/**
 * Reads the masks of a case as labels: 0 background, i + 1 the data set's class i (with regions, the labels that
 * `regions` is told in), `IGNORE_LABEL` what nobody marked. A rater without a file marked nothing.
 * @returns [R, ...size].
 * @throws SeptumError as `readSource`; `mask-values` for a value without a meaning.
 */
export async function readCaseMasks(
  { coding, raters }: Pick<FolderDataset, 'coding' | 'raters'>,
  entry: Pick<SegmentationCase, 'masks' | 'shape'>,
  limits: Partial<ReadLimits> = {},
): Promise<Uint8Array> {
  const samples = entry.shape.slice(1).reduce((product, size) => product * size, 1)
  const labels = new Uint8Array(raters.length * samples)
  for (const [index, source] of entry.masks.entries()) {
    if (!source) continue
    const mask = await readSource(source, limits)
    const out = coding.kind === 'bits' ? labels : labels.subarray(index * samples, (index + 1) * samples)
    decodeLabels(mask, source.header.format === 'JPEG', coding, out, source.file)
  }
  return labels
}
