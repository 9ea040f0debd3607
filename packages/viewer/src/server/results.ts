import { type BundleClass, maskOfClass } from '@septum/core'
import { niftiBytes } from 'septum/browser'
import type { ClassMaps, RunResult, VolumeResult } from '../engine/messages.js'
import { readNifti } from '../files/nifti.js'
import type { OpenPicture } from '../files/picture.js'
import type { OpenVolume } from '../files/volume.js'
import type { ServerAnswer, ServerQuestion } from './client.js'

/**
 * What a server is given of an image: its name there, the picture as it was opened, or, of volumes, slices and DICOM, values
 * and place only, so that no name of a patient is sent.
 */
export function sentImage(source: OpenPicture | OpenVolume): ServerQuestion['image'] {
  if (source.reference !== undefined) return { reference: source.reference }
  if ('file' in source && source.file) return source.file
  return new Blob([niftiBytes(source.image) as BlobPart])
}

/** A server's answer as the page's own engine would give it; without stages. @throws SeptumError of a broken file. */
export async function pictureResult(
  answer: ServerAnswer,
  classes: readonly BundleClass[],
  seed: number,
): Promise<RunResult> {
  const [[mask], samples, [maps]] = await Promise.all([
    labelsOf(answer, 'mask'),
    labelsOf(answer, 'sample'),
    answer.files('probability'),
  ])
  const probability = (await readNifti(maps!)).image.data
  const pixels = mask!.length
  const hypotheses = samples.length > 0 ? samples : [mask!]
  return {
    classes: classes.map(
      (entry, c): ClassMaps => ({
        samples: hypotheses.map((labels) => maskOfClass(labels, entry)),
        probability: Float32Array.from(probability.subarray(c * pixels, (c + 1) * pixels)),
      }),
    ),
    stages: [],
    seconds: answer.job.result.seconds,
    seed,
  }
}

/** As `pictureResult`, of a volume. */
export async function volumeResult(answer: ServerAnswer, seed: number): Promise<VolumeResult> {
  const [[mask], hypotheses] = await Promise.all([labelsOf(answer, 'mask'), labelsOf(answer, 'sample')])
  const { size, classes, seconds } = answer.job.result
  return { size, labels: mask!, hypotheses, statistics: classes, seconds, seed }
}

async function labelsOf(answer: ServerAnswer, kind: 'mask' | 'sample'): Promise<Uint8Array[]> {
  const images = await Promise.all((await answer.files(kind)).map(readNifti))
  return images.map(({ image }) => Uint8Array.from(image.data))
}
