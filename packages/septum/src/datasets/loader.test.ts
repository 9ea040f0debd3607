import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { liveTensors } from '@septum/torch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writePng } from '../formats/index.js'
import type { AugmentationRecipe, Batch } from '../methods/method.js'
import { freeBatch } from './batch.js'
import { ByteCache } from './cache.js'
import { type FolderDataset, openFolderDataset } from './dataset.js'
import { evaluationBatches } from './evaluation.js'
import { type LoaderOptions, TrainingLoader } from './loader.js'
import { resizeCase } from './resize.js'
import { CaseStore } from './store.js'
import { Folder, problemOf } from './testing.js'
import { cutWindows } from './window.js'

const lidc = fileURLToPath(new URL('../../../../examples/lidc', import.meta.url))
const recipe: AugmentationRecipe = {
  flipHorizontal: 0.5,
  flipVertical: 0.5,
  rotateDegrees: 30,
  rotate90: false,
  crop: null,
  cropAt: 'centre',
  intensity: 0,
}

let dataset: FolderDataset
beforeAll(async () => {
  dataset = await openFolderDataset(lidc)
})

function loader(options: Partial<LoaderOptions> = {}): TrainingLoader {
  const store = options.store ?? new CaseStore(dataset)
  return new TrainingLoader({
    store,
    cases: dataset.cases.slice(0, 50),
    size: [64, 64],
    batchSize: 8,
    seed: 3,
    ...options,
  })
}

const plain = ({ images, masks, cases, step }: Batch) => ({
  images: images.toArray(),
  masks: masks.toArray(),
  cases,
  step,
})

describe('order', () => {
  it('brings every case once an epoch, in another order each time', () => {
    const one = loader()
    const names = Array.from({ length: 25 }, (_, k) => one.casesOf(k).map(({ name }) => name)).flat()
    const epochs = [0, 1, 2, 3].map((epoch) => names.slice(epoch * 50, epoch * 50 + 50))
    const all = dataset.cases.slice(0, 50).map(({ name }) => name)
    for (const epoch of epochs) expect([...epoch].sort()).toEqual(all)
    expect(new Set(epochs.map((epoch) => epoch.join())).size).toBe(4)
  })

  it('differs by seed and by phase', () => {
    const first = (options: Partial<LoaderOptions>) =>
      loader(options)
        .casesOf(0)
        .map(({ name }) => name)
        .join()
    expect(first({ seed: 3 })).toBe(first({}))
    expect(first({ seed: 4 })).not.toBe(first({}))
    expect(first({ stream: 1 })).not.toBe(first({}))
  })

  it('a loader that starts at batch 9 gives what one gave that came from 0', async () => {
    const options = { augmentation: recipe, accumulate: 2 }
    const whole = loader(options)
    let last: Batch | undefined
    for (let k = 0; k < 10; k++) {
      if (last) freeBatch(last)
      last = await whole.batch(k)
    }
    const resumed = await loader(options).batch(9)
    expect(plain(resumed)).toEqual(plain(last!))
    expect(resumed.step).toBe(4)
  })
})

