import { LabelFusion } from '@septum/core'
import { nn, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import type { PredictOptions, SegmentationModel } from '../methods/method.js'
import { labelMap, labelRule } from './label-map.js'
import { predictVolume } from './predict-volume.js'
import { patchCount, patchStarts } from './slide-volume.js'

/** Gives each sample back as a probability, and its complement as the second class. */
class Identity extends nn.Module implements SegmentationModel {
  readonly seen: number[][] = []
  phases() {
    return []
  }
  async predict(images: Tensor, _: PredictOptions) {
    this.seen.push([...images.shape])
    const data = images.toTypedArray() as Float32Array
    const [, , ...size] = images.shape
    const all = new Float32Array(2 * data.length)
    all.set(data)
    all.set(
      data.map((value) => 1 - value),
      data.length,
    )
    return { probabilities: { data: all, shape: [1, 2, ...size] } }
  }
}

const options = { samples: 1, seed: 0, index: 0, stages: false, device: 'cpu', resize: 'crop' } as const
const task = {
  dimensions: 3,
  imageChannels: 1,
  classes: ['a', 'b'],
  raters: 1,
  imageSize: [4, 6, 5],
} as const

describe('patches', () => {
  it.each([
    // nnU-Net's compute_steps_for_sliding_window: step at most half a patch, evenly spread.
    [4, 4, [0]],
    [5, 4, [0, 1]],
    [6, 4, [0, 2]],
    [7, 4, [0, 2, 3]],
    [110, 64, [0, 23, 46]],
    // Shorter than the patch: floor((3 - 6) / 2), two of padding in front and one behind.
    [3, 6, [-2]],
  ])('of %i samples with a patch of %i begin at %j', (side, patch, starts) => {
    expect(patchStarts(side, patch)).toEqual(starts)
  })

  it.each([
    [[9, 13, 7]],
    [[4, 6, 5]],
    // Padded along two axes.
    [[2, 11, 4]],
  ])('are put together without a seam, %j', async (size) => {
    const samples = size.reduce((a, b) => a * b)
    const image = Float32Array.from({ length: samples }, (_, i) => ((i * 37) % 101) / 101)
    const model = new Identity()
    const stored = { image, maxValue: 1, masks: new Uint8Array(0), size }
    const maps = await predictVolume(model, task, stored, options)
    const [a, b] = [maps.map(0), maps.map(1)]
    expect(a).toHaveLength(samples)
    expect(model.seen).toHaveLength(patchCount(size, task.imageSize))
    for (let i = 0; i < samples; i++) {
      // Half a step of 16 bits, and the rounding of float32.
      expect(Math.abs(a[i]! - image[i]!)).toBeLessThan(1e-5)
      expect(Math.abs(b[i]! - (1 - image[i]!))).toBeLessThan(1e-5)
    }
    for (const shape of model.seen) expect(shape).toEqual([1, 1, 4, 6, 5])
  })
})

describe('one label map', () => {
  const map = (...values: number[]) => Float32Array.from(values)

  it('takes the most probable class above one half', () => {
    expect([...labelMap([map(0.6, 0.9, 0.4, 0.5), map(0.7, 0.8, 0.3, 0.5)])]).toEqual([2, 1, 0, 0])
  })

  it('does not depend on the order in which classes come', () => {
    const fusion = new LabelFusion(4, labelRule(2))
    fusion.add(1, map(0.7, 0.8, 0.3, 0.6))
    fusion.add(0, map(0.6, 0.9, 0.4, 0.6))
    expect([...fusion.labels]).toEqual([2, 1, 0, 1])
  })

  it('has the labels of the data set for regions, so that they are found again', () => {
    // BraTS 2021 in nnU-Net: necrosis 1, oedema 2, enhancing 3; whole, core, enhancing.
    const regions = [[1, 2, 3], [1, 3], [3]]
    expect(labelRule(3, regions)).toEqual({ labels: [2, 1, 3], order: [0, 1, 2] })
    const labels = labelMap([map(1, 1, 1, 0), map(0, 1, 1, 0), map(0, 0, 1, 0)], regions)
    expect([...labels]).toEqual([2, 1, 3, 0])
    const found = regions.map((own) => [...labels].map((label) => Number(own.includes(label))))
    expect(found).toEqual([
      [1, 1, 1, 0],
      [0, 1, 1, 0],
      [0, 0, 1, 0],
    ])
    expect(labelRule(3)).toEqual({ labels: [1, 2, 3] })
  })

  it('shows a core within the whole, in whatever order they are named', () => {
    const [whole, core] = [map(0.9, 0.9, 0.1, 0.2), map(0.6, 0.2, 0.1, 0.7)]
    expect([...labelMap([whole, core], [[1, 2], [2]])]).toEqual([2, 1, 0, 2])
    // Labels of the data set: 2 the core, 1 what else is in the whole.
    expect([...labelMap([core, whole], [[2], [1, 2]])]).toEqual([2, 1, 0, 2])
  })
})
