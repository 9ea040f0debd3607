import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ImageGeometry, SeptumError } from '@septum/core'
import { writeImage, writeMask, writePng } from '../formats/index.js'
import type { PredictedCase } from './api.js'
import { labelMap } from './label-map.js'
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
  const visible = item.classes.length === 1 ? 255 : 1
  await writeMask(file('', item.name), label, size, visible)
  let files = 1
  for (const entry of item.classes) {
    const suffix = item.classes.length === 1 ? '' : `.${entry.name}`
    const shape = [1, ...size]
    await writePng(file('probability', `${item.name}${suffix}`), { data: bytes(entry.probability), shape })
    await writePng(file('uncertainty', `${item.name}${suffix}`), { data: bytes(entry.uncertainty), shape })
    files += 2
  }
  const count = item.classes[0]!.samples.length
  if (count < 2) return files
  for (let s = 0; s < count; s++) {
    const sample = new Uint8Array(pixels)
    item.classes.forEach(({ samples }, c) => {
      for (let i = 0; i < pixels; i++) if (samples[s]![i]) sample[i] = c + 1
    })
    await writeMask(file(`samples/${item.name}`, String(s + 1).padStart(3, '0')), sample, size, visible)
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

/** Label map and probability map of each class as NIfTI, on the grid of the image. @returns files written */
export async function writeVolume(
  out: string,
  name: string,
  maps: readonly Float32Array[],
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
  await writeImage(file('', name), image(labelMap(maps, task.regions), 255))
  for (const [c, map] of maps.entries()) {
    const suffix = maps.length === 1 ? '' : `.${task.classes[c]}`
    await writeImage(file('probability', `${name}${suffix}`), image(map, 1))
  }
  return 1 + maps.length
}
