import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type BundleManifest, type MedicalImage, SeptumError, stackedMasks } from '@septum/core'
import {
  type ImageHeader,
  type SegmentInfo,
  writeDicomSeg,
  writeMask,
  writeNifti,
  writePng,
} from '../../formats/index.js'
import type { InputCase } from '../input/find.js'
import type { SegmentedCase } from '../segment.js'

export type OutputFormat = 'png' | 'nifti' | 'seg'

/**
 * The format that loses least: DICOM SEG for DICOM with a place in the patient, PNG for pictures without one, NIfTI for
 * the rest.
 */
export function outputFormatFor({ format, shape, geometry }: ImageHeader): OutputFormat {
  if (format === 'DICOM' && geometry) return 'seg'
  return shape.length === 3 && !geometry ? 'png' : 'nifti'
}

/** @throws SeptumError `predict-format` for masks that the format cannot hold. */
export function checkOutputFormat(wanted: OutputFormat, header: ImageHeader, file: string): OutputFormat {
  const reason =
    wanted === 'png' && header.shape.length === 4
      ? 'A PNG holds no volume'
      : wanted === 'seg' && outputFormatFor(header) !== 'seg'
        ? 'A DICOM segmentation refers to DICOM images with a place, which this is not'
        : undefined
  if (!reason) return wanted
  throw new SeptumError('predict-format', reason, 'Leave --format out, or use nifti.', { file })
}

const endings: Readonly<Record<OutputFormat, string>> = { png: '.png', nifti: '.nii.gz', seg: '.dcm' }

/**
 * Writes labels, hypotheses and maps of a case below a folder; every file appears whole or not at all.
 * @returns the paths of the files, relative to the folder.
 * @throws SeptumError `write-failed`, and what the writer of DICOM segmentations says of its source.
 */
export async function writeCase(
  out: string,
  input: InputCase,
  item: SegmentedCase,
  { classes }: Pick<BundleManifest, 'classes'>,
  format: OutputFormat,
): Promise<string[]> {
  const { size, geometry, labels, samples, probability, uncertainty } = item
  const written: string[] = []
  const place = async (file: string): Promise<string> => {
    const path = join(out, file)
    await mkdir(dirname(path), { recursive: true })
    written.push(file)
    return path
  }
  const image = (data: Uint8Array | Float32Array, channels = 1): MedicalImage => ({
    data,
    shape: [channels, ...size],
    ...(geometry && { geometry }),
    maxValue: data instanceof Uint8Array ? 255 : 1,
  })
  const regions = classes.some(({ region }) => region)
  const flat = size.slice(-2) as [number, number]
  const writeLabels = async (name: string, map: Uint8Array): Promise<void> => {
    const path = await place(`${name}${endings[format]}`)
    // White for people; of a region it is a label of the data set.
    if (format === 'png') await writeMask(path, map, flat, classes.length === 1 && !regions ? 255 : 1)
    else if (format === 'nifti') await writeNifti(path, image(map))
    else {
      await writeDicomSeg(path, regions ? image(stackedMasks(map, classes), classes.length) : image(map), {
        source: input.files[0]!,
        segments: classes.map(segmentOf),
        ...(input.series !== undefined && { read: { series: input.series } }),
      })
    }
  }
  await writeLabels(input.name, labels)
  // Masks of an earlier run with more samples, or of another model, would be scored as this one's.
  await rm(join(out, 'samples', input.name), { recursive: true, force: true })
  for (const [s, sample] of samples.entries()) {
    await writeLabels(`samples/${input.name}/${String(s + 1).padStart(3, '0')}`, sample)
  }
  for (const [folder, map] of Object.entries({ probability, uncertainty })) {
    if (!map) continue
    if (format !== 'png') {
      await writeNifti(await place(`${folder}/${input.name}.nii.gz`), image(map, classes.length))
      continue
    }
    const pixels = map.length / classes.length
    for (const [c, { name }] of classes.entries()) {
      const suffix = classes.length === 1 ? '' : `.${fileSafe(name)}`
      const data = Uint8Array.from(map.subarray(c * pixels, (c + 1) * pixels), (p) => Math.round(255 * p))
      await writePng(await place(`${folder}/${input.name}${suffix}.png`), { data, shape: [1, ...flat] })
    }
  }
  return written
}

/** A class name as part of a file name. */
const fileSafe = (name: string): string => name.replaceAll(/[^\p{L}\p{N} ._-]+/gu, '_')

function segmentOf({ name, colour, category, type }: BundleManifest['classes'][number]): SegmentInfo {
  const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  return {
    label: [...name].slice(0, 64).join(''),
    colour: rgb as unknown as readonly [number, number, number],
    ...(category && { category }),
    ...(type && { type }),
  }
}
