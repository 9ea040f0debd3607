import { type BundleModel, fromAffineRas, type MedicalImage } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBundleFolder } from './bundles.js'
import { cleanLabels } from './clean.js'
import { usualWindow, windowsOf } from './planes.js'
import { segmentImage } from './segment.js'
import { classStatistics } from './statistics.js'
import { expected, plainOptions, planeBundle, samplingModel, volumeBundle } from './testing.js'

let plane: BundleModel
let volume: BundleModel
beforeAll(async () => {
  plane = await openBundleFolder(planeBundle, 1)
  volume = await openBundleFolder(volumeBundle, 1)
})
afterAll(async () => {
  await plane.release()
  await volume.release()
})

const pictureOf = ({ shape, values }: { shape: number[]; values: number[] }): MedicalImage => ({
  data: Uint8Array.from(values),
  shape: [1, ...shape],
  maxValue: 255,
})
const close = (found: Float32Array, wanted: readonly number[], digits = 5) => {
  expect(found.length).toBe(wanted.length)
  found.forEach((value, i) => {
    expect(value, `at ${i}`).toBeCloseTo(wanted[i]!, digits)
  })
}

describe('windows and grids against NumPy', () => {
  it.each([1, 3, 100])('a picture in windows, %i at a time', async (batch) => {
    const result = await segmentImage([plane], pictureOf(expected.picture), { ...plainOptions, batch })
    close(result.probability!, expected.picture.sliding)
    const [bright, dark] = [0, 1].map((c) => expected.picture.sliding.slice(c * 273, (c + 1) * 273))
    result.labels.forEach((label, i) => {
      const most = Math.max(bright![i]!, dark![i]!)
      expect(label).toBe(most <= 0.5 ? 0 : most === bright![i] ? 1 : 2)
    })
  })

  it('statistics of what is left once small components are gone', async () => {
    const cleaning = { keepLargest: ['bright'], least: {} }
    const whole = await segmentImage([plane], pictureOf(expected.picture), plainOptions)
    const { labels, statistics } = await segmentImage([plane], pictureOf(expected.picture), {
      ...plainOptions,
      cleaning,
    })
    const kept = expected.picture.sliding.slice(0, 273).filter((_, i) => labels[i] === 1)
    expect(kept.length).toBeLessThan(whole.statistics[0]!.samples)
    expect(statistics[0]).toMatchObject({ name: 'bright', samples: kept.length, components: 1 })
    expect(statistics[0]!.meanProbability).toBeCloseTo(kept.reduce((a, b) => a + b) / kept.length, 5)
  })

  it('a picture at once', async () => {
    const result = await segmentImage([plane], pictureOf(expected.picture), {
      ...plainOptions,
      window: 'whole',
    })
    close(result.probability!, expected.picture.whole!)
  })

  it('the centre alone: the crop that training saw, nothing around it', async () => {
    const image = pictureOf(expected.picture)
    const { probability, labels } = await segmentImage([plane], image, { ...plainOptions, window: 'centre' })
    // 13 x 21 with a window of 8 x 8: rows 2 to 9, columns 6 to 13.
    const inside = (i: number) => {
      const [y, x] = [Math.floor(i / 21), i % 21]
      return y >= 2 && y < 10 && x >= 6 && x < 14
    }
    const cut = Uint8Array.from(expected.picture.values.filter((_, i) => inside(i)))
    const alone = await segmentImage([plane], { data: cut, shape: [1, 8, 8], maxValue: 255 }, plainOptions)
    expect(probability!.slice(0, 273).filter((_, i) => inside(i))).toEqual(alone.probability!.slice(0, 64))
    expect(labels.filter((_, i) => inside(i))).toEqual(alone.labels)
    expect(probability!.filter((p, i) => !inside(i % 273) && p !== 0)).toEqual(new Float32Array())
    expect(labels.filter((label, i) => !inside(i) && label !== 0)).toEqual(new Uint8Array())
  })

  it('the centre alone is usual for a model of one size that was trained on centres', () => {
    const { manifest } = plane
    const usual = (fit: 'crop' | 'stretch', fixed: boolean, crops?: 'centre' | 'anywhere') =>
      usualWindow({
        ...manifest,
        preprocessing: { ...manifest.preprocessing, fit, ...(crops && { crops }) },
        size: { ...manifest.size, fixed },
      })
    expect([usual('crop', true), usual('crop', true, 'centre')]).toEqual(['centre', 'centre'])
    const others = [usual('crop', false), usual('stretch', true), usual('crop', true, 'anywhere')]
    expect(others).toEqual(['trained', 'trained', 'trained'])
    const fixed = { ...plane, manifest: { ...manifest, size: { ...manifest.size, fixed: true } } }
    // 13 x 21 with a window of 8 x 8: one in the middle, at row 2 and column 6.
    expect(windowsOf(fixed, [1, 13, 21], { overlap: 0.5 }).starts).toEqual([[0, 2, 6]])
    expect(windowsOf(fixed, [1, 13, 21], { overlap: 0.5, window: 'trained' }).starts.length).toBeGreaterThan(
      1,
    )
  })

  it('a picture smaller than a window, at its centre', async () => {
    close(
      (await segmentImage([plane], pictureOf(expected.small), plainOptions)).probability!,
      expected.small.sliding,
    )
  })

  it('a volume in windows', async () => {
    const { shape, values, sliding } = expected.volume
    const image = { data: Float32Array.from(values), shape: [1, ...shape], maxValue: 1 }
    const result = await segmentImage([volume], image, plainOptions)
    close(result.probability!, sliding)
    expect(result.size).toEqual(shape)
  })

  it('a stack of pictures by a model of planes', async () => {
    const { shape, values, sliding } = expected.picture
    const stack = Uint8Array.from([...values, ...values.map((value) => 255 - value)])
    const image = { data: stack, shape: [1, 2, ...shape], maxValue: 255 }
    const { probability } = await segmentImage([plane], image, plainOptions)
    const pixels = values.length
    close(
      Float32Array.from([...probability!.slice(0, pixels), ...probability!.slice(2 * pixels, 3 * pixels)]),
      sliding,
    )
  })
})

