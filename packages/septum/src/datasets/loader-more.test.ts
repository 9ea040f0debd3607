import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { liveTensors, type Tensor } from '@septum/torch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeImage } from '../formats/index.js'
import type { AugmentationRecipe, Batch } from '../methods/method.js'
import { freeBatch } from './batch.js'
import { loadCase, withForeground } from './case.js'
import type { SegmentationCase } from './dataset.js'
import { openFolderDataset } from './dataset.js'
import { DiskCache } from './disk-cache/index.js'
import { type LoaderOptions, TrainingLoader } from './loader.js'
import { preprocessingSchema } from './preprocess/index.js'
import { CaseStore } from './store.js'
import { Folder, problemOf } from './testing.js'
import { DecodePool } from './workers/index.js'
import { bundle } from './workers/testing.js'

/** Everything that a recipe can ask for of RGB pictures. */
const all: AugmentationRecipe = {
  flipHorizontal: 0.5,
  flipVertical: 0.5,
  rotateDegrees: 20,
  rotateProbability: 0.5,
  rotate90: true,
  crop: [16, 16],
  cropAt: 'random',
  intensity: 0.2,
  scale: { probability: 0.5, factor: [0.8, 1.25], separate: true },
  elastic: { probability: 0.5, spacing: 6, magnitude: [0.5, 2.4] },
  appearance: {
    noise: { probability: 0.5, std: [0.01, 0.1] },
    blur: { probability: 0.5, sigma: [0.5, 1] },
    brightness: { probability: 0.5, factor: [0.75, 1.25] },
    contrast: { probability: 0.5, factor: [0.75, 1.25] },
    lowResolution: { probability: 0.5, zoom: [0.5, 1] },
    gamma: { probability: 0.5, exponent: [0.7, 1.5], invert: 0.3 },
    colour: { probability: 0.5, brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.25 },
    grey: 0.2,
  },
  mix: {
    cutMix: { probability: 0.5, area: [0.1, 0.4], aspect: [0.3, 3.33] },
    copyPaste: { probability: 0.5 },
  },
  multiScale: { rates: [0.75, 1, 1.25], multiple: 4, order: 'random' },
  patches: { foreground: 0.5, choose: 'last' },
  unlabelled: {
    batchSize: 3,
    views: 2,
    appearance: { colour: { probability: 0.8, brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.25 } },
    mix: { cutMix: { probability: 0.9, area: [0.1, 0.4], aspect: [0.3, 3.33] } },
  },
}

const folder = new Folder()
const marks = (y: number, x: number, n: number) =>
  (y - 8 - (n % 5)) ** 2 + (x - 10) ** 2 < 20 ? 1 : y > 18 && x > 18 ? 2 : 0
let dataset: Awaited<ReturnType<typeof openFolderDataset>>
beforeAll(async () => {
  for (let n = 0; n < 10; n++) {
    const pixels = Array.from({ length: 24 * 26 * 3 }, (_, i) => (i * 37 + n * 101 + (i % 7) * 29) % 256)
    const labels = Array.from({ length: 24 * 26 }, (_, i) => marks(Math.floor(i / 26), i % 26, n))
    await folder.picture(`images/c${n}.png`, [24, 26], pixels)
    for (const rater of ['a', 'b']) await folder.picture(`masks/${rater}/c${n}.png`, [24, 26], labels)
  }
  folder.text('dataset.yaml', 'classes: [disc, corner]\n')
  dataset = await openFolderDataset(folder.dir)
})
afterAll(() => folder.remove())

function loader(options: Partial<LoaderOptions> = {}): TrainingLoader {
  return new TrainingLoader({
    store: new CaseStore(dataset, { foreground: true }),
    cases: dataset.cases.slice(0, 6),
    unlabelled: dataset.cases.slice(6),
    size: [16, 16],
    batchSize: 4,
    seed: 5,
    augmentation: all,
    ...options,
  })
}

