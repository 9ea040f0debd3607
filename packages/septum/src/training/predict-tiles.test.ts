import type { Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import type { Prediction, SegmentationModel } from '../methods/method.js'
import { predictTiles } from './predict-tiles.js'

/** A model that makes maps [1, 1, h, w] of the patch by a function of value, row and column. */
function modelOf(of: (value: number, y: number, x: number) => number) {
  const seen: number[][] = []
  const model = {
    async predict(images: Tensor): Promise<Prediction> {
      const [, , h, w] = images.shape as [number, number, number, number]
      const values = images.contiguous().toTypedArray() as Float32Array
      seen.push([h, w])
      const data = Float32Array.from({ length: h * w }, (_, i) => of(values[i]!, Math.floor(i / w), i % w))
      return { probabilities: { data, shape: [1, 1, h, w] } }
    },
  }
  return { model: model as unknown as SegmentationModel, seen }
}

const predict = { samples: 1, seed: 0, firstImage: 0, rule: 'vote', stages: false } as const
const tiles = (size: [number, number], patch: [number, number]) => ({
  size,
  patch,
  classes: 1,
  device: 'cpu',
  predict,
})

describe('a picture in patches', () => {
  it.each([
    [
      [13, 20],
      [8, 8],
    ],
    [
      [8, 8],
      [8, 8],
    ],
    [
      [5, 9],
      [8, 8],
    ],
    [
      [30, 4],
      [8, 6],
    ],
  ] as const)('of %j with patches of %j is covered, each pixel at its place', async (size, patch) => {
    const image = Float32Array.from({ length: size[0] * size[1] }, (_, i) => (i % 97) / 100)
    const { model, seen } = modelOf((value) => value)
    const { probabilities, samples, uncertainty } = await predictTiles(
      model,
      image,
      tiles([...size], [...patch]),
    )
    expect(probabilities.shape).toEqual([1, 1, ...size])
    expect(seen.every(([h, w]) => h === patch[0] && w === patch[1])).toBe(true)
    for (const [i, p] of probabilities.data.entries()) expect(p).toBeCloseTo(image[i]!, 5)
    expect(samples!.data[3]).toBe(image[3]! > 0.5 ? 1 : 0)
    expect(uncertainty!.data[2]).toBeCloseTo(4 * image[2]! * (1 - image[2]!), 5)
  })

  it('is the mean over mirror images', async () => {
    // A map that grows to the right and downwards: turned back and averaged it is flat.
    const { model, seen } = modelOf((_, y, x) => (x + y) / 14)
    const { probabilities } = await predictTiles(model, new Float32Array(64), tiles([8, 8], [8, 8]))
    for (const p of probabilities.data) expect(p).toBeCloseTo(0.5, 6)
    expect(seen).toHaveLength(4)
  })

  it('weighs overlapping patches by their distance from the middle', async () => {
    // Three patches of 1 x 8 begin at 0, 4 and 8; each gives the value of its own first pixel in its middle mirror pair.
    let number = 0
    const { model } = modelOf(() => [0.2, 0.6, 1][Math.floor((number - 1) / 4)]!)
    const counted = {
      predict: (...args: Parameters<SegmentationModel['predict']>) => {
        number++
        return model.predict(...args)
      },
    } as unknown as SegmentationModel
    const { probabilities } = await predictTiles(counted, new Float32Array(16), tiles([1, 16], [1, 8]))
    // Sigma is 1: pixel 5 is 1.5 from the middle of the first patch (3.5) and 2.5 from that of the second (7.5).
    const [a, b] = [Math.exp(-0.5 * 1.5 ** 2), Math.exp(-0.5 * 2.5 ** 2)]
    expect(probabilities.data[5]).toBeCloseTo((0.2 * a + 0.6 * b) / (a + b), 5)
    expect(probabilities.data[0]).toBeCloseTo(0.2, 6)
    expect(probabilities.data[15]).toBeCloseTo(1, 6)
  })
})
