import { type BundleModel, openBundle } from '@septum/core'
import type { BundleParts, SegmentationModel, Task } from '../methods/method.js'
import { record } from './export-run.js'
import type { ExportedFile } from './exporter.js'
import { manifestOf, type RunFacts } from './manifest.js'
import { nodeSessions } from './node-runtime.js'

/** What the manifest of a model needs that no run trained. */
export const factsFor = (task: Task): RunFacts => ({
  septum: '0.0.0',
  method: { name: 'test', title: 'Test', paper: 'none' },
  options: {},
  parameters: 1,
  task,
  fit: 'crop',
  training: {
    dataset: 'test',
    licence: null,
    source: null,
    citation: [],
    raters: 1,
    seed: 0,
    seconds: null,
    fingerprint: null,
    cases: null,
  },
  metrics: {},
  licence: null,
})

export interface TestBundle {
  readonly parts: BundleParts
  readonly files: readonly ExportedFile[]
  /** `model.json` and the graphs by name. */
  readonly stored: Map<string, Uint8Array>
  open(): Promise<BundleModel>
}

/** A model as a bundle in memory. It is brought into evaluation mode. */
export async function bundleOf(model: SegmentationModel, task: Task): Promise<TestBundle> {
  model.eval().requiresGrad_(false)
  const { parts, files } = record({ model, config: { method: 'test' } as never }, '0.0.0')
  const verification = { engine: 'test', images: 0, maxDifference: 0, tolerance: 1e-4 }
  const manifest = await manifestOf(factsFor(task), parts, files, verification)
  const stored = new Map(files.map(({ file, bytes }) => [file, bytes]))
  stored.set('model.json', new TextEncoder().encode(JSON.stringify(manifest)))
  const read = async (file: string) => {
    const bytes = stored.get(file)
    if (!bytes) throw new Error(`no file ${file}`)
    return bytes
  }
  return { parts, files, stored, open: async () => openBundle({ read }, await nodeSessions({ threads: 1 })) }
}
