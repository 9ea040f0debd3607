import { nn, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { MaskNetworkModel } from './mask-network.js'
import { mapCount, recipeOptions } from './mask-recipe.js'
import type { Batch } from './method.js'
import { predictOptions, ramp, squareBatch, squareTask } from './testing.js'

/** Gives the maps that it was made with. */
class Constant extends nn.Module {
  readonly multiple = 2

  constructor(
    private readonly maps: readonly Tensor[],
    readonly decide?: () => readonly Tensor[],
  ) {
    super()
  }

  forward(): readonly Tensor[] {
    return this.maps
  }
}

const schema = z.object(recipeOptions({ batchSize: 1, optimizer: 'sgd', lr: 1, schedule: 'constant' }))
const task = squareTask(2, ['a', 'b', 'c'])
/** One number a channel, the same at all four pixels. */
const flat = (values: number[]) =>
  tensor(
    values.flatMap((v) => [v, v, v, v]),
    { shape: [1, values.length, 2, 2] },
  )

describe('classes that share a soft-max', () => {
  const options = schema.parse({ exclusive: true })
  // Background 0.15, classes 0.6, 0.2, 0.05.
  const logits = flat([0.15, 0.6, 0.2, 0.05].map(Math.log))

  it('have a map more than classes', () => {
    expect(mapCount(options, task)).toBe(4)
    expect(mapCount(options, squareTask(2))).toBe(1)
    expect(mapCount(schema.parse({}), task)).toBe(3)
  })

  it('are predicted with their probabilities', async () => {
    const model = new MaskNetworkModel('test', new Constant([logits]), options, task)
    const { probabilities, samples } = await model.predict(
      tensor([0, 0, 0, 0], { shape: [1, 1, 2, 2] }),
      predictOptions(),
    )
    expect(probabilities.shape).toEqual([1, 3, 2, 2])
    ;[0.6, 0.2, 0.05].forEach((p, k) => void expect(probabilities.data[4 * k]).toBeCloseTo(p, 5))
    expect(samples!.shape).toEqual([1, 1, 3, 2, 2])
    expect(Array.from(samples!.data)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
  })

  it('are validated by that mask', async () => {
    const model = new MaskNetworkModel('test', new Constant([logits]), options, task)
    async function* once(): AsyncGenerator<Batch> {
      yield squareBatch(2, [ramp(2, 1, 0)], [[[1, 1, 1, 1]]])
    }
    expect((await model.phases()[0]!.validate(once())).score).toBe(1)
  })

  it('are averaged over maps as probabilities', async () => {
    const maps = [flat([0.3, 0.4, 0.2, 0.1].map(Math.log)), flat([0.1, 0.2, 0.6, 0.1].map(Math.log))]
    const model = new MaskNetworkModel('test', new Constant(maps, () => maps), options, task)
    const { probabilities } = await model.predict(
      tensor([0, 0, 0, 0], { shape: [1, 1, 2, 2] }),
      predictOptions(),
    )
    ;[0.3, 0.4, 0.1].forEach((p, k) => void expect(probabilities.data[4 * k]).toBeCloseTo(p, 5))
  })
})
