import type { ReadLimits } from '../formats/index.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'
import { readKnownPicture } from './known-picture.js'
import { decodeLabels, IGNORE_LABEL } from './mask-coding.js'
import { type ImageFile, readSource } from './sources.js'

/**
 * Reads the masks of a case as labels, with `IGNORE_LABEL` where its field of view ends: 0 background, i + 1 the data set's class i (with regions, the labels that
 * `regions` is told in), `IGNORE_LABEL` what nobody marked. A rater without a file marked nothing.
 * @returns [R, ...size].
 * @throws SeptumError as `readSource`; `mask-values` for a value without a meaning.
 */
export async function readCaseMasks(
  dataset: Pick<FolderDataset, 'coding' | 'raters'>,
  entry: Pick<SegmentationCase, 'masks' | 'shape' | 'field'>,
  limits: Partial<ReadLimits> = {},
): Promise<Uint8Array> {
  const labels = await readLabels(dataset, entry, limits)
  if (!entry.field) return labels
  const { data } = await readSource(entry.field, limits)
  const samples = entry.shape.slice(1).reduce((product, size) => product * size, 1)
  for (let i = 0; i < labels.length; i++) if (data[i % samples] === 0) labels[i] = IGNORE_LABEL
  return labels
}

async function readLabels(
  { coding, raters }: Pick<FolderDataset, 'coding' | 'raters'>,
  entry: Pick<SegmentationCase, 'masks' | 'shape'>,
  limits: Partial<ReadLimits>,
): Promise<Uint8Array> {
  const samples = entry.shape.slice(1).reduce((product, size) => product * size, 1)
  const [only, ...others] = entry.masks
  if (only && others.length === 0 && raters.length === 1 && coding.kind !== 'bits') {
    const mask = await readMask(only, limits)
    // One mask of bytes becomes labels where it lies.
    const own = mask.data instanceof Uint8Array && mask.data.length === samples
    const labels = own ? (mask.data as Uint8Array) : new Uint8Array(samples)
    decodeLabels(mask, only.header.format === 'JPEG', coding, labels, only.file)
    return labels
  }
  const labels = new Uint8Array(raters.length * samples)
  for (const [index, source] of entry.masks.entries()) {
    if (!source) continue
    const mask = await readMask(source, limits)
    const out = coding.kind === 'bits' ? labels : labels.subarray(index * samples, (index + 1) * samples)
    decodeLabels(mask, source.header.format === 'JPEG', coding, out, source.file)
  }
  return labels
}

const readMask = (source: ImageFile, limits: Partial<ReadLimits>) =>
  readKnownPicture(source) ?? readSource(source, limits)
