import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTensors, manualSeed, rand, saveTensors, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { PhaseRun } from '../training/phase-run.js'
import { acsnet, acsnetOptions } from './acsnet/index.js'
import { arSeg } from './ar-seg/index.js'
import { tinyOptions } from './ar-seg/testing.js'
import { attentionUnet, attentionUnetOptions } from './attention-unet/index.js'
import { bcsnet, bcsnetOptions } from './bcsnet/index.js'
import { methodByName, methods } from './index.js'
import { infnet, infnetOptions } from './infnet/index.js'
import { m2snet, m2snetOptions } from './m2snet/index.js'
import type { Batch, Phase, SegmentationModel, Task } from './method.js'
import { nuNet, nuNetOptions } from './nu-net/index.js'
import { pnsNet, pnsNetOptions } from './pns-net/index.js'
import { pranet, pranetOptions } from './pranet/index.js'
import { resunetPlusPlus, resunetPlusPlusOptions } from './resunet-plus-plus/index.js'
import { skuNet, skuNetOptions } from './sku-net/index.js'
import { disc, predictOptions, ramp, squareBatch, squareTask } from './testing.js'
import { transunet, transunetOptions } from './transunet/index.js'
import { unet, unetOptions } from './unet/index.js'
import { unetPlusPlus, unetPlusPlusOptions } from './unet-plus-plus/index.js'
import { utnet, utnetOptions } from './utnet/index.js'

const smallEncoder = { encoder: 'resnet18', encoderWidth: 0.125, channels: 8, steps: 60, lr: 0.05 }

const build = {
  'ar-seg': (task: Task) =>
    arSeg.build(tinyOptions({ steps: 100, restartEvery: 10 }, { steps: 100, classDropout: 0.1 }), task),
  m2snet: (task: Task) =>
    m2snet.build(
      m2snetOptions.parse({
        encoder: 'resnet18',
        encoderWidth: 0.125,
        channels: 16,
        lossNet: 'none',
        steps: 150,
        lr: 0.05,
      }),
      task,
    ),
  unet: (task: Task) => unet.build(unetOptions.parse({ widths: [8, 16, 16], steps: 150, lr: 2e-2 }), task),
  'unet-plus-plus': (task: Task) =>
    unetPlusPlus.build(
      unetPlusPlusOptions.parse({ widths: [8, 8, 16], deepSupervision: true, steps: 80, lr: 2e-2 }),
      task,
    ),
  'attention-unet': (task: Task) =>
    attentionUnet.build(attentionUnetOptions.parse({ widths: [8, 16, 16], steps: 100, lr: 2e-2 }), task),
  utnet: (task: Task) =>
    utnet.build(
      utnetOptions.parse({
        baseChannels: 4,
        attentionLevels: [1, 2],
        heads: 2,
        reducedSide: 4,
        dropout: 0,
        auxiliary: true,
        steps: 80,
        optimizer: 'adam',
        lr: 2e-2,
      }),
      task,
    ),
  'resunet-plus-plus': (task: Task) =>
    resunetPlusPlus.build(
      resunetPlusPlusOptions.parse({
        widths: [8, 8, 16, 16],
        ratio: 2,
        dilations: [2, 3],
        steps: 100,
        lr: 2e-2,
      }),
      task,
    ),
  'sku-net': (task: Task) =>
    skuNet.build(skuNetOptions.parse({ widths: [8, 16, 16], gates: true, steps: 100, lr: 2e-2 }), task),
  'nu-net': (task: Task) =>
    nuNet.build(nuNetOptions.parse({ widths: [8, 8, 12, 16], steps: 80, lr: 1e-2 }), task),
  transunet: (task: Task) =>
    transunet.build(
      transunetOptions.parse({
        resnetWidth: 8,
        resnetUnits: [1, 1, 1],
        channels: 16,
        layers: 1,
        heads: 2,
        mlp: 32,
        bridgeChannels: 16,
        decoderChannels: [16, 16, 8, 8],
        steps: 100,
        optimizer: 'adam',
        lr: 1e-2,
      }),
      task,
    ),
  pranet: (task: Task) =>
    pranet.build(pranetOptions.parse({ ...smallEncoder, attentionWidths: [16, 16, 16] }), task),
  infnet: (task: Task) =>
    infnet.build(
      infnetOptions.parse({ ...smallEncoder, attentionWidths: [16, 16, 16], edgeChannels: 8 }),
      task,
    ),
  bcsnet: (task: Task) =>
    bcsnet.build(bcsnetOptions.parse({ ...smallEncoder, decoderWidths: [16, 16] }), task),
  acsnet: (task: Task) =>
    acsnet.build(acsnetOptions.parse({ ...smallEncoder, channels: 16, dropout: 0 }), task),
  'pns-net': (task: Task) =>
    pnsNet.build(
      pnsNetOptions.parse({
        encoderWidth: 0.125,
        channels: 8,
        dropout: 0,
        images: { steps: 24, lr: 0.01 },
        frames: { steps: 60, lr: 0.01 },
      }),
      task,
    ),
}
// Tensors this small gain nothing from a second thread.
setThreads(1)

