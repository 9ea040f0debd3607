import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ImageGeometry, LabelFusion, SeptumError } from '@septum/core'
import { writeImage, writeMask, writePng } from '../formats/index.js'
import type { PredictedCase } from './api.js'
import { labelMap, labelRule } from './label-map.js'
import type { VolumeProbabilities } from './predict-volume.js'
import type { RunTask } from './workplace.js'

/** @throws SeptumError `write-failed`. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new SeptumError(
      'write-failed',
      'The output folder cannot be made',
      'Give another --out, or make its parent writable.',
      { file: folder },
      { cause },
    )
  }
}

const bytes = (map: Float32Array): Uint8Array => Uint8Array.from(map, (p) => Math.round(255 * p))

/** Fused mask, probability and uncertainty maps, and the samples. @returns files written */
export async function writeCase(
  out: string,
  item: PredictedCase,
  regions: RunTask['regions'],
): Promise<number> {
  const size = [item.height, item.width] as const
  const pixels = item.height * item.width
  const label = labelMap(
    item.classes.map(({ probability }) => probability),
    regions,
  )
  const file = (folder: string, name: string) => {
    const path = join(out, folder, `${name}.png`)
    makeFolder(dirname(path))
    return path
  }
  // White for people; of a region it is a label of the data set.
  const visible = item.classes.length === 1 && !regions ? 255 : 1
  await writeMask(file('', item.name), label, size, visible)
  let files = 1
  for (const entry of item.classes) {
    const suffix = item.classes.length === 1 ? '' : `.${entry.name}`
    const shape = [1, ...size]
    await writePng(file('probability', `${item.name}${suffix}`), { data: bytes(entry.probability), shape })
    await writePng(file('uncertainty', `${item.name}${suffix}`), { data: bytes(entry.uncertainty), shape })
    files += 2
  }
  // Masks of an earlier run with more samples, or of another model, would be scored as this one's.
  rmSync(join(out, 'samples', item.name), { recursive: true, force: true })
  const count = item.classes[0]!.samples.length
  if (count < 2) return files
  for (let s = 0; s < count; s++) {
    const fusion = new LabelFusion(pixels, labelRule(item.classes.length, regions))
    for (const [c, { samples }] of item.classes.entries()) fusion.add(c, samples[s]!)
    const path = file(`samples/${item.name}`, String(s + 1).padStart(3, '0'))
    await writeMask(path, fusion.labels, size, visible)
    files++
  }
  return files
}

interface VolumeFacts {
  readonly task: RunTask
  /** [D, H, W] */
  readonly size: readonly number[]
  readonly geometry: ImageGeometry | undefined
}

/**
 * Label map and probability map of each class as NIfTI, on the grid of the image; one map is in memory at a time.
 * @returns files written
 */
export async function writeVolume(
  out: string,
  name: string,
  maps: VolumeProbabilities,
  { task, size, geometry }: VolumeFacts,
): Promise<number> {
  const image = (data: Uint8Array | Float32Array, maxValue: number) => ({
    data,
    shape: [1, ...size],
    maxValue,
    ...(geometry ? { geometry } : {}),
  })
  const file = (folder: string, stem: string) => {
    const path = join(out, folder, `${stem}.nii.gz`)
    makeFolder(dirname(path))
    return path
  }
  const samples = size.reduce((a, b) => a * b, 1)
  const fusion = new LabelFusion(samples, labelRule(maps.classes, task.regions))
  for (const [c, title] of task.classes.entries()) {
    const map = maps.map(c)
    fusion.add(c, map)
    const suffix = maps.classes === 1 ? '' : `.${title}`
    await writeImage(file('probability', `${name}${suffix}`), image(map, 1))
  }
  await writeImage(file('', name), image(fusion.labels, 255))
  return 1 + maps.classes
}