describe('batches', () => {
  it('are images in [0, 1] and masks of all raters, as stored', async () => {
    const batch = await loader({ size: [128, 128] }).batch(0)
    expect(batch.images.shape).toEqual([8, 1, 128, 128])
    expect(batch.images.dtype).toBe('float32')
    expect(batch.masks.shape).toEqual([8, 4, 128, 128])
    expect(batch.masks.dtype).toBe('uint8')
    const { image, masks } = await new CaseStore(dataset).get(
      dataset.cases.find(({ name }) => name === batch.cases[2])!,
    )
    const values = batch.images.select(0, 2).toArray()
    expect(values.every((value, i) => Math.abs(value - image[i]! / 255) < 1e-7)).toBe(true)
    expect(batch.masks.select(0, 2).toArray()).toEqual([...masks])
  })

  it('crop at the centre: offset 32 for 64 of 128', async () => {
    const batch = await loader().batch(0)
    const { image } = await new CaseStore(dataset).get(
      dataset.cases.find(({ name }) => name === batch.cases[0])!,
    )
    const first = batch.images.toArray()
    expect(first[0]).toBeCloseTo(image[32 * 128 + 32]! / 255, 6)
    expect(first[5 * 64 + 7]).toBeCloseTo(image[37 * 128 + 39]! / 255, 6)
  })

  it('a rotated crop shows the larger image in its corners, not zeros', async () => {
    // In these CT crops a pixel of value 0 is air at the very low end of the window; count full zeros.
    const rotated = { ...recipe, rotateDegrees: 45, crop: [64, 64] }
    const small = { ...rotated, crop: [128, 128] }
    const zeros = async (augmentation: AugmentationRecipe, size: [number, number]) => {
      const batch = await loader({ augmentation, size }).batch(1)
      const values = batch.images.toArray()
      return values.filter((value) => value === 0).length / values.length
    }
    const air =
      dataset.cases.length > 0 ? await zeros({ ...recipe, rotateDegrees: 0, crop: [64, 64] }, [64, 64]) : 0
    expect(await zeros(rotated, [64, 64])).toBeLessThan(air + 0.02)
    expect(await zeros(small, [128, 128])).toBeGreaterThan(0.02)
  })

  it('leave nothing behind', async () => {
    const one = loader({ augmentation: { ...recipe, intensity: 0.1 } })
    freeBatch(await one.batch(0))
    const before = liveTensors()
    for (let k = 1; k < 4; k++) freeBatch(await one.batch(k))
    expect(liveTensors()).toBe(before)
  })

  it('are decoded while a step runs', async () => {
    const one = loader({ augmentation: recipe, ahead: 2 })
    freeBatch(await one.batch(0))
    const first = one.times
    for (let k = 1; k < 6; k++) {
      await sleep(100)
      freeBatch(await one.batch(k))
    }
    const { waitMs, cutMs, elapsedMs, waitShare, batches } = one.times
    expect(batches).toBe(6)
    expect(waitShare).toBeCloseTo((waitMs + cutMs) / elapsedMs, 1)
    // 40 cases decoded within pauses of 500 ms; the bound leaves room for a busy machine.
    expect(waitMs - first.waitMs).toBeLessThan(100)
  })

  it('refuse no cases and a crop of another size', () => {
    expect(() => loader({ cases: [] })).toThrow(/cannot be made from 0/)
    expect(() => loader({ augmentation: { ...recipe, crop: [32, 32] } })).toThrow(/crop of 32 x 32/)
  })
})