const oddSizes = {
  m2snet: [37, 50],
  unet: [13, 18],
  'unet-plus-plus': [13, 18],
  'attention-unet': [13, 18],
  utnet: [13, 18],
  transunet: [13, 18],
  'resunet-plus-plus': [13, 18],
  'sku-net': [13, 18],
  'nu-net': [13, 18],
  pranet: [37, 50],
  infnet: [37, 50],
  bcsnet: [37, 50],
  acsnet: [13, 18],
  'pns-net': [37, 50],
} as Record<string, number[] | undefined>

/**
 * Images on which a method can learn discs by heart, and what must remain of its loss. Half of what these methods
 * sum up belongs to maps at strides 16 and 32, which cannot follow a disc of this size.
 */
const learnt = {
  pranet: { side: 64, share: 0.5 },
  infnet: { side: 64, share: 0.5 },
  bcsnet: { side: 64, share: 0.5 },
  acsnet: { side: 32, share: 0.2 },
  // Its finest level has stride 8.
  'pns-net': { side: 64, share: 0.4 },
} as Record<string, { side: number; share: number } | undefined>

const two = squareTask(16, ['a', 'b'], 2)
const labels = (radius: number) => disc(16, radius + 2).map((v, i) => v + disc(16, radius)[i]!)
const batch = (step = 0): Batch =>
  squareBatch(
    16,
    [ramp(16, 1, 0), ramp(16, 0, 1)],
    [
      [labels(2), labels(3)],
      [labels(4), labels(5)],
    ],
    step,
  )

/** What PhaseRun does: everything frozen but the modules of the phase. */
function prepare(model: SegmentationModel, phase: Phase): void {
  model.eval().requiresGrad_(false)
  for (const module of phase.trains) module.train().requiresGrad_(true)
}

it('lists the methods by name', () => {
  expect(methods.map(({ name }) => name)).toEqual([
    'ar-seg',
    'm2snet',
    'msnet',
    'unet',
    'unet-plus-plus',
    'attention-unet',
    'utnet',
    'transunet',
    'resunet-plus-plus',
    'sku-net',
    'nu-net',
    'pranet',
    'infnet',
    'bcsnet',
    'acsnet',
    'pns-net',
  ])
  expect(methodByName('unet')).toBe(unet)
  expect(() => methodByName('none')).toThrow("no method named 'none'")
})

