import { SeptumError } from '../error.js'
import { Random } from '../random.js'
import type { MaskLogits, NextScaleEngine } from './engine.js'
import { guidanceWeight, guide } from './guidance.js'
import { planSampling, type SamplingOptions, type SamplingPlan } from './options.js'
import type { TokenDraw } from './token-draw.js'

export interface SampledMasks {
  readonly height: number
  readonly width: number
  /** One for each sample: tokens of all scales, coarse to fine, row-major, [sum of p_k^2]. */
  readonly tokens: readonly Int32Array[]
  /** One for each sample: mask logits [height * width], foreground above 0. */
  readonly logits: readonly Float32Array[]
  /**
   * With the option `stages`: one list for each kept sample, of its mask logits [height * width] after
   * each scale, coarse to fine; the last is the sample itself.
   */
  readonly stages?: readonly (readonly Float32Array[])[]
}

/**
 * Draws plausible masks of one image by next-scale prediction (AR-Seg section 5).
 *
 * Token t of sample i of class c is drawn with `Random(seed, imageStream, i, c)` at position t: a sample is
 * the same whether drawn alone or with others, and in any split into batches, as far as the engine's own
 * logits do not depend on the batch. States are released also after an error or an abort.
 *
 * @param condition from `engine.encode`; it stays the caller's.
 * @throws SeptumError `sampling-options`, `token-filter`, `random-seed`, `engine-shape` or
 * `logits-not-finite`; the signal's reason when aborted; whatever the engine throws.
 * @example
 * const condition = await engine.encode(image)
 * const { logits } = await sampleMasks(engine, condition, { samples: 16, seed: 7, topK: 100 })
 * const { mask, uncertainty } = fuseSamples(logits)
 * await engine.releaseCondition(condition)
 */
export async function sampleMasks<Condition, State, Image>(
  engine: NextScaleEngine<Condition, State, Image>,
  condition: Condition,
  options: SamplingOptions = {},
): Promise<SampledMasks> {
  const plan = planSampling(options, engine.scales.length, engine.vocabulary)
  const batches: Batch[] = []
  for (let row = 0; row < plan.samples; row += plan.rowsPerBatch) {
    const rows = Math.min(plan.rowsPerBatch, plan.samples - row)
    const staged = Math.max(0, Math.min(rows, plan.staged - row))
    batches.push(await sampleBatch(engine, condition, plan, plan.firstSample + row, rows, staged))
  }
  const { height, width } = batches[0]!
  return {
    height,
    width,
    tokens: batches.flatMap((batch) => batch.tokens),
    logits: batches.flatMap((batch) => batch.logits),
    ...(plan.staged > 0 && { stages: batches.flatMap((batch) => batch.stages) }),
  }
}

interface Batch {
  readonly height: number
  readonly width: number
  readonly tokens: Int32Array[]
  readonly logits: Float32Array[]
  readonly stages: Float32Array[][]
}

async function sampleBatch<Condition, State, Image>(
  engine: NextScaleEngine<Condition, State, Image>,
  condition: Condition,
  plan: SamplingPlan,
  firstSample: number,
  rows: number,
  staged: number,
): Promise<Batch> {
  const { scales } = engine
  const length = scales.reduce((sum, side) => sum + side * side, 0)
  const randoms = Array.from(
    { length: rows },
    (_, row) => new Random(plan.seed, plan.imageStream, firstSample + row, plan.classIndex),
  )
  const tokens = randoms.map(() => new Int32Array(length))
  const stages: Float32Array[][] = Array.from({ length: staged }, () => [])
  const states: State[] = []
  let result: Batch
  try {
    plan.signal?.throwIfAborted()
    const state = await engine.begin(condition, rows, plan.classIndex)
    states.push(state)
    if (plan.guidance > 0) states.push(await engine.begin(condition, rows, null))
    let position = 0
    for (const [k, side] of scales.entries()) {
      plan.signal?.throwIfAborted()
      const logits = await scaleLogits(engine, states, k, rows, plan.guidance)
      const drawn = drawScale(logits, plan.draws[k]!, randoms, side * side, position)
      for (const [row, kept] of tokens.entries()) kept.set(rowOf(drawn, row, side * side), position)
      position += side * side
      for (const each of states) await engine.accept(each, k, drawn)
      if (staged > 0 && k < scales.length - 1) {
        const masks = maskRows(await engine.decode(state, staged), staged)
        for (const [row, stage] of stages.entries()) stage.push(masks[row]!)
      }
      plan.onProgress({ scale: k + 1, scales: scales.length, firstSample, rows })
    }
    plan.signal?.throwIfAborted()
    const decoded = await engine.decode(state)
    const logits = maskRows(decoded, rows)
    for (const [row, stage] of stages.entries()) stage.push(logits[row]!)
    result = { height: decoded.height, width: decoded.width, tokens, logits, stages }
  } catch (error) {
    // The first error is the one to report, whatever the clean-up after it says.
    await releaseAll(engine, states).catch(() => {})
    throw error
  }
  await releaseAll(engine, states)
  return result
}

/** Logits of scale k, [rows, p_k^2, V], guided when a second, unconditional state is open. */
async function scaleLogits<Condition, State, Image>(
  engine: NextScaleEngine<Condition, State, Image>,
  states: readonly State[],
  k: number,
  rows: number,
  guidance: number,
): Promise<Float32Array> {
  const length = rows * engine.scales[k]! ** 2 * engine.vocabulary
  const each: Float32Array[] = []
  for (const state of states) {
    const logits = await engine.logits(state, k)
    requireLength(`logits of scale ${k + 1}`, logits, length)
    // The engine may reuse its buffer for the second state.
    each.push(states.length > 1 ? logits.slice() : logits)
  }
  const [conditional, unconditional] = each
  if (!unconditional) return conditional!
  return guide(conditional!, unconditional, guidanceWeight(guidance, k, engine.scales.length))
}

/** @returns tokens [rows, places]; place t of each row uses draw `position + t` of the row's generator. */
function drawScale(
  logits: Float32Array,
  draw: TokenDraw,
  randoms: readonly Random[],
  places: number,
  position: number,
): Int32Array {
  const tokens = new Int32Array(randoms.length * places)
  for (const [row, random] of randoms.entries()) {
    random.position = position
    for (let index = row * places; index < (row + 1) * places; index++) {
      tokens[index] = draw.draw(logits, index * draw.vocabulary, random.uniform())
    }
  }
  return tokens
}

function maskRows(masks: MaskLogits, rows: number): Float32Array[] {
  const pixels = masks.height * masks.width
  requireLength('mask logits', masks.data, rows * pixels)
  return Array.from({ length: rows }, (_, row) => masks.data.subarray(row * pixels, (row + 1) * pixels))
}

function rowOf(tokens: Int32Array, row: number, places: number): Int32Array {
  return tokens.subarray(row * places, (row + 1) * places)
}

function requireLength(what: string, data: Float32Array, length: number): void {
  if (data.length === length) return
  throw new SeptumError(
    'engine-shape',
    `The engine gave ${data.length} ${what} instead of ${length}`,
    'Check that the model bundle and its manifest belong together.',
  )
}

/** Releases every state even when one release fails, then reports the first failure. */
async function releaseAll<Condition, State, Image>(
  engine: NextScaleEngine<Condition, State, Image>,
  states: readonly State[],
): Promise<void> {
  const failures: unknown[] = []
  for (const state of states) {
    try {
      await engine.release(state)
    } catch (failure) {
      failures.push(failure)
    }
  }
  if (failures.length > 0) throw failures[0]
}
