import { manualSeed, randn, setThreads, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { acsnet, acsnetOptions } from './acsnet/index.js'
import { arSeg } from './ar-seg/index.js'
import { tinyOptions } from './ar-seg/testing.js'
import { attentionUnet, attentionUnetOptions } from './attention-unet/index.js'
import { bcsnet, bcsnetOptions } from './bcsnet/index.js'
import { methodByName } from './index.js'
import { infnet, infnetOptions } from './infnet/index.js'
import { m2snet, m2snetOptions } from './m2snet/index.js'
import type { Batch, SegmentationModel, Task } from './method.js'
import { nuNet, nuNetOptions } from './nu-net/index.js'
import { pnsNet, pnsNetOptions } from './pns-net/index.js'
import { pranet, pranetOptions } from './pranet/index.js'
import { resunetPlusPlus, resunetPlusPlusOptions } from './resunet-plus-plus/index.js'
import { skuNet, skuNetOptions } from './sku-net/index.js'
import { disc, ramp, squareBatch, squareTask } from './testing.js'
import { transunet, transunetOptions } from './transunet/index.js'
import { unet, unetOptions } from './unet/index.js'
import { unetPlusPlus, unetPlusPlusOptions } from './unet-plus-plus/index.js'
import { utnet, utnetOptions } from './utnet/index.js'

setThreads(1)
const side = 32
const encoder = { encoder: 'resnet18', encoderWidth: 0.125, channels: 8 }

const build: Readonly<Record<string, (task: Task, exclusive?: boolean) => SegmentationModel>> = {
  m2snet: (task) =>
    m2snet.build(m2snetOptions.parse({ ...encoder, lossNet: 'mobilenet-v2', lossNetWeight: 0.1 }), task),
  unet: (task) => unet.build(unetOptions.parse({ widths: [4, 8] }), task),
  'unet-plus-plus': (task, exclusive = false) =>
    unetPlusPlus.build(unetPlusPlusOptions.parse({ widths: [4, 8], exclusive }), task),
  'attention-unet': (task, exclusive = false) =>
    attentionUnet.build(
      attentionUnetOptions.parse({ widths: [4, 8], exclusive, dice: 'batch', backgroundWeight: 0.5 }),
      task,
    ),
  utnet: (task, exclusive = false) =>
    utnet.build(
      utnetOptions.parse({ baseChannels: 4, attentionLevels: [1], heads: 2, reducedSide: 4, exclusive }),
      task,
    ),
  'resunet-plus-plus': (task, exclusive = false) =>
    resunetPlusPlus.build(
      resunetPlusPlusOptions.parse({
        widths: [4, 4, 8, 8],
        ratio: 2,
        dilations: [2],
        exclusive,
        loss: 'structure',
      }),
      task,
    ),
  'sku-net': (task, exclusive = false) =>
    skuNet.build(skuNetOptions.parse({ widths: [4, 8], exclusive }), task),
  'nu-net': (task, exclusive = false) =>
    nuNet.build(nuNetOptions.parse({ widths: [4, 4, 8], exclusive }), task),
  'pns-net': (task) => pnsNet.build(pnsNetOptions.parse({ encoderWidth: 0.125, channels: 8 }), task),
  transunet: (task, exclusive = true) =>
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
        exclusive,
      }),
      task,
    ),
  pranet: (task) => pranet.build(pranetOptions.parse({ ...encoder, attentionWidths: [8, 8, 8] }), task),
  infnet: (task) =>
    infnet.build(infnetOptions.parse({ ...encoder, attentionWidths: [8, 8, 8], edgeChannels: 8 }), task),
  bcsnet: (task) => bcsnet.build(bcsnetOptions.parse({ ...encoder, decoderWidths: [8, 8] }), task),
  acsnet: (task) => acsnet.build(acsnetOptions.parse({ ...encoder, channels: 16, dropout: 0 }), task),
}

/** What a network gives in place of maps of its own: leaves whose gradients can be looked at. */
interface Maps {
  readonly leaves: Tensor[]
  readonly output: unknown
}

const leaf = (channels: number, size = side) => randn([1, channels, size, size]).mul(2).requiresGrad_()

const several = (count: number, channels: number): Maps => {
  const leaves = Array.from({ length: count }, () => leaf(channels))
  return { leaves, output: leaves }
}

/** Maps in the form of each network's `forward`. */
function mapsOf(name: string, classes: number, soft: boolean): Maps {
  const channels = soft ? classes + 1 : classes
  if (name === 'pranet') return several(4, classes)
  if (name === 'infnet' || name === 'bcsnet') {
    const { leaves } = several(4, classes)
    const edge = leaf(name === 'infnet' ? classes : 1)
    return { leaves: [...leaves, edge], output: { masks: leaves, edge, boundary: edge } }
  }
  if (name === 'pns-net') {
    const map = leaf(classes)
    return { leaves: [map], output: map }
  }
  if (name === 'acsnet') {
    const leaves = [32, 16, 8, 4, 2].map((size) => leaf(classes, size))
    return { leaves: leaves.slice(0, 1), output: leaves }
  }
  return several(name === 'm2snet' || name === 'unet' ? 1 : 2, channels)
}

/** A model of the method whose network gives `maps`. */
function withMaps(name: string, task: Task, maps: Maps, exclusive?: boolean): SegmentationModel {
  const model = build[name]!(task, exclusive)
  ;(model as unknown as { network: { forward: () => unknown } }).network.forward = () => maps.output
  return model
}

