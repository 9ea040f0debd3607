import { Random } from '@septum/core'
import { type Tensor, tensor, where } from '@septum/torch'
import type { MixRecipe } from '../../methods/method.js'
import type { DrawPlace } from './place.js'

/** What a case gets from another one of its batch: plain numbers. */
export type MixParameters =
  | {
      readonly kind: 'cutMix'
      readonly partner: number
      /** First sample and the one after the last along each spatial axis, in array order. */
      readonly box: readonly (readonly [number, number])[]
    }
  | { readonly kind: 'copyPaste'; readonly partner: number }

const MIX_STREAM = 0xab
/** A drawn box that does not fit is drawn again so often; then there is none. */
const ATTEMPTS = 32

/**
 * Draws partner and box of each case: a function of its arguments only. The box covers a share `area` of a slice with
 * height : width = `aspect`, drawn again until it fits (UniMatch); in a volume it reaches over the square root of that
 * share of the slices.
 * @param count cases in the batch; a single one is never mixed. @param size [H, W] or [D, H, W].
 * @param view 0 for labelled batches, the strong views of unlabelled images count from 1.
 */
export function drawMix(
  recipe: MixRecipe | undefined,
  count: number,
  size: readonly number[],
  { seed, stream = 0, step }: Omit<DrawPlace, 'index'>,
  view = 0,
): (MixParameters | null)[] {
  const { cutMix, copyPaste } = recipe ?? {}
  return Array.from({ length: count }, (_, index) => {
    if (count < 2) return null
    const random = new Random(seed, MIX_STREAM + 256 * stream, step, index, view)
    const partner = (index + 1 + random.int(count - 1)) % count
    const boxed = random.uniform() < (cutMix?.probability ?? 0)
    const pasted = random.uniform() < (copyPaste?.probability ?? 0)
    const box = boxed && cutMix ? drawBox(random, cutMix.area, cutMix.aspect, size) : undefined
    if (box) return { kind: 'cutMix', partner, box }
    return pasted ? { kind: 'copyPaste', partner } : null
  })
}

function drawBox(
  random: Random,
  areas: readonly [number, number],
  aspects: readonly [number, number],
  size: readonly number[],
): [number, number][] | undefined {
  const between = ([from, to]: readonly [number, number]) => from + random.uniform() * (to - from)
  const [height, width] = size.slice(-2) as [number, number]
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const share = between(areas)
    const aspect = between(aspects)
    const sides = [
      ...size.slice(0, -2).map((depth) => Math.round(depth * Math.sqrt(share))),
      Math.round(Math.sqrt(share * height * width * aspect)),
      Math.round(Math.sqrt((share * height * width) / aspect)),
    ]
    const starts = size.map(() => random.uniform())
    if (sides.some((side, axis) => side < 1 || side > size[axis]!)) continue
    return sides.map((side, axis) => {
      const start = Math.floor(starts[axis]! * (size[axis]! - side + 1))
      return [start, start + side]
    })
  }
  return undefined
}

/** Where cases of a batch take their samples from others. */
export interface MixRegion {
  /** bool [N, 1, ...size]. */
  readonly region: Tensor
  /** int64 [N]. */
  readonly partners: Tensor
}

/**
 * The region of a mix on a device; null when no case is mixed.
 * @param masks [N, R, ...size], which copy-paste takes the marked samples of any rater from.
 */
export function mixRegion(
  mixes: readonly (MixParameters | null)[],
  size: readonly number[],
  masks: Tensor | null,
  device: string,
): MixRegion | null {
  if (mixes.every((one) => one === null)) return null
  const samples = size.reduce((a, b) => a * b, 1)
  const boxes = new Uint8Array(mixes.length * samples)
  for (const [index, mix] of mixes.entries()) {
    if (mix?.kind === 'cutMix') fillBox(boxes.subarray(index * samples, (index + 1) * samples), size, mix.box)
  }
  const order = mixes.map((mix, index) => mix?.partner ?? index)
  const partners = tensor(order, { dtype: 'int64' }).to({ device })
  const inBox = tensor(boxes, { shape: [mixes.length, 1, ...size], device }).ne(0)
  if (!masks || !mixes.some((mix) => mix?.kind === 'copyPaste')) return { region: inBox, partners }
  const pastes = tensor(
    Uint8Array.from(mixes, (mix) => (mix?.kind === 'copyPaste' ? 1 : 0)),
    { shape: [mixes.length, ...masks.shape.slice(1).map(() => 1)], device },
  ).ne(0)
  const marked = masks.amax([1], true).ne(0).indexSelect(0, partners)
  return { region: inBox.logicalOr(marked.logicalAnd(pastes)), partners }
}

function fillBox(
  out: Uint8Array,
  size: readonly number[],
  box: readonly (readonly [number, number])[],
): void {
  const [height, width] = size.slice(-2) as [number, number]
  const [rows, columns] = box.slice(-2) as [readonly [number, number], readonly [number, number]]
  const [first, end] = box.length === 3 ? box[0]! : [0, 1]
  for (let slice = first; slice < end; slice++) {
    for (let row = rows[0]; row < rows[1]; row++) {
      const start = (slice * height + row) * width
      out.fill(1, start + columns[0], start + columns[1])
    }
  }
}

/** Takes the samples inside the region from the partners. @param x [N, C, ...size], or [N, ...size]. */
export function applyMix(x: Tensor, mix: MixRegion | null): Tensor {
  if (!mix) return x
  const { region, partners } = mix
  const inside = x.ndim === region.ndim ? region : region.squeeze(1)
  return where(inside, x.indexSelect(0, partners), x)
}
