import {
  type BundleFiles,
  type BundleManifest,
  type BundleModel,
  type BundlePrecision,
  manifestFile,
  openBundle,
  type Reporter,
  SeptumError,
  type SessionFactory,
} from '@septum/core'
import type { ExportedFile } from '../exporter.js'
import type { LabelledImage } from '../images.js'
import { serialize } from '../onnx/serialize.js'
import { optimise } from '../optimise.js'
import type { VerificationImage } from '../verify.js'
import { halveWeights } from './half.js'
import { quantizedTensors, weightedLayers } from './layers.js'
import { ObservingRuntime } from './observe.js'
import { quantize } from './quantize.js'
import type { RangeRule, ValueRange } from './ranges.js'
import { type Answer, answerOf, type Comparison, compareAnswers } from './score.js'

/** Dice that a bundle of 8 bits may lose; layers stay in single precision until it does not lose more. */
export const largestLoss = 0.005
/** Least Dice of its masks with those in single precision: a lucky gain of Dice must not hide that they differ. */
export const leastAgreement = 0.95

/** Images on which layers are tried one by one. */
const PROBES = 2

/** Groups of neighbouring layers that are tried: each costs a graph that is opened and run. */
const GROUPS = 24

/** Samples that a sampling model draws of a calibration image. */
const CALIBRATION_SAMPLES = 4

export interface PrecisionRequest {
  readonly kind: BundlePrecision['kind']
  /** int8: what becomes of outliers. */
  readonly ranges: RangeRule
  /** int8: images of the training split. */
  readonly calibration: readonly VerificationImage[]
  /** What the loss is measured on. */
  readonly scored: readonly LabelledImage[]
  readonly split: BundlePrecision['dice']['split']
  /** Graphs in single precision. */
  readonly files: readonly ExportedFile[]
  readonly manifestFor: (files: readonly ExportedFile[]) => Promise<BundleManifest>
  readonly runtime: SessionFactory
  readonly version: string
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

export interface Reduced {
  readonly files: readonly ExportedFile[]
  readonly precision: BundlePrecision
}

/** Files of a bundle that was not written yet. */
export const filesInMemory = (files: readonly ExportedFile[], manifest: BundleManifest): BundleFiles => ({
  async read(name) {
    if (name === manifestFile) return new TextEncoder().encode(JSON.stringify(manifest))
    return files.find(({ file }) => file === name)!.bytes
  },
})

/**
 * Makes the graphs of a bundle smaller and measures what it costs.
 * @throws SeptumError `export-precision` for 8 bits that cost more than {@link largestLoss} of Dice, or give other masks
 * ({@link leastAgreement}), whatever stays as it was; the signal's reason
 */
export async function reducePrecision(request: PrecisionRequest): Promise<Reduced> {
  return request.kind === 'fp16' ? halve(request) : new Quantizer(request).run()
}

async function opened<T>(
  { manifestFor, runtime }: PrecisionRequest,
  files: readonly ExportedFile[],
  use: (bundle: BundleModel) => Promise<T>,
  factory = runtime,
): Promise<T> {
  const inMemory = filesInMemory(files, await manifestFor(files))
  const bundle = await openBundle(inMemory, factory, { verify: false })
  try {
    return await use(bundle)
  } finally {
    await bundle.release()
  }
}

async function answers(
  request: PrecisionRequest,
  files: readonly ExportedFile[],
  images: readonly LabelledImage[] = request.scored,
): Promise<Answer[]> {
  return opened(request, files, async (bundle) => {
    const given: Answer[] = []
    for (const [i, image] of images.entries()) {
      request.signal.throwIfAborted()
      given.push(await answerOf(bundle, image, i))
    }
    return given
  })
}

async function halve(request: PrecisionRequest): Promise<Reduced> {
  const { files, version, scored, split } = request
  let layers = 0
  const halved = files.map(({ file, graph: single }): ExportedFile => {
    const graph = optimise(single)
    layers += halveWeights(graph)
    return { file, graph, bytes: serialize(graph, version) }
  })
  const comparison = compareAnswers(
    scored,
    split,
    await answers(request, files),
    await answers(request, halved),
  )
  return { files: halved, precision: { kind: 'fp16', layers, ...comparison } }
}

/** Neighbouring layers, or for models that sample a whole graph: what is brought to 8 bits or left as it is. */
interface Unit {
  readonly file: string
  /** Names of layers. */
  readonly layers: readonly string[]
}

/** Brings a bundle to 8 bits. */
class Quantizer {
  #ranges = new Map<string, ReadonlyMap<string, ValueRange>>()

  constructor(private readonly request: PrecisionRequest) {}

