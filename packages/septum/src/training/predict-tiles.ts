import { noGrad, scope, type Tensor, tensor } from '@septum/torch'
import type { Prediction, PredictOptions, SegmentationModel } from '../methods/method.js'
import { patchStarts } from './slide-volume.js'

type Size = readonly [height: number, width: number]

/** Width of the weights of a patch, in patches (nnU-Net). */
const SIGMA = 1 / 8

export interface TileOptions {
  /** [H, W] of the picture and of a patch. */
  readonly size: Size
  readonly patch: Size
  readonly classes: number
  readonly device: string
  readonly predict: PredictOptions
}

function weightsAlong(side: number): Float32Array {
  const middle = (side - 1) / 2
  return Float32Array.from({ length: side }, (_, i) => Math.exp(-0.5 * ((i - middle) / (side * SIGMA)) ** 2))
}

/** Mirror images that a prediction is the mean of: none, left to right, top to bottom, both. */
const mirrors: readonly (readonly number[])[] = [[], [3], [2], [2, 3]]

/**
 * Probabilities of a patch: the mean over its mirror images, each turned back (nnU-Net).
 * @param images [1, C, H, W] @returns [classes · H · W]
 */
async function mirrored(
  model: SegmentationModel,
  images: Tensor,
  options: PredictOptions,
): Promise<Float32Array> {
  let total = new Float64Array()
  for (const axes of mirrors) {
    const turned = axes.length === 0 ? images : scope(() => images.flip(axes).contiguous())
    try {
      const { probabilities } = await model.predict(turned, options)
      const back =
        axes.length === 0
          ? probabilities.data
          : scope(() =>
              noGrad(() => {
                const { data, shape } = probabilities
                return tensor(data, { shape }).flip(axes).contiguous().toTypedArray() as Float32Array
              }),
            )
      if (total.length === 0) total = new Float64Array(back.length)
      for (let i = 0; i < back.length; i++) total[i]! += back[i]! / mirrors.length
    } finally {
      if (turned !== images) turned.free()
    }
  }
  return Float32Array.from(total)
}

/**
 * Segments a picture of any size in overlapping patches, half a patch apart, averaged with Gaussian weights; each patch is
 * the mean over its mirror images (nnU-Net, Isensee et al. 2021). For runs that were trained on patches.
 * @param image [C, H, W] as the network sees it @returns maps of the whole picture; the hard mask is the only sample
 */
export async function predictTiles(
  model: SegmentationModel,
  image: Float32Array,
  { size, patch, classes, device, predict }: TileOptions,
): Promise<Prediction> {
  const [height, width] = size
  const [h, w] = patch
  const channels = image.length / (height * width)
  const [down, across] = [weightsAlong(h), weightsAlong(w)]
  const sums = new Float64Array(classes * height * width)
  const weights = new Float64Array(height * width)
  for (const top of patchStarts(height, h)) {
    for (const left of patchStarts(width, w)) {
      predict.signal?.throwIfAborted()
      const input = new Float32Array(channels * h * w)
      const [x0, x1] = [Math.max(0, -left), Math.min(w, width - left)]
      const rows = Array.from({ length: h }, (_, y) => y).filter((y) => y + top >= 0 && y + top < height)
      for (let c = 0; c < channels; c++) {
        for (const y of rows) {
          const from = (c * height + y + top) * width + left
          input.set(image.subarray(from + x0, from + x1), (c * h + y) * w + x0)
        }
      }
      const images = tensor(input, { shape: [1, channels, h, w], device })
      const values = await mirrored(model, images, predict).finally(() => images.free())
      for (const y of rows) {
        for (let x = x0; x < x1; x++) {
          const weight = down[y]! * across[x]!
          const at = (y + top) * width + x + left
          weights[at]! += weight
          for (let k = 0; k < classes; k++)
            sums[k * height * width + at]! += weight * values[(k * h + y) * w + x]!
        }
      }
    }
  }
  const pixels = height * width
  const data = Float32Array.from(sums, (sum, i) => Math.min(1, sum / weights[i % pixels]!))
  const shape = [1, classes, height, width]
  return {
    probabilities: { data, shape },
    samples: { data: data.map((p) => (p > 0.5 ? 1 : 0)), shape: [1, ...shape] },
    uncertainty: { data: data.map((p) => 4 * p * (1 - p)), shape },
  }
}
