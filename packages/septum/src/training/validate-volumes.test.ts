import { nn, type Tensor } from '@septum/torch'
import { expect, it } from 'vitest'
import type { PredictOptions, SegmentationModel, Task } from '../methods/method.js'
import { diceOfVolume } from './validate-volumes.js'

/** Probability of the first class is the image, of the second its square. */
class Image extends nn.Module implements SegmentationModel {
  phases() {
    return []
  }
  async predict(images: Tensor, _: PredictOptions) {
    const data = images.toTypedArray() as Float32Array
    const all = new Float32Array(2 * data.length)
    all.set(data)
    all.set(
      data.map((value) => value * value),
      data.length,
    )
    return { probabilities: { data: all, shape: [1, 2, ...images.shape.slice(2)] } }
  }
}

const size = [6, 10, 9] as const
const samples = 6 * 10 * 9
const slice = (i: number) => Math.floor(i / 90)
/** Slices 1 to 4 are bright (0.9, square 0.81), slice 5 is between (0.6, square 0.36), slice 0 is dark. */
const image = Float32Array.from({ length: samples }, (_, i) => [0.1, 0.9, 0.9, 0.9, 0.9, 0.6][slice(i)]!)
const masks = Uint8Array.from([
  // First rater: slices 2 and 3 label 1, slices 4 and 5 label 2, half of slice 5 ignored.
  ...Array.from({ length: samples }, (_, i) => (i >= 495 ? 255 : [0, 0, 1, 1, 2, 2][slice(i)]!)),
  // The second marks nothing.
  ...new Uint8Array(samples),
])
const task: Task = {
  dimensions: 3,
  imageChannels: 1,
  classes: ['one', 'two'],
  raters: 2,
  imageSize: [4, 4, 4],
}
const decoded = { image, maxValue: 1, masks, size }
const at = { device: 'cpu', index: 0 }

it.each<readonly [string, Task, readonly number[]]>([
  // Class one is marked in slices 1 to 5: 450; of it slices 2 and 3 are right: 2 x 180 / (450 + 180). Class two in slices 1
  // to 4: 360, right in slice 4: 2 x 90 / (360 + 90 + 45). Against nobody's mark 0.
  ['plain classes', task, [360 / 630, 0, 180 / 495, 0]],
  // Without the 45 ignored samples class one marks 405.
  ['an ignore label', { ...task, ignores: true }, [360 / 585, 0, 180 / 495, 0]],
  // Whole is slices 2 to 5, of the last one half: 315 of 405 marked ones; two as before.
  ['regions', { ...task, ignores: true, regions: [[1, 2], [2]] }, [(2 * 315) / (405 + 315), 0, 180 / 495, 0]],
])('counts all of a volume larger than a patch: %s', async (_, own, wanted) => {
  const found = await diceOfVolume(new Image(), own, decoded, at)
  expect(found).toHaveLength(wanted.length)
  for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, 10)
})

it('counts two empty masks as 1', async () => {
  const dark = { ...decoded, image: new Float32Array(samples), masks: new Uint8Array(samples) }
  expect(await diceOfVolume(new Image(), { ...task, raters: 1 }, dark, at)).toEqual([1, 1])
})