/** All of a batch as numbers; frees it. */
function plain(batch: Batch) {
  const { images, masks, unlabelled, cases, step } = batch
  const numbers = (t: Tensor) => ({ shape: t.shape, values: t.toArray() })
  const views = unlabelled && [unlabelled.weak, ...unlabelled.strong].map(numbers)
  const drawn = { images: numbers(images), masks: numbers(masks), views, others: unlabelled?.cases }
  freeBatch(batch)
  return { ...drawn, cases, step }
}

describe('a batch with everything', () => {
  it('is a function of its number: resumed, repeated and replayed from JSON', async () => {
    const first = loader()
    const whole = []
    for (let k = 0; k < 6; k++) whole.push(plain(await first.batch(k)))
    expect(plain(await loader().batch(4))).toEqual(whole[4])
    const log = JSON.stringify(await first.parameters(5))
    const other = loader({ seed: 99, augmentation: { ...all, unlabelled: { ...all.unlabelled!, views: 2 } } })
    expect(plain(await other.replay(JSON.parse(log)))).toEqual(whole[5])
    const parameters = JSON.parse(log)
    expect(parameters.cases[0].spatial.scale).toHaveLength(2)
    // Sizes of 16 by 0.75, 1 and 1.25: 12, 16, 20.
    const sizes = new Set(whole.map(({ images }) => images.shape[2]))
    expect([...sizes].every((size) => [12, 16, 20].includes(size!))).toBe(true)
    expect(sizes.size).toBeGreaterThan(1)
  })

  it('keeps masks to their labels, images to [0, 1], and leaves nothing behind', async () => {
    const one = loader()
    freeBatch(await one.batch(0))
    const before = liveTensors()
    for (let k = 1; k < 12; k++) {
      const batch = await one.batch(k)
      const values = batch.images.toArray()
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...values)).toBeLessThanOrEqual(1)
      const labels = batch.masks.toArray()
      for (const label of new Set(labels)) expect([0, 1, 2]).toContain(label)
      // Both raters marked the same, and both masks moved together.
      const plane = labels.length / 8
      for (let n = 0; n < 4; n++) {
        const at = (rater: number) => labels.slice((2 * n + rater) * plane, (2 * n + rater + 1) * plane)
        expect(at(1)).toEqual(at(0))
      }
      freeBatch(batch)
    }
    expect(liveTensors()).toBe(before)
  })

  it('image and mask are moved, cut and mixed alike', async () => {
    // An image that shows its own mask: 127 for label 1, 254 for label 2.
    const own = new Folder()
    for (let n = 0; n < 4; n++) {
      const labels = Array.from({ length: 24 * 26 }, (_, i) => marks(Math.floor(i / 26), i % 26, n))
      await own.picture(
        `images/c${n}.png`,
        [24, 26],
        labels.map((label) => label * 127),
      )
      await own.picture(`masks/c${n}.png`, [24, 26], labels)
    }
    own.text('dataset.yaml', 'classes: [disc, corner]\n')
    const twins = await openFolderDataset(own.dir)
    const { appearance: _a, unlabelled: _u, ...geometry } = all
    const one = loader({
      store: new CaseStore(twins, { foreground: true }),
      cases: twins.cases,
      unlabelled: [],
      interpolation: 'nearest',
      augmentation: { ...geometry, intensity: 0, multiScale: { rates: [1], multiple: 16, order: 'random' } },
    })
    for (let k = 0; k < 12; k++) {
      const { images, masks } = plain(await one.batch(k))
      const labels = masks.values
      expect(images.values.map((value) => Math.round((value * 255) / 127))).toEqual(labels)
    }
    own.remove()
  })

  it('strong views share the geometry of the weak one and mix pseudo-labels alike', async () => {
    const quiet = { ...all, unlabelled: { ...all.unlabelled!, appearance: {} } }
    const one = loader({ augmentation: quiet })
    let mixed = 0
    for (let k = 0; k < 6; k++) {
      const batch = await one.batch(k)
      const { weak, strong, mixed: mix } = batch.unlabelled!
      expect(weak.shape.slice(0, 2)).toEqual([3, 3])
      for (const [view, values] of strong.entries()) {
        // Without changes of appearance a strong view is the weak one, mixed.
        const again = batch.unlabelled!.mixed(view, weak)
        expect(again.toArray()).toEqual(values.toArray())
        const flat = batch.unlabelled!.mixed(view, weak.select(1, 0))
        expect(flat.toArray()).toEqual(values.select(1, 0).toArray())
        if (!values.equal(weak)) mixed++
      }
      expect(mix).toBeTypeOf('function')
      freeBatch(batch)
    }
    expect(mixed).toBeGreaterThan(6)
  })

  it('each batch at every size in turn, as PraNet does', async () => {
    const each = { ...all, multiScale: { rates: [0.75, 1, 1.25], multiple: 4, order: 'each' as const } }
    const { mix: _mix, unlabelled: _un, ...calm } = each
    const one = loader({ augmentation: calm })
    const batches = []
    for (let k = 0; k < 6; k++) batches.push(plain(await one.batch(k)))
    expect(batches.map(({ images }) => images.shape[3])).toEqual([12, 16, 20, 12, 16, 20])
    expect(batches[0]!.cases).toEqual(batches[2]!.cases)
    expect(batches[3]!.cases).not.toEqual(batches[2]!.cases)
    const drawn = await Promise.all([0, 1, 2].map((k) => one.parameters(k)))
    expect(drawn[0]!.cases).toEqual(drawn[2]!.cases)
  })

  it('names a case of the log that is not there', async () => {
    const log = await loader().parameters(0)
    const other = loader({ cases: dataset.cases.slice(6), unlabelled: [] })
    expect((await problemOf(other.replay(log))).code).toBe('loader-case')
  })

  it('refuses a deformation that could fold', async () => {
    const steep = { ...all, elastic: { probability: 1, spacing: 6, magnitude: [0, 2.5] as const } }
    expect((await problemOf(loader({ augmentation: steep }).batch(0))).code).toBe('augment-recipe')
  })
})

