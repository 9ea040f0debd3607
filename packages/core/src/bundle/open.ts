import {
  type BundleFile,
  type BundleGraph,
  type BundleManifest,
  manifestFile,
  type NextScaleGraphs,
} from './manifest.js'
import { MaskBundle } from './mask-model.js'
import { NextScaleBundle } from './next-scale-model.js'
import { parseManifest } from './parse.js'
import type { BundleModel } from './prediction.js'
import { bundleProblem } from './problem.js'
import { GraphSession, type SessionFactory } from './session.js'

/** Where a bundle lies: a folder, an address, an archive, files dropped on a page. */
export interface BundleFiles {
  /** @throws when there is no such file. */
  read(file: string): Promise<Uint8Array>
}

export interface OpenOptions {
  /** Compares every file with its hash. Default true. */
  readonly verify?: boolean
  /** Bytes of graphs that are read, and their number. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/**
 * Opens a model bundle; the same code in Node and in a browser.
 * @throws SeptumError `bundle-missing`, `bundle-manifest`, `bundle-version`, `bundle-hash`, `bundle-graph`
 * @example
 * const model = await openBundle(files, { Tensor: ort.Tensor, create: (bytes) => ort.InferenceSession.create(bytes) })
 * const { probabilities } = await model.predict(image, [128, 128], { samples: 16, seed: 7 })
 */
export async function openBundle(
  files: BundleFiles,
  factory: SessionFactory,
  { verify = true, onProgress, signal }: OpenOptions = {},
): Promise<BundleModel> {
  const manifest = await readManifest(files)
  const total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const entries = new Map(manifest.files.map((entry) => [entry.file, entry]))
  const opened: GraphSession[] = []
  let done = 0
  const open = async (graph: BundleGraph): Promise<GraphSession> => {
    signal?.throwIfAborted()
    const entry = entries.get(graph.file)!
    const bytes = await readFile(files, graph.file)
    await checkFile(entry, bytes, verify)
    const session = await GraphSession.open(graph, bytes, factory)
    opened.push(session)
    done += entry.bytes
    onProgress?.(done, total)
    return session
  }
  try {
    const { model } = manifest
    return model.kind === 'mask'
      ? new MaskBundle(manifest, model, await open(model.graphs.model))
      : await openNextScale(manifest, model, open)
  } catch (error) {
    for (const session of opened) await session.release().catch(() => {})
    throw error
  }
}

async function openNextScale(
  manifest: BundleManifest,
  model: NextScaleGraphs,
  open: (graph: BundleGraph) => Promise<GraphSession>,
): Promise<NextScaleBundle> {
  const { graphs } = model
  const encoder = await open(graphs.encoder)
  const condition = graphs.condition && (await open(graphs.condition))
  const start = await open(graphs.start)
  const transformer = await open(graphs.transformer)
  const quantizer: GraphSession[] = []
  for (const graph of graphs.quantizer) quantizer.push(await open(graph))
  const decoder = await open(graphs.decoder)
  return new NextScaleBundle(manifest, model, {
    encoder,
    ...(condition && { condition }),
    start,
    transformer,
    quantizer,
    decoder,
  })
}

/** `model.json` of a bundle, checked. @throws SeptumError `bundle-missing`, `bundle-manifest`, `bundle-version` */
export async function readManifest(files: BundleFiles): Promise<BundleManifest> {
  return parseManifest(new TextDecoder().decode(await readFile(files, manifestFile)))
}

async function readFile(files: BundleFiles, file: string): Promise<Uint8Array> {
  try {
    return await files.read(file)
  } catch (cause) {
    throw bundleProblem('bundle-missing', `${file} of the bundle cannot be read`, file, { cause })
  }
}

async function checkFile(
  { file, bytes: wanted, sha256 }: BundleFile,
  bytes: Uint8Array,
  verify: boolean,
): Promise<void> {
  if (bytes.length !== wanted) {
    throw bundleProblem('bundle-hash', `The file has ${bytes.length} bytes instead of ${wanted}`, file)
  }
  // A page that came over plain HTTP has no digests.
  if (verify && globalThis.crypto?.subtle && (await sha256Of(bytes)) !== sha256) {
    throw bundleProblem('bundle-hash', 'The file is not the one that was exported', file)
  }
}

/** SHA-256 in hexadecimal. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
