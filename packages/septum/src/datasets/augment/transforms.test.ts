import { readFileSync } from 'node:fs'
import { type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { changeAppearance } from './appearance.js'
import type { AppearanceParameters } from './draw-appearance.js'
import {
  applyAugmentation,
  type CaseParameters,
  centreParameters,
  resizeTogether,
  scaledSize,
} from './index.js'
import { noiseField } from './noise.js'
import { blurMatrix, splineMatrix } from './separable.js'
import { displacements } from './spatial.js'

interface Fixture {
  readonly spatial: {
    readonly size: number[]
    readonly to: number[]
    readonly spacing: number[]
    readonly parameters: Pick<
      CaseParameters,
      'flipHorizontal' | 'flipVertical' | 'degrees' | 'quarterTurns'
    > & { readonly flipDepth: boolean; readonly tilt: [number, number]; readonly scale: number[] }
    readonly image: number[]
    readonly mask: number[]
    readonly linear: number[]
    readonly nearest: number[]
  }[]
  readonly splines: { size: number; spacing: number; columns: number; matrix: number[] }[]
  readonly blurs: { size: number[]; sigma: number; image: number[]; expected: number[] }[]
  readonly lowResolutions: { size: number[]; zoom: number; image: number[]; expected: number[] }[]
  readonly gammas: { exponent: number; invert: boolean; image: number[]; expected: number[] }[]
  readonly colours: {
    colour: NonNullable<AppearanceParameters['colour']>
    image: number[]
    expected: number[]
    grey: number[]
  }[]
  readonly resizes: {
    size: number[]
    to: number[]
    image: number[]
    mask: number[]
    linear: number[]
    nearest: number[]
  }[]
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('./fixtures/transforms.json', import.meta.url), 'utf8'),
)
const floats = (data: readonly number[], shape: number[]) => tensor(Float32Array.from(data), { shape })
const bytes = (data: readonly number[], shape: number[]) => tensor(Uint8Array.from(data), { shape })

function expectClose(actual: Tensor | ArrayLike<number>, expected: readonly number[], tolerance: number) {
  const values = 'toArray' in actual ? actual.toArray() : Array.from(actual)
  expect(values.length).toBe(expected.length)
  const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
  expect(worst).toBeLessThanOrEqual(tolerance)
}

function caseParameters(rank: number, given: Fixture['spatial'][number]['parameters']): CaseParameters {
  const { flipDepth, tilt, scale, ...flat } = given
  const still = centreParameters(new Array<number>(rank).fill(1), new Array<number>(rank).fill(1))
  return { ...still, ...flat, spatial: { flipDepth, tilt, scale, elastic: null } }
}

describe('geometry equals SciPy', () => {
  it.each(fixture.spatial)('$size -> $to $parameters', ({ size, to, spacing, parameters, ...data }) => {
    const given = [caseParameters(size.length, parameters)]
    const images = floats([...data.image, ...data.image], [1, 2, ...size])
    const masks = bytes([...data.mask, ...data.mask, ...data.mask], [1, 3, ...size])
    const moved = applyAugmentation(images, masks, given, { size: to, spacingMm: spacing })
    expect(moved.images.shape).toEqual([1, 2, ...to])
    // Coordinates in float32.
    expectClose(moved.images, [...data.linear, ...data.linear], 5e-6)
    expect(moved.masks.toArray()).toEqual([...data.nearest, ...data.nearest, ...data.nearest])
    expect(moved.masks.dtype).toBe('uint8')
    const alone = applyAugmentation(images, null, given, { size: to, spacingMm: spacing })
    expect(alone.images.toArray()).toEqual(moved.images.toArray())
  })

  it('mirror images and quarter turns of a volume copy samples', () => {
    const values = Array.from({ length: 2 * 3 * 3 }, (_, i) => i + 1)
    const still = centreParameters([2, 3, 3], [2, 3, 3])
    const flip = {
      ...still,
      spatial: { flipDepth: true, tilt: [0, 0], scale: [1, 1, 1], elastic: null },
    } as const
    const turn = { ...flip, quarterTurns: 1, spatial: { ...flip.spatial, flipDepth: false } }
    const images = floats([...values, ...values], [2, 1, 2, 3, 3])
    const masks = bytes([...values, ...values], [2, 1, 2, 3, 3])
    const moved = applyAugmentation(images, masks, [flip, turn], { size: [2, 3, 3] })
    const flipped = [...values.slice(9), ...values.slice(0, 9)]
    // Counter-clockwise: the last column becomes the first row.
    const turned = [0, 9].flatMap((slice) => [3, 6, 9, 2, 5, 8, 1, 4, 7].map((value) => value + slice))
    expect(moved.masks.toArray()).toEqual([...flipped, ...turned])
    expect(moved.images.toArray()).toEqual([...flipped, ...turned])
  })
})