describe('stores', () => {
  const rules = preprocessingSchema.parse({ channels: [{ kind: 'zScore' }] })

  it('give preprocessed cases, from disk the second time, whatever happened to the entry', async () => {
    const cacheDir = join(folder.dir, 'cache')
    const disk = new DiskCache(cacheDir, { maxBytes: 1e7 })
    const options = { preprocessing: rules, foreground: true, disk, cacheBytes: 0 }
    const entry = dataset.cases[0]!
    const fresh = await new CaseStore(dataset, { preprocessing: rules, foreground: true }).get(entry)
    const first = await new CaseStore(dataset, options).get(entry)
    let decoded = 0
    const counting = {
      ...options,
      decode: () => {
        decoded++
        throw new Error('must not be decoded again')
      },
    }
    const second = await new CaseStore(dataset, counting).get(entry)
    expect(decoded).toBe(0)
    expect(first).toEqual(fresh)
    expect(second).toEqual(fresh)
    const mean = Array.from(fresh.image.subarray(0, 624)).reduce((sum, value) => sum + value, 0) / 624
    expect(Math.abs(mean)).toBeLessThan(1e-6)
    // Another setting is another entry.
    const whole = preprocessingSchema.parse({ channels: [{ kind: 'minMax' }] })
    const other = await new CaseStore(dataset, { ...options, preprocessing: whole }).get(entry)
    expect(Math.max(...other.image)).toBe(1)
    rmSync(cacheDir, { recursive: true })
  })
})

