import {
  type BundleClass,
  type BundleFile,
  type BundleManifest,
  type BundlePrecision,
  type BundleVerification,
  bundleFormat,
  bundleVersion,
  sha256Of,
} from '@septum/core'
import type { Preprocessing } from '../datasets/preprocess/index.js'
import { defaultCodes } from '../formats/dicom/seg/codes.js'
import type { BundleParts, Method, Task } from '../methods/method.js'
import { labelRule } from '../training/label-map.js'
import type { ExportedFile } from './exporter.js'

/** Okabe and Ito's colours, which people with any colour vision tell apart; with more classes they come again. */
const palette = ['#009e73', '#e69f00', '#56b4e9', '#d55e00', '#cc79a7', '#0072b2', '#f0e442'] as const

/** Classes with the labels that masks of the run have, so that masks of the bundle are scored as those are. */
export function bundleClasses(names: readonly string[], regions?: Task['regions']): BundleClass[] {
  const { labels } = labelRule(names.length, regions)
  return names.map((name, i) => ({
    name,
    label: labels[i]!,
    ...(regions ? { region: regions[i]! } : {}),
    colour: palette[i % palette.length]!,
    ...defaultCodes(name),
  }))
}

/** What a run tells of itself. */
export interface RunFacts {
  readonly septum: string
  readonly method: Pick<Method<unknown>, 'name' | 'title' | 'paper'>
  readonly options: Readonly<Record<string, unknown>>
  readonly parameters: number
  readonly task: Task
  /** What training did to the values of an image; absent: they were scaled to [0, 1]. */
  readonly preprocessing?: Preprocessing
  readonly fit: 'crop' | 'stretch'
  /** With `crop`: where training windows lay. Default the centre. */
  readonly crops?: 'centre' | 'anywhere'
  readonly training: BundleManifest['training']
  readonly metrics: Readonly<Record<string, number>>
  readonly licence: string | null
}

/** The manifest of a bundle. @param files the graphs, as they are written */
export async function manifestOf(
  facts: RunFacts,
  parts: BundleParts,
  files: readonly ExportedFile[],
  verification: BundleVerification,
  precision?: BundlePrecision,
): Promise<BundleManifest> {
  const { task, preprocessing } = facts
  const { order } = labelRule(task.classes.length, task.regions)
  return {
    format: bundleFormat,
    version: bundleVersion,
    septum: facts.septum,
    method: { ...facts.method, options: facts.options, parameters: facts.parameters },
    dimensions: task.dimensions,
    classes: bundleClasses(task.classes, task.regions),
    ...(order ? { paintOrder: order } : {}),
    channels: task.imageChannels,
    size: parts.size,
    preprocessing: {
      channels: preprocessing?.channels ?? [{ kind: 'scale' }],
      spacingMm: preprocessing?.spacingMm ?? null,
      interpolation: preprocessing?.interpolation ?? 'linear',
      maxValue: task.maxValue ?? null,
      fit: facts.fit,
      ...(facts.fit === 'crop' && facts.crops === 'anywhere' ? { crops: facts.crops } : {}),
    },
    model: parts.model,
    training: facts.training,
    metrics: facts.metrics,
    licence: facts.licence,
    verification,
    ...(precision ? { precision } : {}),
    files: await Promise.all(
      files.map(
        async ({ file, bytes }): Promise<BundleFile> => ({
          file,
          bytes: bytes.length,
          sha256: await sha256Of(bytes),
        }),
      ),
    ),
    notice: 'Research use only: not a medical device, not for diagnosis.',
  }
}