describe('elastic deformation', () => {
  it.each(fixture.splines)('spline of $size samples, $spacing apart, equals SciPy', (one) => {
    const { data, rows, columns } = splineMatrix(one.size, one.spacing)
    expect([rows, columns]).toEqual([one.size, one.columns])
    expectClose(data, one.matrix, 1e-6)
  })

  it('reads the image where the field of shifts points', () => {
    const size = [14, 12] as const
    const picture = Float32Array.from({ length: 168 }, (_, i) => ((i * 7919) % 1009) / 1008)
    const still = centreParameters(size, size)
    const elastic = { seed: 12, spacing: 4, magnitude: 1.6 }
    const spatial = { flipDepth: false, tilt: [0, 0], scale: [1, 1], elastic } as const
    const given = [{ ...still, spatial }]
    const shifts = displacements(given, size, [1, 1], 'cpu')!.toArray()
    expect(Math.max(...shifts.map(Math.abs))).toBeGreaterThan(0.3)
    expect(Math.max(...shifts.map(Math.abs))).toBeLessThanOrEqual(1.6)
    const images = tensor(picture, { shape: [1, 1, ...size] })
    const labels = bytes(
      [...picture].map((value) => Math.floor(value * 4)),
      [1, 1, ...size],
    )
    const moved = applyAugmentation(images, labels, given, { size })
    const at = (y: number, x: number) =>
      y < 0 || x < 0 || y > size[0] - 1 || x > size[1] - 1 ? 0 : picture[y * size[1] + x]!
    const expected = Array.from({ length: 168 }, (_, i) => {
      const [y, x] = [Math.floor(i / 12) + shifts[i]!, (i % 12) + shifts[168 + i]!]
      const [top, left] = [Math.floor(y), Math.floor(x)]
      const [dy, dx] = [y - top, x - left]
      return (
        (1 - dy) * ((1 - dx) * at(top, left) + dx * at(top, left + 1)) +
        dy * ((1 - dx) * at(top + 1, left) + dx * at(top + 1, left + 1))
      )
    })
    expectClose(moved.images, expected, 2e-5)
    expect(new Set(moved.masks.toArray())).toEqual(new Set([0, 1, 2, 3]))
  })

  it('leaves other cases of the batch exactly where they are', () => {
    const size = [5, 8, 8]
    const still = centreParameters(size, size)
    const calm = { flipDepth: false, tilt: [0, 0] as const, scale: [1, 1, 1], elastic: null }
    const bent = { ...calm, elastic: { seed: 1, spacing: 4, magnitude: 1.5 } }
    const values = Array.from({ length: 2 * 320 }, (_, i) => (i * 31) % 97)
    const moved = applyAugmentation(
      floats(values, [2, 1, ...size]),
      bytes(values, [2, 1, ...size]),
      [
        { ...still, spatial: bent },
        { ...still, spatial: calm },
      ],
      { size, spacingMm: [4, 1, 1], valueRange: null },
    )
    expect(moved.masks.toArray().slice(320)).toEqual(values.slice(320))
    expectClose(moved.images.narrow(0, 1, 1), values.slice(320), 1e-3)
    expect(moved.masks.toArray().slice(0, 320)).not.toEqual(values.slice(0, 320))
  })
})