describe('threads', () => {
  let program: URL
  let remove: () => void
  const pools: DecodePool[] = []
  beforeAll(async () => {
    const built = await bundle(new URL('./workers/decode-worker.ts', import.meta.url))
    program = built.program
    remove = built.remove
  })
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.close()))
    remove()
  })
  const poolOf = (workers: number, of = dataset) => {
    const pool = new DecodePool(of, { workers, program })
    pools.push(pool)
    return pool
  }

  it('give what this thread gives, in shared memory, in the same order for 0, 1 and 3 of them', async () => {
    const sequences = []
    for (const workers of [0, 1, 3]) {
      const pool = workers > 0 ? poolOf(workers) : undefined
      const decode = pool && {
        decode: (entry: SegmentationCase, settings: object) => pool.decode(entry, settings),
      }
      const store = new CaseStore(dataset, { foreground: true, ...decode })
      const one = loader({ store, ahead: 4 })
      const batches = []
      for (let k = 2; k < 7; k++) batches.push(plain(await one.batch(k)))
      sequences.push(batches)
      const { image } = await store.get(dataset.cases[0]!)
      expect(image.buffer instanceof SharedArrayBuffer).toBe(workers > 0)
    }
    expect(sequences[1]).toEqual(sequences[0])
    expect(sequences[2]).toEqual(sequences[0])
  })

  it('name case, file and stage of what fails', async () => {
    const broken = new Folder()
    for (const name of ['a', 'b']) {
      await broken.picture(`images/${name}.png`, [1, 2], [1, 2])
      await broken.picture(`masks/${name}.png`, [1, 2], [0, 1])
    }
    const opened = await openFolderDataset(broken.dir)
    writeFileSync(join(broken.dir, 'masks/b.png'), 'no picture at all')
    const problem = await problemOf(poolOf(1, opened).decode(opened.cases[1]!))
    expect(problem.toLine()).toMatch(/while reading the masks \(case b, .*masks\/b\.png\)/)
    rmSync(join(broken.dir, 'images/a.png'))
    const missing = await problemOf(poolOf(1, opened).decode(opened.cases[0]!))
    expect(missing.code).toBe('picture-missing')
    expect(missing.toLine()).toMatch(/while reading the image \(case a, .*images\/a\.png\)/)
    broken.remove()
  })

  it('read volumes, and say of damaged ones what this thread says', async () => {
    const volumes = new Folder()
    const [image, mask] = [join(volumes.dir, 'images/a.nii.gz'), join(volumes.dir, 'masks/a.nii.gz')]
    const shape = [1, 12, 20, 30]
    const geometry = {
      spacingMm: [3, 1, 1],
      originMm: [0, 0, 0] as const,
      directions: [
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
      ] as const,
    }
    const values = Int16Array.from({ length: 7200 }, (_, i) => ((i * 7919) % 4001) - 2000)
    const labels = Uint8Array.from({ length: 7200 }, (_, i) => (i % 50 === 0 ? 1 : 0))
    for (const folder of ['images', 'masks']) mkdirSync(join(volumes.dir, folder))
    await writeImage(image, { data: values, shape, geometry, maxValue: 1 })
    await writeImage(mask, { data: labels, shape, geometry, maxValue: 255 })
    const opened = await openFolderDataset(volumes.dir)
    const [entry] = opened.cases as [SegmentationCase]
    const pool = poolOf(1, opened)
    const decoded = await pool.decode(entry)
    expect([...decoded.image]).toEqual([...values])
    expect([...decoded.masks]).toEqual([...labels])

    const whole = readFileSync(image)
    const content = gunzipSync(whole)
    const damaged = {
      'cut off': whole.subarray(0, whole.length - 2000),
      'of another checksum': Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]),
      'no deflate stream': Buffer.concat([whole.subarray(0, 2048), Buffer.alloc(whole.length - 2048, 255)]),
      'shorter than its header says': gzipSync(content.subarray(0, -100)),
      'far longer': gzipSync(Buffer.concat([content, Buffer.alloc(3 * 2 ** 20)])),
      'not compressed and cut off': content.subarray(0, -100),
    }
    for (const [name, bytes] of Object.entries(damaged)) {
      writeFileSync(image, bytes)
      const [there, here] = [await problemOf(pool.decode(entry)), await problemOf(loadCase(opened, entry))]
      expect(there.code, name).toBe('volume-broken')
      expect(there.toLine(), name).toBe(here.toLine())
    }
    volumes.remove()
  })

  it('a thread that dies names its case, and the next one takes over', async () => {
    const dying = join(folder.dir, 'dying.mjs')
    writeFileSync(
      dying,
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', ({ id, entry }) => {
         if (entry.name === 'c1') process.exit(3)
         if (entry.name === 'c2') throw new Error('out of luck')
         parentPort.postMessage({ id, decoded: { name: entry.name } })
       })`,
    )
    const pool = new DecodePool(dataset, { workers: 1, program: new URL(`file://${dying}`) })
    pools.push(pool)
    const [zero, one, two, three] = await Promise.allSettled(
      dataset.cases.slice(0, 4).map((entry) => pool.decode(entry)),
    )
    expect([zero!.status, three!.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'worker-died', place: { case: 'c1' } } })
    expect((two as PromiseRejectedResult).reason.toLine()).toMatch(/ended: out of luck \(case c2/)
    await pool.close()
    await expect(pool.decode(dataset.cases[0]!)).rejects.toThrow(/closed/)
  })
})

