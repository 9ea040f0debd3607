import { tensor } from '@septum/torch'
import type { Batch, PredictOptions, Task } from './method.js'

/** A filled disc as a row-major map of 0 and 1. */
export function disc(side: number, radius: number, y = (side - 1) / 2, x = (side - 1) / 2): number[] {
  return Array.from({ length: side * side }, (_, i) =>
    (Math.floor(i / side) - y) ** 2 + ((i % side) - x) ** 2 <= radius * radius ? 1 : 0,
  )
}

/** A ramp with values in [0, 1], `dy` and `dx` steps a pixel; images that a network tells apart easily. */
export function ramp(side: number, dy: number, dx: number): number[] {
  return Array.from({ length: side * side }, (_, i) => {
    const at = (Math.floor(i / side) * dy + (i % side) * dx) / side
    return at - Math.floor(at)
  })
}

/** @param images one row-major map each @param masks for each image, one label map a rater */
export function squareBatch(side: number, images: number[][], masks: number[][][], step = 0): Batch {
  return {
    images: tensor(images.flat(), { shape: [images.length, 1, side, side] }),
    masks: tensor(masks.flat(2), { shape: [masks.length, masks[0]!.length, side, side], dtype: 'uint8' }),
    cases: images.map((_, i) => `case${i}`),
    step,
  }
}

export const squareTask = (side: number, classes: readonly string[] = ['lesion'], raters = 1): Task => ({
  dimensions: 2,
  imageChannels: 1,
  classes,
  raters,
  imageSize: [side, side],
})

export const predictOptions = (options: Partial<PredictOptions> = {}): PredictOptions => ({
  samples: 1,
  seed: 0,
  firstImage: 0,
  rule: 'vote',
  stages: false,
  ...options,
})