const lossesOf = (model: SegmentationModel, batch: Batch) => model.phases()[0]!.losses(batch)

const ignored = (i: number) => Math.floor(i / side) > 20 && i % side < 14
const whole = disc(side, 9)
const core = disc(side, 5)
const image = [ramp(side, 1, 0)]
/** 1 around 2, and 255 in a corner that both reach into. */
const labels = (hidden: boolean) => whole.map((value, i) => (hidden && ignored(i) ? 255 : value + core[i]!))
const batchOf = (mask: readonly number[]) => squareBatch(side, image, [[[...mask]]])

it('AR-Seg, whose tokens stand for whole masks, heeds regions and no ignore label', () => {
  expect(methodByName('ar-seg').heeds).toEqual(['regions'])
})

describe.each(Object.keys(build))('%s', (name) => {
  const kinds = [
    'sku-net',
    'nu-net',
    'unet-plus-plus',
    'attention-unet',
    'utnet',
    'resunet-plus-plus',
    'transunet',
  ].includes(name)
    ? [false, true]
    : [false]

  it.each(kinds)('sends no gradient to ignored pixels, soft-max %s', (soft) => {
    manualSeed(3)
    const task: Task = { ...squareTask(side, ['ring', 'core']), ignores: true }
    const maps = mapsOf(name, 2, soft)
    const { total } = lossesOf(withMaps(name, task, maps, soft), batchOf(labels(true)))
    expect(Number.isFinite(total.item())).toBe(true)
    total.backward()
    const hidden = tensor(
      Array.from({ length: side * side }, (_, i) => Number(ignored(i))),
      { shape: [1, 1, side, side] },
    )
    for (const one of maps.leaves) {
      const { grad } = one
      if (grad === null) continue
      expect(grad.mul(hidden).abs().amax().item()).toBe(0)
      expect(grad.mul(hidden.neg().add(1)).abs().amax().item()).toBeGreaterThan(0)
    }
    expect(maps.leaves.some(({ grad }) => grad !== null)).toBe(true)
  })

  it('compares a region with the mask that its labels make together', () => {
    manualSeed(4)
    const plain = squareTask(side, ['whole'])
    const maps = mapsOf(name, 1, false)
    const value = (task: Task, mask: readonly number[]) =>
      lossesOf(withMaps(name, task, maps, false), batchOf(mask)).total.item()
    const region = { ...plain, regions: [[1, 2]] }
    expect(value(region, labels(false))).toBeCloseTo(value(plain, whole), 6)
    // Overlap: the core is in both.
    expect(value({ ...plain, regions: [[2]] }, labels(false))).toBeCloseTo(value(plain, core), 6)
  })

  it('says so', () => {
    expect(methodByName(name).heeds).toEqual(expect.arrayContaining(['regions', 'ignores']))
  })

  it('has a sigmoid map for each of two regions, which overlap', async () => {
    const task: Task = { ...squareTask(side, ['whole', 'core']), regions: [[1, 2], [2]] }
    manualSeed(5)
    const maps = mapsOf(name, 2, false)
    const model = withMaps(name, task, maps)
    const { total } = lossesOf(model, batchOf(labels(false)))
    expect(Number.isFinite(total.item())).toBe(true)
    // All logits far above 0 where a region is: the score of both is that of a perfect mask.
    const sure = tensor([...whole, ...core], { shape: [1, 2, side, side] })
      .mul(20)
      .sub(10)
    const output = (
      name === 'infnet' || name === 'bcsnet'
        ? { masks: [sure, sure, sure, sure] }
        : name === 'pranet'
          ? [sure, sure, sure, sure]
          : name === 'pns-net'
            ? sure
            : [sure]
    ) as unknown
    const perfect = withMaps(name, task, { leaves: [], output })
    const network = (perfect as unknown as { network: { decide?: unknown } }).network
    network.decide = undefined
    async function* once() {
      yield batchOf(labels(false))
    }
    expect((await perfect.phases()[0]!.validate(once())).score).toBeCloseTo(1, 6)
  })
})

describe('validation', () => {
  it('leaves ignored pixels out on both sides', async () => {
    const task: Task = { ...squareTask(side, ['whole']), ignores: true }
    // Marks everything: outside of the ignored corner that is 2 |W| / (|W| + |rest|).
    const all = tensor(new Array<number>(side * side).fill(10), { shape: [1, 1, side, side] })
    const model = withMaps('pranet', task, { leaves: [], output: [all, all, all, all] })
    async function* once() {
      yield batchOf(whole.map((value, i) => (ignored(i) ? 255 : value)))
    }
    const marked = whole.filter((value, i) => value && !ignored(i)).length
    const counted = side * side - whole.filter((_, i) => ignored(i)).length
    const { score } = await model.phases()[0]!.validate(once())
    expect(score).toBeCloseTo((2 * marked) / (marked + counted), 6)
  })
})

it('AR-Seg learns a region as the union of its labels', () => {
  const task: Task = { ...squareTask(16, ['whole']), regions: [[1, 2]] }
  const mask = disc(16, 5).map((value, i) => value + disc(16, 3)[i]!)
  const value = (own: Task, marks: number[]) => {
    manualSeed(6)
    const model = arSeg.build(tinyOptions(), own)
    const [phase] = model.phases()
    model.eval()
    return phase!.losses(squareBatch(16, [ramp(16, 1, 0)], [[marks]])).total.item()
  }
  expect(value(task, mask)).toBeCloseTo(value(squareTask(16, ['whole']), disc(16, 5)), 6)
})
