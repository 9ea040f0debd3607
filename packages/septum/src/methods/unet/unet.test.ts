import { manualSeed, noGrad, rand, tensor, zeros } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { PhaseRun } from '../../training/phase-run.js'
import type { Batch, Task } from '../method.js'
import { disc, predictOptions, ramp, squareBatch, squareTask } from '../testing.js'
import { Unet, unet, unetOptions } from './index.js'
import { UnetNetwork } from './network.js'

const small = (options: object = {}) => unetOptions.parse({ widths: [8, 16, 16], lr: 2e-2, ...options })

describe('parameters', () => {
  // Two well-known plain PyTorch U-Nets; convolutions with bias: c_out (9 c_in + 1), batch norms 2 c_out.
  it('are 34,527,041 with convolutions after up-sampling, widths 64 to 1024, and 3 channels', () => {
    const options = { widths: [64, 128, 256, 512, 1024], upsampling: 'conv' as const, deepSupervision: false }
    expect(new UnetNetwork(2, 3, 1, options).parameterCount()).toBe(34_527_041)
  })

  it('are 7,852,545 with linear up-sampling and widths 32 to 512', () => {
    const options = { widths: [32, 64, 128, 256, 512], upsampling: 'linear' as const, deepSupervision: false }
    expect(new UnetNetwork(2, 3, 1, options).parameterCount()).toBe(7_852_545)
  })
})

describe('network', () => {
  const options = { widths: [4, 8, 8], upsampling: 'conv' as const, deepSupervision: false }

  it.each(['conv', 'linear'] as const)('keeps the size in two and three dimensions (%s)', (upsampling) => {
    noGrad(() => {
      const plane = new UnetNetwork(2, 3, 2, { ...options, upsampling }).forward(rand([2, 3, 8, 12]))
      expect(plane.map((t) => t.shape)).toEqual([[2, 2, 8, 12]])
      const volume = new UnetNetwork(3, 1, 2, { ...options, upsampling }).forward(rand([1, 1, 4, 8, 12]))
      expect(volume.map((t) => t.shape)).toEqual([[1, 2, 4, 8, 12]])
    })
  })

  it('gives logits at every half of the size with deep supervision', () => {
    const deep = new UnetNetwork(2, 1, 1, { ...options, deepSupervision: true })
    expect(noGrad(() => deep.forward(rand([1, 1, 8, 8]))).map((t) => t.shape)).toEqual([
      [1, 1, 8, 8],
      [1, 1, 4, 4],
    ])
  })
})

describe('method', () => {
  it('takes odd sizes', async () => {
    const model = unet.build(small(), { ...squareTask(16), imageSize: [13, 11] }).eval()
    const { probabilities } = await model.predict(rand([2, 1, 13, 11]), predictOptions())
    expect(probabilities.shape).toEqual([2, 1, 13, 11])
    const losses = model.phases()[0]!.losses({
      images: rand([2, 1, 13, 11]),
      masks: zeros([2, 1, 13, 11], { dtype: 'uint8' }),
      cases: ['a', 'b'],
      step: 0,
    })
    expect(Number.isFinite(losses.total.item())).toBe(true)
  })

  it('pads at the far ends only: the padding is not seen where the input is not', async () => {
    const model = unet.build(small(), squareTask(16)).eval()
    const image = rand([1, 1, 16, 13])
    const padded = zeros([1, 1, 16, 16])
    padded.narrow(3, 0, 13).copy_(image)
    const cut = await model.predict(image, predictOptions())
    const whole = await model.predict(padded, predictOptions())
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 13; x++) {
        expect(cut.probabilities.data[y * 13 + x]).toBeCloseTo(whole.probabilities.data[y * 16 + x]!, 5)
      }
    }
  })

  it('works in three dimensions', async () => {
    const task: Task = {
      dimensions: 3,
      imageChannels: 2,
      classes: ['a', 'b'],
      raters: 1,
      imageSize: [5, 8, 6],
    }
    const model = unet.build(small({ deepSupervision: true }), task)
    const batch: Batch = {
      images: rand([2, 2, 5, 8, 6]),
      masks: zeros([2, 1, 5, 8, 6], { dtype: 'uint8' }),
      cases: ['a', 'b'],
      step: 0,
    }
    model.phases()[0]!.losses(batch).total.backward()
    const { probabilities, uncertainty } = await model.eval().predict(batch.images, predictOptions())
    expect(probabilities.shape).toEqual([2, 2, 5, 8, 6])
    expect(uncertainty!.shape).toEqual([2, 2, 5, 8, 6])
  })

  it('weighs deep losses by 1 and 1/2', () => {
    const model = new Unet(small({ deepSupervision: true }), squareTask(8))
    noGrad(() => {
      for (const [i, head] of model.network.heads.entries()) {
        head.weight.zero_()
        head.bias!.fill_(i === 0 ? -50 : 50)
      }
    })
    const { total } = model.phases()[0]!.losses(squareBatch(8, [ramp(8, 1, 0)], [[new Array(64).fill(0)]]))
    // Nothing is marked. Full size: BCE 0, Dice about 0 (both sums vanish against the smoothing). Half size:
    // BCE 50, Dice 1. (1 * 0 + 1/2 * 51) / (1 + 1/2) = 17.
    expect(total.item()).toBeCloseTo(17, 3)
  })

  it('learns a different mask for every class', async () => {
    manualSeed(1)
    const model = unet.build(small({ steps: 150 }), squareTask(16, ['disc', 'ring']))
    const inner = disc(16, 3)
    const labels = disc(16, 6).map((outer, i) => (inner[i] ? 1 : outer ? 2 : 0))
    const batch = squareBatch(16, [disc(16, 6).map((v, i) => 0.4 * v + 0.4 * inner[i]!)], [[labels]])
    const run = new PhaseRun(model, model.phases()[0]!, 0, 1, 'cpu', 'float32')
    for (let step = 0; step < 150; step++) run.step([{ ...batch, step }])
    run.free()
    const { samples } = await model.eval().predict(batch.images, predictOptions())
    const wrong = labels.filter(
      (label, i) =>
        samples!.data[i] !== Number(label === 1) || samples!.data[256 + i] !== Number(label === 2),
    )
    expect(wrong.length).toBeLessThan(5)
    async function* once() {
      yield {
        ...batch,
        images: batch.images.clone(),
        masks: tensor(labels, { shape: [1, 1, 16, 16], dtype: 'uint8' }),
      }
    }
    const { score } = await model.phases()[0]!.validate(once())
    expect(score).toBeGreaterThan(0.95)
  })
})