describe('volumes', () => {
  const geometry = {
    spacingMm: [3, 1, 1],
    originMm: [0, 0, 0] as const,
    directions: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ] as const,
  }
  const size = [8, 20, 22]
  const samples = 8 * 20 * 22
  /** Bright where marked: a ball in voxels of 3 x 1 x 1 mm. */
  const inside = (i: number) => {
    const [z, y, x] = [Math.floor(i / 440), Math.floor(i / 22) % 20, i % 22]
    return (3 * (z - 4)) ** 2 + (y - 11) ** 2 + (x - 9) ** 2 < 30 ? 1 : 0
  }
  const volumeOf = (name: string): SegmentationCase => ({
    name,
    patient: name,
    images: [],
    shape: [1, ...size],
    geometry,
    masks: [],
  })
  const decode = async () => {
    const masks = Uint8Array.from({ length: samples }, (_, i) => inside(i))
    const image = Float32Array.from(masks, (label) => label * 3 - 1)
    return withForeground({ image, maxValue: 1, masks, size, preprocessed: [] })
  }

  it('are cut into patches that show foreground, and turned as one with their masks', async () => {
    const cases = ['a', 'b', 'c'].map(volumeOf)
    const recipe: AugmentationRecipe = {
      flipHorizontal: 0.5,
      flipVertical: 0.5,
      flipDepth: 0.5,
      rotateDegrees: 30,
      tiltDegrees: [10, 10],
      rotate90: false,
      crop: [6, 12, 12],
      cropAt: 'random',
      intensity: 0,
      scale: { probability: 0.5, factor: [0.8, 1.25] },
      elastic: { probability: 0.5, spacing: 8, magnitude: [1, 3] },
      patches: { foreground: 0.5, choose: 'last' },
      valueRange: null,
    }
    const make = (interpolation: 'bilinear' | 'nearest') =>
      new TrainingLoader({
        store: new CaseStore(dataset, { decode, foreground: true }),
        cases,
        size: [6, 12, 12],
        spacingMm: [3, 1, 1],
        batchSize: 2,
        seed: 4,
        interpolation,
        augmentation: recipe,
      })
    const [nearest, linear] = [make('nearest'), make('bilinear')]
    for (let k = 0; k < 8; k++) {
      const { images, masks } = plain(await nearest.batch(k))
      expect(images.shape).toEqual([2, 1, 6, 12, 12])
      // 2 where marked, -1 beside it, 0 beyond the volume.
      const wrong = images.values.filter((value, i) => (value === 2) !== (masks.values[i] === 1)).length
      expect(wrong).toBe(0)
      expect(masks.values.slice(864).reduce((sum, value) => sum + value, 0)).toBeGreaterThan(0)
      const smooth = plain(await linear.batch(k))
      // The same geometry: linear and nearest values lie on one side of the middle but for the very border.
      const apart = smooth.masks.values.filter((label, i) => label !== masks.values[i]).length
      expect(apart).toBe(0)
      expect(Math.min(...smooth.images.values)).toBeLessThan(0)
    }
    const log = JSON.parse(JSON.stringify(await linear.parameters(3)))
    expect(plain(await linear.replay(log))).toEqual(plain(await linear.batch(3)))
    expect(log.cases[0].front).toBeTypeOf('number')
  })

  it('are refused by a network for slices', () => {
    const store = new CaseStore(dataset, { decode })
    expect(
      () => new TrainingLoader({ store, cases: [volumeOf('a')], size: [12, 12], batchSize: 1, seed: 0 }),
    ).toThrow(/sees 12 x 12, but the image has 8 x 20 x 22/)
  })
})