describe('flips and ensembles', () => {
  it('change nothing for a model that looks alike to all sides', async () => {
    const flips = [true, true, true] as const
    const image = pictureOf(expected.picture)
    const result = await segmentImage([plane], image, { ...plainOptions, window: 'whole', flips })
    close(result.probability!, expected.picture.whole!)
  })

  it('add up the logits of turned images: a model that marks the left half marks all a little', async () => {
    // Logits 4 in the left half, -2 in the right: the mean over both directions is 1 everywhere, 1 / (1 + e^-1).
    const left: BundleModel = {
      ...plane,
      manifest: plane.manifest,
      logits: async (_, shape) =>
        Float32Array.from({ length: 2 * shape[2]! * shape[3]! }, (_, i) => (i % shape[3]! < 2 ? 4 : -2)),
      predict: () => Promise.reject(new Error('not asked')),
    }
    const image = { data: new Uint8Array(12), shape: [1, 3, 4], maxValue: 255 }
    const options = { ...plainOptions, window: 'whole', flips: [false, false, true] } as const
    const { probability } = await segmentImage([left], image, options)
    for (const value of probability!) expect(value).toBeCloseTo(0.7310586, 6)
  })

  it('average the probabilities of models', async () => {
    const other: BundleModel = {
      manifest: plane.manifest,
      logits: async (_, shape) => new Float32Array(2 * shape[0]! * shape[2]! * shape[3]!),
      predict: () => Promise.reject(new Error('not asked')),
      release: async () => {},
    }
    const { probability } = await segmentImage([plane, other], pictureOf(expected.picture), {
      ...plainOptions,
      window: 'whole',
    })
    close(
      probability!,
      expected.picture.whole!.map((p) => (p + 0.5) / 2),
    )
  })
})

