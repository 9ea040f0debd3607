import type { SessionFactory } from '@septum/core'
import type { ExportedFile } from '../exporter.js'
import type { OnnxGraph } from '../onnx/graph.js'
import { serialize } from '../onnx/serialize.js'
import { Histogram } from './ranges.js'

/** What inner tensors of the graphs of a bundle held while it ran. */
export type Observed = ReadonlyMap<OnnxGraph, ReadonlyMap<string, Histogram>>

type Session = Awaited<ReturnType<SessionFactory['create']>>

/**
 * A runtime that looks into graphs: it opens them with more outputs than they have, notes what these hold, and gives its
 * caller the usual ones. The bundle runs as it always does, sampling included.
 */
export class ObservingRuntime implements SessionFactory {
  readonly observed = new Map<OnnxGraph, Map<string, Histogram>>()
  /** First all ends, then, between them, how the values are spread. */
  pass: 'ends' | 'spread' = 'ends'

  constructor(
    private readonly runtime: SessionFactory,
    private readonly files: readonly ExportedFile[],
    /** Names of the tensors to watch. */
    private readonly watched: ReadonlyMap<OnnxGraph, ReadonlySet<string>>,
  ) {}

  get Tensor() {
    return this.runtime.Tensor
  }

  async create(bytes: Uint8Array): Promise<Session> {
    const file = this.files.find((each) => each.bytes === bytes)
    const names = file && this.watched.get(file.graph)
    if (!file || !names || names.size === 0) return this.runtime.create(bytes)
    const histograms = new Map<string, Histogram>()
    for (const name of names) histograms.set(name, new Histogram())
    this.observed.set(file.graph, histograms)
    const open = file.graph.clone()
    const told = new Set([...open.inputs, ...open.outputs].map(({ name }) => name))
    for (const name of names) if (!told.has(name)) open.outputs.push({ name, type: 'float32', shape: null })
    const session = await this.runtime.create(serialize(open, 'calibration'))
    const outputNames = file.graph.outputs.map(({ name }) => name)
    const note = (name: string, values: ArrayLike<number>): void => {
      const histogram = histograms.get(name)
      if (this.pass === 'ends') histogram?.widen(values)
      else histogram?.count(values)
    }
    return {
      inputNames: session.inputNames,
      outputNames,
      run: async (feeds: Parameters<Session['run']>[0]) => {
        const all = await session.run(feeds)
        for (const [name, tensor] of Object.entries({ ...all, ...feeds })) {
          if (!histograms.has(name)) continue
          note(name, (tensor as { data: Float32Array }).data)
        }
        return Object.fromEntries(outputNames.map((name) => [name, all[name]!]))
      },
      release: () => session.release(),
    } as unknown as Session
  }
}