  async run(): Promise<Reduced> {
    const { request } = this
    const { scored, split, files, ranges, calibration, reporter } = request
    await this.#calibrate()
    const single = await answers(request, files)
    const all = this.#units()
    if (all.length === 0) throw refused('the model has no layer that could run in 8 bits', request.kind)
    const score = async (units: readonly Unit[]): Promise<[readonly ExportedFile[], Comparison]> => {
      const reduced = this.#build(units)
      return [reduced, compareAnswers(scored, split, single, await answers(request, reduced))]
    }
    let kept: readonly Unit[] = []
    let [reduced, comparison] = await score(all)
    if (!keeps(comparison)) {
      reporter.info(`All in 8 bits ${costs(comparison)}: looking for the layers that cause it.`)
      const ranked = await this.#ranked(all, single)
      // A model that must keep more than half of its layers gains nothing.
      for (let count = 1; count <= all.length / 2 && !keeps(comparison); count = grown(count)) {
        kept = ranked.slice(0, count)
        ;[reduced, comparison] = await score(all.filter((unit) => !kept.includes(unit)))
      }
    }
    if (!keeps(comparison)) {
      throw refused(
        `it ${costs(comparison)} on ${scored.length} images, even with ${kept.length} of ${all.length} parts in single precision`,
        request.kind,
      )
    }
    const layers = all
      .filter((unit) => !kept.includes(unit))
      .reduce((sum, unit) => sum + unit.layers.length, 0)
    return {
      files: reduced,
      precision: {
        kind: 'int8',
        layers,
        kept: kept.flatMap((unit) => unit.layers),
        calibration: { ranges, images: calibration.length },
        ...comparison,
      },
    }
  }

  /** Runs the bundle on training images and notes what every tensor held that may become 8 bits. */
  async #calibrate(): Promise<void> {
    const { request } = this
    const { files, ranges, calibration, runtime, signal, reporter } = request
    const watched = new Map(
      files.map(({ graph }) => {
        const { names, shares } = quantizedTensors(graph, weightedLayers(graph))
        return [graph, new Set([...names].filter((name) => !shares.has(name)))]
      }),
    )
    const observing = new ObservingRuntime(runtime, files, watched)
    const passes = ranges === 'minmax' ? (['ends'] as const) : (['ends', 'spread'] as const)
    const progress = reporter.progress('calibrating', passes.length * calibration.length, 'images')
    try {
      await opened(
        request,
        files,
        async (bundle) => {
          let done = 0
          for (const pass of passes) {
            observing.pass = pass
            for (const [i, { data, size }] of calibration.entries()) {
              signal.throwIfAborted()
              await bundle.predict(data, size, { samples: CALIBRATION_SAMPLES, imageStream: i })
              progress.update(++done)
            }
          }
        },
        observing,
      )
    } finally {
      progress.finish()
    }
    for (const { file, graph } of files) {
      const found = [...(observing.observed.get(graph) ?? [])]
      this.#ranges.set(file, new Map(found.map(([name, histogram]) => [name, histogram.range(ranges)])))
    }
  }

  #units(): Unit[] {
    const sampling = this.request.files.length > 1
    return this.request.files.flatMap(({ file, graph }): Unit[] => {
      const names = weightedLayers(graph).map(({ name }) => name)
      if (sampling) return names.length > 0 ? [{ file, layers: names }] : []
      const groups = Math.min(GROUPS, names.length)
      return Array.from({ length: groups }, (_, i) => ({
        file,
        layers: names.slice(
          Math.floor((i * names.length) / groups),
          Math.floor(((i + 1) * names.length) / groups),
        ),
      }))
    })
  }

  #build(units: readonly Unit[]): ExportedFile[] {
    const { files, version } = this.request
    return files.map((single): ExportedFile => {
      const chosen = new Set(units.filter(({ file }) => file === single.file).flatMap(({ layers }) => layers))
      if (chosen.size === 0) return single
      const graph = single.graph.clone()
      const layers = weightedLayers(graph).filter(({ name }) => chosen.has(name))
      quantize(graph, layers, this.#ranges.get(single.file)!)
      return { file: single.file, graph, bytes: serialize(graph, version) }
    })
  }

  /** Units by how much the masks change when they alone are of 8 bits, the worst first. */
  async #ranked(units: readonly Unit[], single: readonly Answer[]): Promise<Unit[]> {
    const { request } = this
    const probes = request.scored.slice(0, PROBES)
    const progress = request.reporter.progress('trying layers', units.length, 'groups')
    const change = new Map<Unit, number>()
    try {
      for (const [i, unit] of units.entries()) {
        const reduced = await answers(request, this.#build([unit]), probes)
        const { meanDifference } = compareAnswers(probes, request.split, single.slice(0, PROBES), reduced)
        change.set(unit, meanDifference)
        progress.update(i + 1)
      }
    } finally {
      progress.finish()
    }
    return units.toSorted((a, b) => change.get(b)! - change.get(a)!)
  }
}

const keeps = ({ dice }: Comparison): boolean =>
  dice.single - dice.reduced <= largestLoss && dice.agreement >= leastAgreement

const costs = ({ dice }: Comparison): string =>
  `brings Dice from ${dice.single.toFixed(4)} to ${dice.reduced.toFixed(4)} with masks that agree to ${dice.agreement.toFixed(3)}`

const grown = (count: number): number => Math.ceil(count * 1.5)

function refused(reason: string, kind: string): SeptumError {
  return new SeptumError(
    'export-precision',
    `No ${kind} bundle was written: ${reason}`,
    'Use the bundle in single precision, or --precision fp16.',
    { option: 'precision' },
  )
}
