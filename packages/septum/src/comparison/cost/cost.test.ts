import { nn, noGrad, ones, rand, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import type { Prediction } from '../../methods/method.js'
import { squareTask } from '../../methods/testing.js'
import { meterLayers } from './layer-meter.js'
import { methodCost } from './prediction-cost.js'
import { costTree } from './tree.js'

/** By hand, U-Net of two levels, widths 2 and 4, one grey channel and one class, 8 x 8 pixels, upsampling by convolution. */
const byHand = {
  // [parameters of the 3x3 convolution with bias, batch norm, multiply-adds]
  'down.0.first': [1 * 2 * 9 + 2, 4, 64 * 1 * 2 * 9],
  'down.0.second': [2 * 2 * 9 + 2, 4, 64 * 2 * 2 * 9],
  'down.1.first': [2 * 4 * 9 + 4, 8, 16 * 2 * 4 * 9],
  'down.1.second': [4 * 4 * 9 + 4, 8, 16 * 4 * 4 * 9],
  up_conv: [4 * 2 * 9 + 2, 4, 64 * 4 * 2 * 9],
  'up.first': [4 * 2 * 9 + 2, 4, 64 * 4 * 2 * 9],
  'up.second': [2 * 2 * 9 + 2, 4, 64 * 2 * 2 * 9],
} as const
const head = [2 + 1, 64 * 2] as const

describe('cost of a U-Net', () => {
  const parts = Object.values(byHand)
  const parameters = parts.reduce((sum, [conv, norm]) => sum + conv + norm, head[0])
  const macs = parts.reduce((sum, [, , own]) => sum + own, head[1] as number)

  it('equals the count by hand, layer by layer and in total', async () => {
    const options = { widths: [2, 4] }
    const cost = await methodCost('unet', options, squareTask(8))
    expect([cost.parameters, cost.macs]).toEqual([parameters, macs])
    const at = (path: string) => cost.layers.find((layer) => layer.path.endsWith(path))!
    expect(at('down.0.first.conv')).toMatchObject({
      kind: 'Conv2d',
      parameters: byHand['down.0.first'][0],
      macs: byHand['down.0.first'][2],
      calls: 1,
      output: [1, 2, 8, 8],
    })
    expect(at('down.1.second.conv')).toMatchObject({ parameters: 148, macs: 2304, output: [1, 4, 4, 4] })
    expect(at('down.1.second.norm')).toMatchObject({ kind: 'BatchNorm2d', parameters: 8, macs: 0 })
    expect(cost.layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters)
  })

  it('as a tree has the sums of its branches', async () => {
    const tree = costTree((await methodCost('unet', { widths: [2, 4] }, squareTask(8))).layers)
    expect([tree.parameters, tree.macs]).toEqual([parameters, macs])
    const find = (node: typeof tree, path: string): typeof tree | undefined =>
      node.path.endsWith(path) ? node : node.children.map((child) => find(child, path)).find(Boolean)
    const level = find(tree, 'down.1')!
    expect(level.macs).toBe(byHand['down.1.first'][2] + byHand['down.1.second'][2])
    expect(level.parameters).toBe(76 + 8 + 148 + 8)
  })

  it('does not depend on the folding of batch norms: a large image costs its share more', async () => {
    const [small, large] = await Promise.all(
      [8, 64].map((side) => methodCost('unet', { widths: [2, 4] }, squareTask(side))),
    )
    expect(large!.macs).toBe(64 * small!.macs)
  })

  // The published count: 34,527,041 parameters at the default widths with three channels, 65.3 G at 256 (conv).
  it('of the published widths is the published one', async () => {
    const task = { ...squareTask(64), imageChannels: 3 }
    const cost = await methodCost('unet', {}, task)
    expect(cost.parameters).toBe(34_527_041)
    expect((cost.macs * 16) / 1e9).toBeCloseTo(65.3, 0)
  })
})

/** Two uses of one linear layer, a transposed convolution, and a parameter of its own. */
class Odd extends nn.Module {
  readonly twice = new nn.Linear(4, 4)
  readonly wide = new nn.ConvTranspose2d(1, 3, 2, { stride: 2 })
  readonly scale = nn.parameter(ones([5]))

  async predict(x: Tensor): Promise<Prediction> {
    noGrad(() => this.wide.forward(this.twice.forward(this.twice.forward(x))))
    await Promise.resolve()
    noGrad(() => this.twice.forward(x))
    return { probabilities: { data: new Float32Array(), shape: [] } }
  }
}

it('counts every call, across waits, and leaves the model as it was', async () => {
  const model = new Odd()
  const x = rand([1, 1, 4, 4])
  const layers = await meterLayers(model, () => model.predict(x))
  // Linear: 16 outputs x 4, three times. Transposed: 16 inputs x 3 channels x 4 taps.
  expect(layers.map(({ path, macs, calls, parameters }) => [path, macs, calls, parameters])).toEqual([
    ['', 0, 0, 5],
    ['twice', 3 * 64, 3, 20],
    ['wide', 192, 1, 15],
  ])
  expect(Object.keys(model.twice)).not.toContain('forward')
})
