import { manualSeed, rand } from '@septum/torch'
import { methodByName } from '../../methods/index.js'
import type { PredictOptions, SegmentationModel, Task } from '../../methods/method.js'
import type { LayerCost } from '../../methods/profile.js'
import { meterLayers } from './layer-meter.js'

/** Parameters and multiply-adds of a method. */
export interface MethodCost {
  readonly parameters: number
  readonly macs: number
  readonly layers: readonly LayerCost[]
}

/** One mask of one image. */
const oneMask: PredictOptions = { samples: 1, seed: 0, firstImage: 0, rule: 'vote', stages: false }

/**
 * Parameters and multiply-adds of one prediction: one image of the task's size, one mask. Counted are convolutions and
 * linear layers, as papers do; norms, activations, pools, resizes and the products of attention are not.
 * @throws SeptumError where the method cannot be built for the task, e.g. for its image size.
 */
export async function methodCost(method: string, options: unknown, task: Task): Promise<MethodCost> {
  const found = methodByName(method)
  manualSeed(0)
  return predictionCost(found.build(found.options.parse(options), task), task)
}

/** As {@link methodCost}, of a model that is thrown away afterwards: see {@link meterLayers}. */
export async function predictionCost(model: SegmentationModel, task: Task): Promise<MethodCost> {
  const images = rand([1, task.imageChannels, ...task.imageSize])
  try {
    const layers = await meterLayers(model, () => model.predict(images, oneMask))
    return {
      parameters: model.parameterCount(),
      macs: layers.reduce((sum, { macs }) => sum + macs, 0),
      layers,
    }
  } finally {
    images.free()
  }
}
