import { Random } from '@septum/core'
import type { PatchRecipe } from '../../methods/method.js'
import { centreOffset, type DrawPlace } from '../augment/index.js'
import type { WindowPlace } from '../window.js'
import type { Foreground } from './foreground.js'

const PATCH_STREAM = 0xb1

/**
 * Places a patch so that it shows foreground, if the recipe asks for that in this position of the batch: a class is
 * drawn among those that the case has, then one of its marked samples, which becomes the centre of the patch as far as
 * the image reaches. A function of its arguments only.
 *
 * With `choose: 'last'` the patches from position round(batchSize (1 - foreground)) on must show foreground (nnU-Net: of
 * a batch of two the second, for a third); with 'chance' each one with that probability.
 * @param source size of the image. @param size size of the patch, both [H, W] or [D, H, W].
 * @returns null where the patch may lie anywhere, or the case has no foreground.
 */
export function placePatch(
  { foreground: share, choose }: PatchRecipe,
  { labels, places }: Foreground,
  source: readonly number[],
  size: readonly number[],
  batchSize: number,
  { seed, stream = 0, step, index }: DrawPlace,
): WindowPlace | null {
  const random = new Random(seed, PATCH_STREAM + 256 * stream, step, index)
  const chance = random.uniform()
  const forced = choose === 'last' ? index >= roundHalfEven(batchSize * (1 - share)) : chance < share
  if (!forced || labels.length === 0) return null
  const ofClass = places[random.int(labels.length)]!
  const at = ofClass[random.int(ofClass.length)]!
  const [height, width] = source.slice(-2) as [number, number]
  const point = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width].slice(
    3 - source.length,
  )
  const start = point.map((centre, axis) => {
    const room = source[axis]! - size[axis]!
    if (room <= 0) return centreOffset(source[axis]!, size[axis]!)
    return Math.max(0, Math.min(room, centre - Math.floor(size[axis]! / 2)))
  })
  const [top, left] = start.slice(-2) as [number, number]
  return start.length === 3 ? { front: start[0]!, top, left } : { top, left }
}

/** Python's rounding, by which nnU-Net counts: 0.5 to the even neighbour. */
function roundHalfEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1
}
