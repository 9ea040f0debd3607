import type { MetricEntry } from '@septum/core'
import { maskOfClass } from './classes.js'
import { decodeFile } from './decode.js'
import { sameGrid } from './grid.js'
import type { CaseJob, EvaluationPlan } from './job.js'
import { metricInput, readPrediction } from './prepare.js'
import { readReference } from './references.js'
import { ScoreColumns } from './summarise.js'
import type { Evaluation } from './types.js'

/** One case as a picture: a plane of its image, and the masks on it. */
export interface CasePicture {
  readonly name: string
  readonly width: number
  readonly height: number
  /** Grey [H, W] or RGB [H, W, 3], 0 to 255; null where no image was found. */
  readonly image: Uint8Array | null
  /** Which plane of a volume, `slice 12 of 40`; null for pictures. */
  readonly plane: string | null
  /** One mask a class. */
  readonly reference: readonly Uint8Array[]
  readonly methods: readonly { readonly name: string; readonly masks: readonly Uint8Array[] }[]
}

/** The metric by which cases are called bad: the first that has a better side. */
export function leadingMetric({ metrics }: Pick<Evaluation, 'metrics'>): MetricEntry | undefined {
  return metrics.find(({ direction }) => direction !== 'none')
}

/**
 * Names of the cases with the worst score in the leading metric, averaged over classes and methods, worst
 * first. Cases without a value are not among them.
 */
export function worstCases(evaluation: Evaluation, count: number): string[] {
  const entry = leadingMetric(evaluation)
  if (!entry) return []
  const { methods, classes, metrics, perCase, seed } = evaluation
  const columns = new ScoreColumns({ methods, classes, metrics, scores: perCase, curves: new Map(), seed })
  const lists = methods.map((method) => columns.column(method, null, entry.id).values)
  const sign = entry.direction === 'higher' ? 1 : -1
  return columns.cases
    .map((name, i) => {
      const own = lists.map((list) => list[i]!).filter((value) => !Number.isNaN(value))
      return { name, score: own.length ? (sign * own.reduce((a, b) => a + b, 0)) / own.length : Number.NaN }
    })
    .filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name)
}

/** Reads a case again to look at it. Of a volume the plane is shown on which most voxels are wrong. */
export async function pictureOfCase(plan: EvaluationPlan, job: CaseJob): Promise<CasePicture> {
  const reference = await readReference(plan.reader, job.entry)
  const { classes } = plan.prepare
  const read = job.methods.map(async ({ name, kind, files }) => {
    const options = { ...plan.prepare, kind }
    const predicted = await readPrediction(files, reference, options)
    const inputs = classes.map((_, index) => metricInput(reference, predicted, index, options))
    return {
      name,
      masks: inputs.map((input) => input.prediction!),
      truth: inputs.map((input) => input.reference!),
    }
  })
  // A method that cannot read the case is a problem that was told; the others are drawn.
  const methods = (await Promise.allSettled(read)).flatMap((one) =>
    one.status === 'fulfilled' ? [one.value] : [],
  )
  const truth = methods[0]?.truth ?? classes.map((one) => maskOfClass(reference.raters[0]!, one))
  const [height, width] = reference.size.slice(-2) as [number, number]
  const depth = reference.size.length === 3 ? reference.size[0]! : 1
  const shown =
    depth === 1
      ? 0
      : worstPlane(
          truth,
          methods.map(({ masks }) => masks),
          depth,
          height * width,
        )
  const cut = (mask: Uint8Array) => mask.slice(shown * height * width, (shown + 1) * height * width)
  return {
    name: job.entry.name,
    width,
    height,
    image: await imagePlane(job.entry.image, reference.size, shown),
    plane: depth === 1 ? null : `slice ${shown + 1} of ${depth}`,
    reference: truth.map(cut),
    methods: methods.map(({ name, masks }) => ({ name, masks: masks.map(cut) })),
  }
}

/** The plane on which most voxels are marked by one side only; the fullest where nothing is wrong. */
export function worstPlane(
  truth: readonly Uint8Array[],
  predicted: readonly (readonly Uint8Array[])[],
  depth: number,
  pixels: number,
): number {
  let [best, most] = [0, -1]
  for (let z = 0; z < depth; z++) {
    let score = 0
    truth.forEach((mask, c) => {
      for (let i = z * pixels; i < (z + 1) * pixels; i++) {
        score += mask[i]! * 1e-6
        for (const masks of predicted) score += mask[i] === masks[c]![i] ? 0 : 1
      }
    })
    if (score > most) [best, most] = [z, score]
  }
  return best
}

/** A plane of the image as bytes, stretched between its 0.5 and 99.5 percentile where it is no photograph. */
async function imagePlane(
  file: string | undefined,
  size: readonly number[],
  plane: number,
): Promise<Uint8Array | null> {
  if (file === undefined) return null
  const decoded = await decodeFile(file).catch(() => null)
  // An image of another grid cannot lie under the masks; the report does without it.
  if (!decoded || sameGrid({ size: decoded.size }, { size })) return null
  const [height, width] = size.slice(-2) as [number, number]
  const pixels = height * width
  const all = decoded.data.length / decoded.channels
  if (decoded.channels === 3 && decoded.maxValue > 1) {
    const out = new Uint8Array(pixels * 3)
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < pixels; i++)
        out[i * 3 + c] = (255 * decoded.data[c * all + plane * pixels + i]!) / decoded.maxValue
    return out
  }
  const values = Float32Array.from(decoded.data.subarray(plane * pixels, (plane + 1) * pixels), (value) =>
    Number.isFinite(value) ? value : 0,
  )
  const [low, high] = usualRange(values)
  const scale = high > low ? 255 / (high - low) : 0
  return Uint8Array.from(values, (value) => Math.min(255, Math.max(0, Math.round((value - low) * scale))))
}

/** The 0.5 and the 99.5 percentile, between which a plane is shown. */
export function usualRange(values: Float32Array): readonly [low: number, high: number] {
  const sorted = values.slice().sort()
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!
  return [at(0.005), at(0.995)]
}