describe('values equal the oracle', () => {
  const change = (
    image: readonly number[],
    size: readonly number[],
    one: AppearanceParameters,
    channels = 1,
  ) => changeAppearance(floats(image, [1, channels, ...size]), [one], null)

  it.each(fixture.blurs)('blur of $size by $sigma: SciPy', ({ size, sigma, image, expected }) => {
    expectClose(change(image, size, { blur: { sigma } }), expected, 1e-6)
  })

  it('blurs with a kernel longer than the image', () => {
    // Sigma 1.5 reaches 6 samples to either side of an image of 4; rows of weights still sum to 1.
    const { data } = blurMatrix(4, 1.5)
    for (let row = 0; row < 4; row++) {
      expect(data.subarray(4 * row, 4 * row + 4).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
    }
  })

  it.each(fixture.lowResolutions)('$size at $zoom: PyTorch', ({ size, zoom, image, expected }) => {
    expectClose(change(image, size, { lowResolution: { zoom } }), expected, 1e-6)
  })

  it.each(fixture.gammas)('gamma $exponent, inverted $invert: NumPy', ({ image, expected, ...gamma }) => {
    expectClose(change(image, [5, 6], { gamma }, 2), expected, 2e-5)
  })

  it('gamma and contrast within a range, by hand', () => {
    const images = floats([0, 0.25, 0.5, 1], [1, 1, 2, 2])
    const at = (one: AppearanceParameters) => changeAppearance(images, [one], [0, 1])
    expectClose(at({ gamma: { exponent: 2, invert: false } }), [0, 0.0625, 0.25, 1], 1e-6)
    // 1 - (1 - x)^2
    expectClose(at({ gamma: { exponent: 2, invert: true } }), [0, 0.4375, 0.75, 1], 1e-6)
    // mean 0.4375: 0.4375 + 1.2 (x - 0.4375) = -0.0875, 0.2125, 0.5125, 1.1125, cut to [0, 1]
    expectClose(at({ contrast: { factor: 1.2 } }), [0, 0.2125, 0.5125, 1], 1e-6)
    expectClose(at({ brightness: { factor: 1.5 } }), [0, 0.375, 0.75, 1], 1e-6)
    const free = changeAppearance(images, [{ contrast: { factor: 1.2 } }], null)
    // Without a range the channel's own extremes bound it.
    expectClose(free, [0, 0.2125, 0.5125, 1], 1e-6)
  })

  it.each(fixture.colours)('colour $colour: colorsys', ({ colour, image, expected, grey }) => {
    const images = floats([...image, ...image, ...image], [3, 3, 4, 5])
    const changed = changeAppearance(images, [{ colour }, {}, { grey: true }], [0, 1]).toArray()
    expectClose(changed.slice(0, 60), expected, 2e-6)
    expect(changed.slice(60, 120)).toEqual([...Float32Array.from(image)])
    expectClose(changed.slice(120), [...grey, ...grey, ...grey], 1e-6)
  })

  it('colours of a grey image are refused', () => {
    const images = floats([0, 1], [1, 1, 1, 2])
    expect(() => changeAppearance(images, [{ grey: true }], [0, 1])).toThrow(/images of 1 channels/)
  })
})

describe('noise', () => {
  it('is standard normal, independent from sample to sample and seed to seed', () => {
    const count = 200_000
    const field = noiseField([3, 4], count, 'cpu')
    const [a, b] = [field.select(0, 0).toArray(), field.select(0, 1).toArray()]
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    // Standard error of a mean of 200,000: 0.0022; of a mean of squares: 0.0032. Five of them are allowed.
    expect(Math.abs(mean(a))).toBeLessThan(0.011)
    expect(Math.abs(mean(a.map((x) => x * x)) - 1)).toBeLessThan(0.016)
    expect(Math.abs(mean(a.map((x, i) => x * b[i]!)))).toBeLessThan(0.011)
    expect(Math.abs(mean(a.map((x, i) => x * a[(i + 1) % count]!)))).toBeLessThan(0.011)
    expect(Math.abs(mean(a.map((x, i) => x * a[(i + count / 2) % count]!)))).toBeLessThan(0.011)
    // Normal shares: 68.269 % within one, 95.450 % within two, 0.26998 % beyond three standard deviations.
    const within = (most: number) => a.filter((x) => Math.abs(x) < most).length / count
    expect(Math.abs(within(1) - 0.68269)).toBeLessThan(0.0052)
    expect(Math.abs(within(2) - 0.9545)).toBeLessThan(0.0024)
    expect(Math.abs(within(3) - 0.9973)).toBeLessThan(0.0006)
  })

  it('is a function of the seed alone, whatever the batch', () => {
    const alone = noiseField([9], 101, 'cpu').toArray()
    expect(noiseField([1, 9], 101, 'cpu').select(0, 1).toArray()).toEqual(alone)
    const images = floats(new Array<number>(24).fill(0.5), [2, 1, 3, 4])
    const noisy = changeAppearance(images, [{}, { noise: { std: 0.1, seed: 9 } }], [0, 1]).toArray()
    expect(noisy.slice(0, 12)).toEqual(new Array<number>(12).fill(0.5))
    const expected = noiseField([9], 12, 'cpu').toArray()
    for (const [i, value] of noisy.slice(12).entries()) expect(value).toBeCloseTo(0.5 + 0.1 * expected[i]!, 6)
  })
})

describe('multi-scale sizes', () => {
  it.each(fixture.resizes)('$size -> $to equals PyTorch', ({ size, to, image, mask, linear, nearest }) => {
    const images = floats(image, [1, 1, ...size])
    const moved = resizeTogether(images, bytes(mask, [1, 1, ...size]), to)
    expectClose(moved.images, linear, 1e-6)
    expect(moved.masks.toArray()).toEqual(nearest)
    expect(moved.masks.dtype).toBe('uint8')
  })

  it('are those of PraNet: 256, 352 and 448 of 352', () => {
    expect([0.75, 1, 1.25].map((rate) => scaledSize([352, 352], rate, 32))).toEqual([
      [256, 256],
      [352, 352],
      [448, 448],
    ])
  })
})