describe.each(Object.entries(build))('method %s', (name, make) => {
  it('has defaults for every option and describes itself', () => {
    const method = methodByName(name)
    expect(method.options.parse({})).toBeTypeOf('object')
    for (const text of [method.title, method.summary, method.paper]) expect(text.length).toBeGreaterThan(3)
  })

  it('predicts maps of the size of the image, in their ranges', async () => {
    const model = make(two).eval()
    const images = rand([3, 1, 16, 16])
    const { probabilities, samples, uncertainty, stages } = await model.predict(
      images,
      predictOptions({ samples: 2, stages: true }),
    )
    const shape = [3, 2, 16, 16]
    expect(probabilities.shape).toEqual(shape)
    expect(uncertainty?.shape).toEqual(shape)
    expect(samples?.shape.slice(1)).toEqual(shape)
    for (const stage of stages ?? []) expect(stage.probabilities.shape).toEqual(shape)
    for (const { data, shape: sides } of [probabilities, samples!, uncertainty!]) {
      expect(data).toHaveLength(sides.reduce((a, b) => a * b))
      expect(data.every((p) => p >= 0 && p <= 1)).toBe(true)
    }
    expect(samples!.data.every((p) => p === 0 || p === 1)).toBe(true)
  })

  it.runIf(oddSizes[name])('takes odd sizes', async () => {
    const size = oddSizes[name]!
    const { probabilities } = await make({ ...two, imageSize: size })
      .eval()
      .predict(rand([1, 1, ...size]), predictOptions())
    expect(probabilities.shape).toEqual([1, 2, ...size])
  })

  it('sends a gradient to every parameter of every phase and to no other', () => {
    manualSeed(1)
    const model = make(two)
    for (const phase of model.phases()) {
      prepare(model, phase)
      for (const p of model.parameters()) p.grad?.zero_()
      const losses = phase.losses(batch())
      for (const value of Object.values(losses)) expect(Number.isFinite(value.item())).toBe(true)
      losses.total.backward()
      const trained = new Set(phase.trains.flatMap((module) => module.parameters()))
      expect(trained.size).toBeGreaterThan(0)
      for (const [key, p] of model.namedParameters()) {
        if (trained.has(p))
          expect(Number.isFinite(p.grad?.abs().sum().item()), `${phase.name}: ${key}`).toBe(true)
        else expect(p.grad === null ? 0 : p.grad.abs().amax().item(), `${phase.name}: ${key}`).toBe(0)
      }
    }
  })

  it('can be trained after it has predicted', async () => {
    const model = make(two).eval()
    await model.predict(batch().images, predictOptions())
    for (const phase of model.phases()) {
      prepare(model, phase)
      phase.losses(batch()).total.backward()
    }
  })

  it('is a function of the seed', async () => {
    const model = (seed: number) => {
      manualSeed(seed)
      return make(two)
    }
    const [a, b, c] = [model(1), model(1), model(2)]
    const values = (m: SegmentationModel) => [...m.stateDict()].map(([key, t]) => [key, t.sum().item()])
    expect(values(a)).toEqual(values(b))
    expect(values(a)).not.toEqual(values(c))
    for (const [i, phase] of a.phases().entries()) {
      const step = (m: SegmentationModel, p: Phase) => {
        const run = new PhaseRun(m, p, i, 7, 'cpu', 'float32')
        run.begin(batch())
        const reports = [0, 1, 2].map((n) => run.step([batch(n)]))
        run.free()
        return reports
      }
      expect(step(a, phase)).toEqual(step(b, b.phases()[i]!))
    }
    expect(values(a)).toEqual(values(b))
    const predict = (m: SegmentationModel, seed: number) =>
      m.eval().predict(batch().images, predictOptions({ samples: 4, seed }))
    expect(await predict(a, 3)).toEqual(await predict(b, 3))
  })

  it('keeps everything in its state dict', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'septum-'))
    try {
      const file = join(folder, 'model.safetensors')
      const [source, target] = [make(two), make(two)]
      for (const [i, phase] of source.phases().entries()) {
        const run = new PhaseRun(source, phase, i, 7, 'cpu', 'float32')
        run.begin(batch())
        run.step([batch()])
        run.free()
      }
      saveTensors(file, source.stateDict())
      target.loadStateDict(loadTensors(file).tensors)
      const predict = (m: SegmentationModel) =>
        m.eval().predict(batch().images, predictOptions({ samples: 2, seed: 3 }))
      expect(await predict(target)).toEqual(await predict(source))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('overfits one batch', () => {
    manualSeed(5)
    const { side, share } = learnt[name] ?? { side: 16, share: 0.2 }
    const one = squareTask(side)
    const model = make(one)
    const lesions = [disc(side, (3 * side) / 16), disc(side, (6 * side) / 16)]
    const lit = lesions.map((mask) => ramp(side, 0.5, 0).map((v, i) => v + 0.4 * mask[i]!))
    const single = (step: number) =>
      squareBatch(
        side,
        lit,
        lesions.map((mask) => [mask]),
        step,
      )
    for (const [i, phase] of model.phases().entries()) {
      const run = new PhaseRun(model, phase, i, 7, 'cpu', 'float32')
      run.begin(single(0))
      const losses = Array.from({ length: phase.steps }, (_, step) => run.step([single(step)]).losses.total!)
      run.free()
      expect(losses.at(-1)!, `${phase.name} from ${losses[0]}`).toBeLessThan(share * losses[0]!)
    }
  })

  it('validates without touching gradients and reports a score', async () => {
    const model = make(two)
    for (const phase of model.phases()) {
      const run = new PhaseRun(model, phase, 0, 7, 'cpu', 'float32')
      async function* twice() {
        yield batch()
        yield batch()
      }
      const { score, metrics } = await run.validate(twice())
      expect(Number.isFinite(score)).toBe(true)
      for (const value of Object.values(metrics)) expect(Number.isFinite(value)).toBe(true)
      expect(await run.validate(twice())).toEqual({ score, metrics })
      run.free()
    }
  })
})
