import { Random } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { resizePlanes, respacedAxis, stretchedAxis } from './axis.js'
import { flipsOver, mirror } from './mirror.js'
import { restorePlanes } from './restore-planes.js'
import { slide } from './slide.js'
import { gaussianWeights, planWindows, windowStarts } from './windows.js'

describe('window starts', () => {
  // The first three are the examples of nnU-Net's compute_steps_for_sliding_window; 8 of 21 with overlap 0.5 by hand:
  // ceil(13 / 4) + 1 = 5 windows, 13 / 4 apart: 0, 3.25, 6.5, 9.75, 13.
  it.each([
    [110, 64, 0.5, [0, 23, 46]],
    [64, 64, 0.5, [0]],
    [128, 64, 0, [0, 64]],
    [21, 8, 0.5, [0, 3, 7, 10, 13]],
    [9, 8, 0, [0, 1]],
    [5, 8, 0.5, [-2]],
    [6, 8, 0.5, [-1]],
  ])('%i samples, windows of %i, overlap %d', (size, window, overlap, starts) => {
    expect(windowStarts(size, window, overlap)).toEqual(starts)
  })

  it.each([1, -0.1, Number.NaN])('refuses an overlap of %d', (overlap) => {
    expect(() => planWindows([1, 8, 8], [1, 4, 4], overlap)).toThrow(
      expect.objectContaining({ code: 'predict-window' }),
    )
  })
})

it('weighs windows by a Gaussian of an eighth of their side', () => {
  // exp(-((i - 3.5) / 1)^2 / 2): 0.5 away exp(-0.125), 3.5 away exp(-6.125).
  const weights = gaussianWeights(8)
  expect(weights[3]).toBeCloseTo(0.8824969, 6)
  expect(weights[0]).toBeCloseTo(0.002187491, 8)
  expect([...weights]).toEqual([...weights].reverse())
})

describe('axes', () => {
  it('stretches with half-pixel centres, as torch.nn.functional.interpolate', () => {
    // F.interpolate([0, 10, 20, 30], size=6, mode='linear', align_corners=False): places (i + 0.5) 2/3 - 0.5.
    const row = Float32Array.of(0, 10, 20, 30)
    const wide = resizePlanes(row, 1, stretchedAxis(1, 1), stretchedAxis(4, 6))
    ;[0, 5, 35 / 3, 55 / 3, 25, 30].forEach((value, i) => {
      expect(wide[i]).toBeCloseTo(value, 4)
    })
    // size=2: places 0.5 and 2.5.
    expect([...resizePlanes(row, 1, stretchedAxis(1, 1), stretchedAxis(4, 2))]).toEqual([5, 25])
  })

  it('keeps the centre when the spacing changes', () => {
    // 4 samples 1 mm apart, 2 samples 2 mm apart: centres at 1.5 mm; places 0.5 and 2.5.
    const { lower, share } = respacedAxis(4, 2, 1, 2)
    expect([...lower].map((low, i) => low + share[i]!)).toEqual([0.5, 2.5])
  })

  it('planes of a volume come back to their own number, linear, whatever the sizes', async () => {
    const random = new Random(3)
    for (let round = 0; round < 20; round++) {
      const from = [1 + random.int(6), 1 + random.int(6), 1 + random.int(6)]
      const to = [1 + random.int(9), 1 + random.int(6), 1 + random.int(6)]
      // A linear function is kept by linear interpolation inside; edges are clamped the same way on both sides.
      const axes = from.map((side, axis) => stretchedAxis(side, to[axis]!)) as never
      const planes = async function* () {
        for (let z = 0; z < from[0]!; z++) yield new Float32Array(from[1]! * from[2]!).fill(z)
      }
      const out: Float32Array[] = []
      for await (const plane of restorePlanes(planes(), 1, axes)) out.push(plane)
      expect(out.length).toBe(to[0])
      out.forEach((plane, z) => {
        const place = Math.min(from[0]! - 1, Math.max(0, ((z + 0.5) * from[0]!) / to[0]! - 0.5))
        expect(plane.length).toBe(to[1]! * to[2]!)
        for (const value of plane) expect(value).toBeCloseTo(place, 5)
      })
    }
  })
})

describe('sliding windows', () => {
  it('of a model that answers with its input give the image back, whatever size, overlap and batch', async () => {
    const random = new Random(11)
    for (let round = 0; round < 30; round++) {
      const size = [1 + random.int(7), 1 + random.int(12), 1 + random.int(12)] as const
      const window = [1 + random.int(4), 1 + random.int(6), 1 + random.int(6)] as const
      const image = Float32Array.from({ length: 2 * size[0] * size[1] * size[2] }, () => random.uniform())
      const plan = planWindows(size, window, random.uniform() * 0.9)
      const options = { channels: 2, layers: 2, batch: 1 + random.int(4) }
      let z = 0
      for await (const plane of slide(image, plan, async (windows) => windows, options)) {
        const pixels = size[1] * size[2]
        for (let layer = 0; layer < 2; layer++) {
          for (let i = 0; i < pixels; i++) {
            expect(plane[layer * pixels + i]).toBeCloseTo(image[(layer * size[0] + z) * pixels + i]!, 5)
          }
        }
        z++
      }
      expect(z).toBe(size[0])
    }
  })

  it('stops when aborted', async () => {
    const controller = new AbortController()
    const plan = planWindows([1, 8, 8], [1, 4, 4], 0.5)
    let runs = 0
    const run = async (windows: Float32Array) => {
      runs++
      controller.abort()
      return windows
    }
    const planes = slide(new Float32Array(64), plan, run, {
      channels: 1,
      layers: 1,
      batch: 1,
      signal: controller.signal,
    })
    await expect(planes.next()).rejects.toThrow(/abort/i)
    expect(runs).toBe(1)
  })
})

it('turns axes round and back', () => {
  const values = Float32Array.of(1, 2, 3, 4, 5, 6)
  expect([...mirror(values, [1, 2, 3], [false, false, true])]).toEqual([3, 2, 1, 6, 5, 4])
  expect([...mirror(values, [1, 2, 3], [false, true, false])]).toEqual([4, 5, 6, 1, 2, 3])
  expect([...mirror(values, [2, 1, 3], [true, false, false])]).toEqual([4, 5, 6, 1, 2, 3])
  expect(flipsOver([true, true, true], [1, 2, 3])).toEqual([
    [false, false, false],
    [false, false, true],
    [false, true, false],
    [false, true, true],
  ])
})
