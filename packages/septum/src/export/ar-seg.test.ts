import { type NextScaleBundle, sampleMasks } from '@septum/core'
import { manualSeed, noGrad, rand, setThreads, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { arSeg } from '../methods/ar-seg/index.js'
import type { ArSeg } from '../methods/ar-seg/model.js'
import { tinyOptions } from '../methods/ar-seg/testing.js'
import { predictOptions, squareTask } from '../methods/testing.js'
import { bundleOf } from './testing.js'
import { verify } from './verify.js'

setThreads(1)

const task = squareTask(16, ['a', 'b'])

/** Untrained heads give nearly equal logits; larger weights make tokens that differ. */
function build(segmentor: object = {}, autoencoder: object = {}): ArSeg {
  manualSeed(3)
  // With a channel a group, norms of maps this small divide by almost nothing.
  const groups = [{ normGroups: 2 }, { encoderNormGroups: 2 }] as const
  const options = tinyOptions({ ...groups[0], ...autoencoder }, { ...groups[1], ...segmentor })
  const model = arSeg.build(options, task) as ArSeg
  noGrad(() => {
    for (const [name, p] of model.transformer.namedParameters()) {
      if (name.startsWith('head')) p.mul_(20)
    }
  })
  return model
}

const image = () => ({ size: [16, 16], data: rand([1, 16, 16]).toTypedArray() as Float32Array })

const settings: readonly [string, object, object][] = [
  ['gpt', { block: 'gpt' }, {}],
  ['gpt without image at tokens', { block: 'gpt', imageAtTokens: false, positions: 'zeros' }, {}],
  ['gpt without level embedding, one scale', { block: 'gpt', levelEmbedding: false }, { scales: [4] }],
  ['gpt that sees the scale before only', { block: 'gpt', context: 'previous' }, {}],
  ['var that sees the scale before only', { block: 'var', context: 'previous' }, { scales: [1, 2, 3, 4] }],
  ['gpt with the low-rank branch', { block: 'gpt', lowRank: true }, {}],
  ['var with the mean of the condition', { block: 'var', condMean: true, classDropout: 0.1 }, {}],
]

describe.each(settings)('AR-Seg, %s', (_name, segmentor, autoencoder) => {
  it("gives the trainer's logits under equal tokens, and its tokens under one seed", async () => {
    const model = build(segmentor, autoencoder)
    const bundle = await bundleOf(model, task)
    const opened = (await bundle.open()) as NextScaleBundle
    const images = [image(), image(), image()]
    const found = await verify({ trainer: model, parts: bundle.parts, bundle: opened, images })
    expect(found.maxDifference).toBeLessThan(1e-4)
    const tokens =
      bundle.parts.model.kind === 'next-scale' ? bundle.parts.model.scales.reduce((n, p) => n + p * p, 0) : 0
    expect(found.tokens).toEqual({ compared: 3 * 2 * 2 * tokens, unlike: 0 })
  })
})

describe('an AR-Seg bundle', () => {
  it('predicts what the trained model predicts, stage by stage', async () => {
    const model = build({ block: 'var', classDropout: 0.1 })
    const opened = await (await bundleOf(model, task)).open()
    const { data, size } = image()
    const seen: string[] = []
    const steps: number[] = []
    const own = await opened.predict(data, size, {
      samples: 5,
      seed: 9,
      imageStream: 4,
      rowsPerBatch: 2,
      onStage: ({ name, classIndex, probabilities }) => {
        seen.push(`${classIndex}:${name}:${probabilities.shape}`)
      },
      onProgress: ({ done, total }) => steps.push(done / total),
    })
    const wanted = await model.predict(tensor(data, { shape: [1, 1, 16, 16] }), {
      ...predictOptions({ samples: 5, seed: 9, stages: true }),
      firstImage: 4,
    })
    expect(own.probabilities).toEqual({ data: wanted.probabilities.data, shape: [2, 16, 16] })
    expect(own.uncertainty.data).toEqual(wanted.uncertainty!.data)
    expect(own.samples).toEqual({ data: wanted.samples!.data, shape: [5, 2, 16, 16] })
    expect(seen).toEqual([
      '0:1x1:1,16,16',
      '0:2x2:1,16,16',
      '0:4x4:1,16,16',
      '1:1x1:1,16,16',
      '1:2x2:1,16,16',
      '1:4x4:1,16,16',
    ])
    expect(steps.at(-1)).toBe(1)
    expect(steps).toEqual([...steps].sort((a, b) => a - b))
    for (const [k, stage] of own.stages!.entries()) {
      const reference = wanted.stages![k]!
      expect(stage.name).toBe(reference.name)
      for (const [i, p] of stage.probabilities.data.entries())
        expect(p).toBeCloseTo(reference.probabilities.data[i]!, 4)
    }
    const [one] = (
      await opened.predict(data, size, { samples: 1, firstSample: 3, seed: 9, imageStream: 4, classes: [1] })
    ).tokens!
    expect(one![0]).toEqual(own.tokens![1]![3])
  })

  it('guides as the trainer does', async () => {
    const model = build({ block: 'var', classDropout: 0.1 })
    const bundle = await bundleOf(model, task)
    const opened = (await bundle.open()) as NextScaleBundle
    const { data } = image()
    const options = { samples: 3, seed: 2, guidance: 1.5, classIndex: 1 }
    const engine = bundle.parts.engine!
    const condition = await engine.encode(tensor(data, { shape: [1, 1, 16, 16] }))
    const wanted = await sampleMasks(engine, condition, options)
    await engine.releaseCondition(condition)
    const own = await sampleMasks(
      opened.engine,
      await opened.engine.encode({ data, shape: [1, 16, 16] }),
      options,
    )
    expect(own.tokens).toEqual(wanted.tokens)
  })

  it('stops when it is told to', async () => {
    const opened = await (await bundleOf(build(), task)).open()
    const { data, size } = image()
    const controller = new AbortController()
    const stopped = opened.predict(data, size, {
      signal: controller.signal,
      onStage: () => controller.abort(new Error('enough')),
    })
    await expect(stopped).rejects.toThrow('enough')
  })
})