describe('sizes and depths', () => {
  const folder = new Folder()
  let mixed: FolderDataset
  beforeAll(async () => {
    await folder.picture('images/a.png', [2, 3], [10, 20, 30, 40, 50, 60])
    await folder.picture('masks/a.png', [2, 3], [0, 1, 0, 0, 0, 1])
    await writePng(join(folder.dir, 'images/b.png'), {
      data: Uint16Array.of(0, 65535, 13107, 39321),
      shape: [1, 4, 1],
    })
    await folder.picture('masks/b.png', [4, 1], [255, 0, 0, 255])
    await folder.picture('images/c.png', [2, 2], [255, 0, 0, 0, 255, 0, 0, 0, 255, 51, 51, 51])
    await folder.picture('masks/c.png', [2, 2], [1, 1, 0, 0])
    mixed = await openFolderDataset(folder.dir)
  })
  afterAll(() => folder.remove())

  it('are padded with zeros and cropped about the centre; grey is repeated beside RGB', async () => {
    const batches: ReturnType<typeof plain>[] = []
    for await (const batch of evaluationBatches(new CaseStore(mixed), mixed.cases, {
      batchSize: 2,
      size: [2, 2],
    })) {
      batches.push(plain(batch))
    }
    expect(batches.map(({ cases }) => cases)).toEqual([['a', 'b'], ['c']])
    // a is 2 x 3: offset floor(1 / 2) = 0. b is 4 x 1: rows 1 and 2; column offset floor(-1 / 2) = -1.
    const a = [10, 20, 40, 50].map((value) => value / 255)
    const b = [0, 1, 0, 0.2]
    const expected = [...a, ...a, ...a, ...b, ...b, ...b]
    for (const [i, value] of batches[0]!.images.entries()) expect(value).toBeCloseTo(expected[i]!, 6)
    expect(batches[0]!.masks).toEqual([0, 1, 0, 0, 0, 0, 0, 0])
    expect(batches[1]!.images.map((value) => Math.round(value * 255))).toEqual([
      255, 0, 0, 51, 0, 255, 0, 51, 0, 0, 255, 51,
    ])
    expect(batches[1]!.masks).toEqual([1, 1, 0, 0])
  })

  it('random crops lie inside the image', () => {
    const source = Uint8Array.from({ length: 36 }, (_, i) => i)
    const decoded = { image: source, maxValue: 255, masks: new Uint8Array(36), size: [6, 6] as const }
    const { images } = cutWindows([decoded], [{ top: 1, left: 3 }], [2, 3])
    expect([...images]).toEqual([9, 10, 11, 15, 16, 17])
    const { images: corner } = cutWindows([decoded], [{ top: 5, left: -1 }], [2, 3])
    expect([...corner]).toEqual([0, 30, 31, 0, 0, 0])
    const { images: outside } = cutWindows([decoded], [{ top: 0, left: 9 }], [2, 3])
    expect([...outside]).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('are resized: bilinear by half-pixel centres, masks by the nearest centre', () => {
    // 0, 100 at x = 0.5, 1.5 of 2; outputs at 0.25, 0.75, 1.25, 1.75: 0 (edge), 25, 75, 100 (edge)
    const image = Uint8Array.of(0, 100)
    const wide = resizeCase({ image, maxValue: 255, masks: Uint8Array.of(0, 3), size: [1, 2] }, [1, 4])
    expect([...wide.image]).toEqual([0, 25, 75, 100])
    expect([...wide.masks]).toEqual([0, 0, 3, 3])
    // 9 to 3: each output centre falls on input pixels 1, 4, 7, for the image and for the mask alike.
    const ramp = Uint16Array.from({ length: 9 }, (_, i) => i * 1000)
    const narrow = resizeCase(
      { image: ramp, maxValue: 65535, masks: Uint8Array.from(ramp, (v) => v / 1000), size: [1, 9] },
      [1, 3],
    )
    expect([...narrow.image]).toEqual([1000, 4000, 7000])
    expect([...narrow.masks]).toEqual([1, 4, 7])
  })

  it('a store with resize makes every case the same size', async () => {
    const store = new CaseStore(mixed, { resize: [6, 6] })
    const batch = await new TrainingLoader({
      store,
      cases: mixed.cases,
      size: [6, 6],
      batchSize: 3,
      seed: 0,
    }).batch(0)
    expect(batch.images.shape).toEqual([3, 3, 6, 6])
    expect(Math.min(...batch.images.toArray())).toBeGreaterThanOrEqual(0)
  })
})

describe('files that break under way', () => {
  it('are named with their case, also when they were asked for ahead', async () => {
    const folder = new Folder()
    for (const name of ['a', 'b']) {
      await folder.picture(`images/${name}.png`, [1, 2], [1, 2])
      await folder.picture(`masks/${name}.png`, [1, 2], [0, 1])
    }
    const broken = await openFolderDataset(folder.dir)
    rmSync(join(folder.dir, 'images/b.png'))
    const one = new TrainingLoader({
      store: new CaseStore(broken),
      cases: broken.cases,
      size: [1, 2],
      batchSize: 2,
      seed: 0,
    })
    const problem = await problemOf(one.batch(0))
    expect(problem.code).toBe('picture-missing')
    expect(problem.toLine()).toMatch(/case b, .*images\/b\.png/)
    folder.remove()
  })
})

describe('cache', () => {
  it('keeps what was used last within its bytes', () => {
    const cache = new ByteCache<string>(10)
    cache.set('a', 'A', 4)
    cache.set('b', 'B', 4)
    cache.get('a')
    cache.set('c', 'C', 4)
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.bytes]).toEqual(['A', undefined, 'C', 8])
    cache.set('huge', 'H', 11)
    expect([cache.get('huge'), cache.bytes]).toEqual([undefined, 8])
    cache.set('c', 'C2', 6)
    expect([cache.get('c'), cache.bytes]).toEqual(['C2', 10])
  })

  it('decodes a case once for two that ask at the same time', async () => {
    const store = new CaseStore(dataset)
    const [x, y] = await Promise.all([store.get(dataset.cases[0]!), store.get(dataset.cases[0]!)])
    expect(x).toBe(y)
    expect(await store.get(dataset.cases[0]!)).toBe(x)
    const none = new CaseStore(dataset, { cacheBytes: 0 })
    expect(await none.get(dataset.cases[0]!)).not.toBe(await none.get(dataset.cases[0]!))
  })
})