it('classes that exclude each other and background: the most probable wins, below one half too', async () => {
  // Logits of background, class 1, class 2: softmax of (0, 1, 0.5) is (0.186324, 0.506480, 0.307196);
  // of (1, 1.1, 0.9) (0.332225, 0.367165, 0.300609); of (2, 1, 1) background 0.576117.
  const pixels = [
    [0, 1, 0.5],
    [1, 1.1, 0.9],
    [2, 1, 1],
  ]
  const softmax = {
    ...plane.manifest,
    model: { ...plane.manifest.model, output: 'softmax' },
  } as BundleModel['manifest']
  const model: BundleModel = {
    manifest: softmax,
    logits: async () => Float32Array.from([0, 1, 2].flatMap((map) => pixels.map((logits) => logits[map]!))),
    predict: () => Promise.reject(new Error('not asked')),
    release: async () => {},
  }
  const image = { data: new Uint8Array(3), shape: [1, 1, 3], maxValue: 255 }
  const { probability, labels } = await segmentImage([model], image, { ...plainOptions, window: 'whole' })
  close(probability!, [0.50648, 0.367165, 0.211942, 0.307196, 0.300609, 0.211942])
  expect([...labels]).toEqual([1, 1, 0])
})

describe('models that sample', () => {
  const ramp = { data: Uint8Array.from({ length: 64 }, (_, i) => i * 4), shape: [1, 8, 8], maxValue: 255 }

  it('give the hypotheses, the share of their votes and its entropy', async () => {
    const model = samplingModel()
    const { samples, probability, uncertainty, statistics } = await segmentImage([model], ramp, {
      ...plainOptions,
      samples: 3,
      seed: 5,
      imageStream: 9,
    })
    expect(model.calls).toMatchObject([{ samples: 3, seed: 5, imageStream: 9 }])
    // Sample s marks class 1 above (s + 1) / 4 of 255: values 4 i above 63.75, 127.5, 191.25: from i = 16, 32, 48.
    expect(samples.map((sample) => sample.indexOf(1))).toEqual([16, 32, 48])
    expect([15, 16, 32, 48].map((i) => probability![i])).toEqual([
      0,
      Math.fround(1 / 3),
      Math.fround(2 / 3),
      1,
    ])
    // Entropy of 1/3 in bits: log2(3) - 2/3.
    expect(uncertainty![16]).toBeCloseTo(0.9182958, 6)
    // Pairs: 32 of 48 and 32: Dice 64 / 80; 16 and 48: 32 / 64; 16 and 32: 32 / 48. IoU 2/3, 1/3, 1/2.
    expect(statistics[0]!.agreement!.dice).toBeCloseTo((0.8 + 0.5 + 2 / 3) / 3, 12)
    expect(statistics[0]!.agreement!.iou).toBeCloseTo(0.5, 12)
    expect(statistics[0]!.samplesRange).toEqual([16, 48])
  })

  it('in windows give what they would give at once, where windows agree', async () => {
    const wide = {
      data: Uint8Array.from({ length: 12 * 20 }, (_, i) => (i * 7) % 256),
      shape: [1, 12, 20],
      maxValue: 255,
    }
    const cut = await segmentImage([samplingModel()], wide, { ...plainOptions, samples: 3 })
    const whole = await segmentImage([samplingModel([12, 20])], wide, { ...plainOptions, samples: 3 })
    expect(cut.samples).toEqual(whole.samples)
    expect(cut.probability).toEqual(whole.probability)
  })

  it('of an ensemble stand side by side', async () => {
    const { samples } = await segmentImage([samplingModel(), samplingModel()], ramp, {
      ...plainOptions,
      samples: 2,
    })
    expect(samples.length).toBe(4)
  })
})

