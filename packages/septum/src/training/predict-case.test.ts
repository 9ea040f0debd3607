import { F, nn, scope, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import type { PredictOptions, SegmentationModel, Task } from '../methods/method.js'
import { predictCase } from './predict-case.js'

/** Marks what is brighter than a half. */
class Threshold extends nn.Module implements SegmentationModel {
  phases() {
    return []
  }
  async predict(images: Tensor, _: PredictOptions) {
    const hard = scope(() => F.relu(images.sub(0.5)).gt(0).float().contiguous())
    const volume = { data: Float32Array.from(hard.data() as Float32Array), shape: hard.shape }
    hard.free()
    return { probabilities: volume, samples: { data: volume.data, shape: [1, ...volume.shape] } }
  }
}

const task: Task = { dimensions: 2, imageChannels: 1, classes: ['bright'], raters: 1, imageSize: [4, 4] }
const options = { samples: 1, seed: 0, index: 0, stages: false, device: 'cpu' } as const
const picture = (height: number, width: number, bright: (y: number, x: number) => boolean) => ({
  name: 'a',
  patient: 'a',
  height,
  width,
  channels: 1,
  image: Float32Array.from({ length: height * width }, (_, i) =>
    bright(Math.floor(i / width), i % width) ? 1 : 0,
  ),
  masks: null,
})

describe('predictCase', () => {
  it('crop: marks only inside the centre window, at the place where it was', async () => {
    // The window of a 6 x 8 picture is rows 1 to 4, columns 2 to 5; all is bright.
    const { classes } = await predictCase(
      new Threshold(),
      task,
      picture(6, 8, () => true),
      { ...options, resize: 'crop' },
    )
    const marked = Array.from(classes[0]!.samples[0]!, (v, i) => (v ? i : -1)).filter((i) => i >= 0)
    expect(marked).toEqual([10, 11, 12, 13, 18, 19, 20, 21, 26, 27, 28, 29, 34, 35, 36, 37])
  })

  it.each([
    // Offsets floor((7 - 4) / 2) = 1 and floor((9 - 4) / 2) = 2: rows 1 to 4, columns 2 to 5.
    [7, 9, [1, 4], [2, 5]],
    // Smaller than the window: all of it comes back.
    [3, 3, [0, 2], [0, 2]],
  ])('crop: odd differences, %i x %i', async (height, width, rows, columns) => {
    const bright = picture(height, width, () => true)
    const { classes } = await predictCase(new Threshold(), task, bright, { ...options, resize: 'crop' })
    classes[0]!.samples[0]!.forEach((value, i) => {
      const [y, x] = [Math.floor(i / width), i % width]
      const inside = y >= rows[0]! && y <= rows[1]! && x >= columns[0]! && x <= columns[1]!
      expect([y, x, value]).toEqual([y, x, inside ? 1 : 0])
    })
  })

  it('stretch: marks the right half of a picture of twice the size, all of it', async () => {
    const half = (_: number, x: number) => x >= 4
    const item = await predictCase(new Threshold(), task, picture(8, 8, half), {
      ...options,
      resize: 'stretch',
    })
    const expected = Array.from({ length: 64 }, (_, i) => (i % 8 >= 4 ? 1 : 0))
    expect(Array.from(item.classes[0]!.samples[0]!)).toEqual(expected)
    expect(item.classes[0]!.probability.length).toBe(64)
  })

  it.each([
    [352, 352, 96],
    [37, 53, 16],
    [201, 77, 64],
  ])('stretch: probabilities stay in [0, 1], %i x %i', async (height, width, side) => {
    const wide = { ...task, imageSize: [side, side] }
    const all = picture(height, width, () => true)
    const { classes } = await predictCase(new Threshold(), wide, all, { ...options, resize: 'stretch' })
    expect(classes[0]!.probability.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(1)
    expect(classes[0]!.probability.reduce((a, b) => Math.min(a, b))).toBeGreaterThan(0.999)
  })
})
