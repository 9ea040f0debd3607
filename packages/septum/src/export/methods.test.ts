import { manualSeed, nn, noGrad, rand, setThreads, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { methodByName } from '../methods/index.js'
import type { SegmentationModel, Task } from '../methods/method.js'
import { predictOptions, squareTask } from '../methods/testing.js'
import { unetOptions } from '../methods/unet/index.js'
import { bundleOf } from './testing.js'
import { verify } from './verify.js'

// Tensors this small gain nothing from a second thread.
setThreads(1)

const smallEncoder = { encoder: 'resnet18', encoderWidth: 0.125, channels: 8 }

/** Options that keep a method small, the sizes its graph takes beside the trained 64 x 64, and what fixes the size. */
const cases: readonly { method: string; options: object; sizes: readonly number[][]; note?: string }[] = [
  {
    method: 'unet',
    options: { widths: [8, 16, 16] },
    sizes: [
      [96, 32],
      [77, 58],
      [51, 100],
    ],
  },
  {
    method: 'unet',
    options: { widths: [8, 16, 16], upsampling: 'linear' },
    sizes: [[77, 58]],
    note: 'linear',
  },
  { method: 'unet-plus-plus', options: { widths: [8, 8, 16], deepSupervision: true }, sizes: [[77, 58]] },
  { method: 'attention-unet', options: { widths: [8, 16, 16] }, sizes: [[77, 58]] },
  {
    method: 'utnet',
    options: { baseChannels: 4, attentionLevels: [1, 2], heads: 2, reducedSide: 4 },
    sizes: [],
  },
  {
    method: 'resunet-plus-plus',
    options: { widths: [8, 8, 16, 16], ratio: 2, dilations: [2, 3] },
    sizes: [[77, 58]],
  },
  { method: 'sku-net', options: { widths: [8, 16, 16], gates: true }, sizes: [[77, 58]] },
  { method: 'nu-net', options: { widths: [8, 8, 12, 16] }, sizes: [[77, 58]] },
  {
    method: 'm2snet',
    options: { ...smallEncoder, channels: 16, lossNet: 'none' },
    sizes: [
      [77, 58],
      [51, 100],
    ],
  },
  { method: 'msnet', options: { ...smallEncoder, channels: 16, lossNet: 'none' }, sizes: [[77, 58]] },
  { method: 'pranet', options: smallEncoder, sizes: [[77, 58]] },
  { method: 'infnet', options: smallEncoder, sizes: [[77, 58]] },
  { method: 'bcsnet', options: smallEncoder, sizes: [[77, 58]] },
  { method: 'acsnet', options: smallEncoder, sizes: [] },
  { method: 'pns-net', options: { encoderWidth: 0.125, channels: 8 }, sizes: [] },
  {
    method: 'pns-net',
    options: { encoderWidth: 0.125, channels: 8, attention: false },
    sizes: [[77, 58]],
    note: 'without attention',
  },
  {
    method: 'transunet',
    options: {
      resnetWidth: 8,
      resnetUnits: [1, 1, 1],
      channels: 16,
      layers: 1,
      heads: 2,
      mlp: 32,
      bridgeChannels: 16,
      decoderChannels: [16, 16, 8, 8],
    },
    sizes: [],
  },
  {
    method: 'unet-plus-plus',
    options: { widths: [8, 8, 16], exclusive: true },
    sizes: [[77, 58]],
    note: 'with a soft-max',
  },
]

const task: Task = { ...squareTask(64, ['a', 'b']), imageChannels: 3 }

function build(method: string, options: object): SegmentationModel {
  const found = methodByName(method)
  manualSeed(1)
  return found.build(found.options.parse(options), task)
}

const image = (size: readonly number[], channels = 3) => ({
  size,
  data: rand([channels, ...size]).toTypedArray() as Float32Array,
})

/** Running statistics as training leaves them: with those of a new network activations grow without bound. */
function settle(model: SegmentationModel): void {
  const [phase] = model.phases()
  model.train()
  for (const module of phase!.trains) {
    for (const [, part] of module.modules()) {
      if (part instanceof nn.BatchNorm2d) Object.assign(part, { momentum: 0.5 })
    }
  }
  const masks = tensor(new Float32Array(4 * 64 * 64).fill(1), { shape: [4, 1, 64, 64], dtype: 'uint8' })
  noGrad(() => {
    // Positions that start at zero would fit any size.
    for (const [name, p] of model.namedParameters()) if (/position/.test(name)) p.normal_()
    for (let step = 0; step < 12; step++)
      phase!.losses({ images: rand([4, 3, 64, 64]), masks, cases: ['a', 'b', 'c', 'd'], step })
  })
}

describe('methods of one mask', () => {
  it.each(cases)(
    '$method $note gives the trained probabilities at every size',
    async ({ method, options, sizes }) => {
      const model = build(method, options)
      settle(model)
      const bundle = await bundleOf(model, task)
      expect(bundle.parts.size.fixed, bundle.parts.size.reason).toBe(sizes.length === 0)
      const opened = await bundle.open()
      const images = [[64, 64], ...sizes].map((size) => image(size))
      const { maxDifference } = await verify({ trainer: model, parts: bundle.parts, bundle: opened, images })
      expect(maxDifference).toBeLessThan(1e-4)
      await opened.release()
    },
  )

  it('takes volumes', async () => {
    const volumes: Task = {
      dimensions: 3,
      imageChannels: 2,
      classes: ['a'],
      raters: 1,
      imageSize: [8, 12, 16],
    }
    manualSeed(2)
    const model = methodByName('unet').build(unetOptions.parse({ widths: [4, 8] }), volumes)
    const bundle = await bundleOf(model, volumes)
    const opened = await bundle.open()
    const images = [
      [8, 12, 16],
      [5, 7, 9],
    ].map((size) => image(size, 2))
    const { maxDifference } = await verify({ trainer: model, parts: bundle.parts, bundle: opened, images })
    expect(bundle.parts.size.fixed).toBe(false)
    expect(maxDifference).toBeLessThan(1e-4)
  })

  it('marks with a soft-max the class of the largest probability, as the trainer does', async () => {
    const model = build('unet-plus-plus', { widths: [8, 8, 16], exclusive: true })
    settle(model)
    const opened = await (await bundleOf(model, task)).open()
    const { data, size } = image([64, 64])
    const wanted = await model.predict(tensor(data, { shape: [1, 3, ...size] }), predictOptions())
    const own = await opened.predict(data, size)
    const unlike = own.samples.data.filter((value, i) => value !== wanted.samples!.data[i]).length
    expect(unlike).toBeLessThan(5)
    expect(own.samples.data.some((value) => value === 1)).toBe(true)
  })

  it('gives the chosen classes in their order, and refuses images that do not fit', async () => {
    const model = build('unet', { widths: [8, 16, 16] })
    const opened = await (await bundleOf(model, task)).open()
    const { data, size } = image([20, 24])
    const all = await opened.predict(data, size)
    const turned = await opened.predict(data, size, { classes: [1, 0] })
    const pixels = 20 * 24
    expect(turned.probabilities.data.subarray(0, pixels)).toEqual(all.probabilities.data.subarray(pixels))
    expect(turned.samples.shape).toEqual([1, 2, 20, 24])
    await expect(opened.predict(data, [20, 25])).rejects.toMatchObject({ code: 'bundle-input' })
    await expect(opened.predict(data, [3, 20, 24])).rejects.toMatchObject({ code: 'bundle-input' })
    await expect(opened.logits!(data, [1, 2, 20, 36])).rejects.toMatchObject({ code: 'bundle-input' })
  })
})