describe('spacing', () => {
  /** A ball of 12 mm radius in a volume of 1 x 1.5 x 3 mm, seen by a model of 2 mm. */
  const ball = (
    spacing: readonly [number, number, number],
    size: readonly [number, number, number],
  ): MedicalImage => {
    const data = new Float32Array(size[0] * size[1] * size[2])
    let i = 0
    for (let z = 0; z < size[0]; z++)
      for (let y = 0; y < size[1]; y++)
        for (let x = 0; x < size[2]; x++, i++) {
          const mm = [z, y, x].map((at, axis) => (at - (size[axis]! - 1) / 2) * spacing[axis]!)
          data[i] = Math.hypot(...mm) < 12 ? 1 : 0
        }
    const affine = [-spacing[2], 0, 0, 5, 0, spacing[1], 0, 6, 0, 0, spacing[0], 7, 0, 0, 0, 1]
    return { data, shape: [1, ...size], geometry: fromAffineRas(affine), maxValue: 1 }
  }

  it('a ball comes back where it was, with its volume', async () => {
    const image = ball([3, 1.5, 1], [11, 22, 33])
    const { labels, statistics } = await segmentImage([volume], image, {
      ...plainOptions,
      window: [16, 16, 16],
    })
    const [marked] = statistics
    // 4/3 pi 12^3 = 7238 mm3; the model's mean over 3 x 3 x 3 voxels of 2 mm rounds it off a little.
    expect(marked!.volumeMm3).toBeGreaterThan(6200)
    expect(marked!.volumeMm3).toBeLessThan(7800)
    expect(marked!.volumeMm3).toBeCloseTo(marked!.samples * 4.5, 6)
    let [both, either] = [0, 0]
    labels.forEach((label, i) => {
      both += label & Number(image.data[i])
      either += label | Number(image.data[i])
    })
    expect(both / either).toBeGreaterThan(0.85)
    expect(marked!.components).toBe(1)
  })
})

describe('small components', () => {
  // 0 0 1 1 0 2 / 0 0 0 1 0 0 / 1 0 0 0 0 2 / 0 1 0 2 2 2: class 1 has groups of 3 and 2 (touching by a corner).
  const map = [0, 0, 1, 1, 0, 2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 2, 0, 1, 0, 2, 2, 2]
  const cleaned = (rules: Parameters<typeof cleanLabels>[2]) => {
    const labels = Uint8Array.from(map)
    cleanLabels(labels, [4, 6], rules)
    return labels.join('')
  }

  it('all but the largest, or those below a size', () => {
    const largest = { keepLargest: true, leastSamples: 0 }
    expect(cleaned([largest, undefined])).toBe('001102000100000002000222')
    expect(cleaned([undefined, largest])).toBe('001100000100100002010222')
    expect(
      cleaned([
        { keepLargest: false, leastSamples: 3 },
        { keepLargest: false, leastSamples: 2 },
      ]),
    ).toBe('001100000100000002000222')
    expect(cleaned([{ keepLargest: true, leastSamples: 4 }, undefined])).toBe('000002000000000002000222')
  })

  it('of regions: what goes becomes the region around it', () => {
    // Whole = 2 and 1, painted as 2; core = 1 alone.
    const classes = [
      { name: 'core', label: 1, region: [1] },
      { name: 'whole', label: 2, region: [1, 2] },
    ]
    const order = [1, 0]
    const start = [1, 2, 1, 1, 0, 0, 0, 1, 2, 0]
    const largest = { keepLargest: true, leastSamples: 0 }
    const labels = (rules: Parameters<typeof cleanLabels>[2]) => {
      const changed = Uint8Array.from(start)
      cleanLabels(changed, [1, 10], rules, classes, order)
      return changed.join('')
    }
    // The largest core has 2 samples; the core at the left lies in the whole, as that at the right does.
    expect(labels([largest, undefined])).toBe('2211000220')
    // The smaller whole goes with the core in it.
    expect(labels([undefined, largest])).toBe('1211000000')
    const none = { samples: [], probabilitySums: new Float64Array(2), uncertaintySums: new Float64Array(2) }
    const measured = { labels: Uint8Array.from(start), size: [1, 10], ...none }
    const statistics = classStatistics(classes, measured)
    expect(statistics.map(({ label, samples, components }) => [label, samples, components])).toEqual([
      [1, 4, 3],
      [2, 6, 2],
    ])
  })
})
