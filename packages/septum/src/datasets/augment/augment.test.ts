import { readFileSync } from 'node:fs'
import { liveTensors, type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import type { AugmentationRecipe } from '../../methods/method.js'
import {
  applyAugmentation,
  type CaseParameters,
  centreParameters,
  drawParameters,
  windowSize,
} from './index.js'

interface Fixture {
  readonly shape: number[]
  readonly maskShape: number[]
  readonly image: number[]
  readonly mask: number[]
  readonly cases: {
    readonly parameters: Pick<
      CaseParameters,
      'flipHorizontal' | 'flipVertical' | 'degrees' | 'quarterTurns'
    > & {
      readonly size: [number, number]
    }
    readonly bilinear: number[]
    readonly nearest: number[]
    readonly mask: number[]
  }[]
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../fixtures/augment.json', import.meta.url), 'utf8'),
)

const still = centreParameters([1, 1], [1, 1])
const recipe: AugmentationRecipe = {
  flipHorizontal: 0.5,
  flipVertical: 0.5,
  rotateDegrees: 30,
  rotate90: true,
  crop: [64, 64],
  cropAt: 'centre',
  intensity: 0.2,
}

const floats = (data: readonly number[], shape: number[]) => tensor(Float32Array.from(data), { shape })
const bytes = (data: readonly number[], shape: number[]) => tensor(Uint8Array.from(data), { shape })

function expectClose(actual: Tensor, expected: readonly number[], tolerance: number) {
  const values = actual.toArray()
  expect(values.length).toBe(expected.length)
  const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
  expect(worst).toBeLessThanOrEqual(tolerance)
}

describe('one pass equals PyTorch step by step', () => {
  it.each(fixture.cases)('$parameters', ({ parameters, bilinear, nearest, mask }) => {
    const images = floats(fixture.image, fixture.shape)
    const masks = bytes(fixture.mask, fixture.maskShape)
    const given = [{ ...still, ...parameters }]
    const { size } = parameters
    const a = applyAugmentation(images, masks, given, { size })
    const b = applyAugmentation(images, masks, given, { size, interpolation: 'nearest' })
    // The fixture is computed in float64, the batch in float32: coordinates carry 1e-7, values follow.
    expectClose(a.images, bilinear, 5e-6)
    expectClose(b.images, nearest, 1e-7)
    expect(a.masks.toArray()).toEqual(mask)
    expect(b.masks.toArray()).toEqual(mask)
    expect(a.masks.dtype).toBe('uint8')
    expect(a.images.shape).toEqual([1, 2, ...size])
  })

  it('moves each case of a batch by its own parameters', () => {
    const chosen = fixture.cases.filter(({ parameters }) => parameters.size.join() === '10,9')
    const repeated = (data: number[]) => chosen.flatMap(() => data)
    const images = floats(repeated(fixture.image), [chosen.length, ...fixture.shape.slice(1)])
    const masks = bytes(repeated(fixture.mask), [chosen.length, ...fixture.maskShape.slice(1)])
    const given = chosen.map(({ parameters }) => ({ ...still, ...parameters }))
    const moved = applyAugmentation(images, masks, given, { size: [10, 9] })
    expectClose(
      moved.images,
      chosen.flatMap((one) => one.bilinear),
      5e-6,
    )
    expect(moved.masks.toArray()).toEqual(chosen.flatMap((one) => one.mask))
  })
})

describe('invariants', () => {
  const size = [12, 12] as const
  const values = Array.from({ length: 3 * 144 }, (_, i) => ((i * 7919) % 1009) / 1008)
  const labels = Array.from({ length: 3 * 4 * 144 }, (_, i) => ((i * 31) % 7 < 3 ? 1 : 0))

  it.each([
    { flipHorizontal: true },
    { flipVertical: true },
    { flipHorizontal: true, flipVertical: true },
    { quarterTurns: 2 },
  ])('%o twice is exactly nothing', (change) => {
    const parameters = Array.from({ length: 3 }, () => ({ ...still, ...change }))
    const once = applyAugmentation(
      floats(values, [3, 1, 12, 12]),
      bytes(labels, [3, 4, 12, 12]),
      parameters,
      { size },
    )
    const twice = applyAugmentation(once.images, once.masks, parameters, { size })
    expect(once.images.toArray()).not.toEqual([...Float32Array.from(values)])
    expect(twice.images.toArray()).toEqual([...Float32Array.from(values)])
    expect(twice.masks.toArray()).toEqual(labels)
  })

  it('four quarter turns are exactly nothing', () => {
    const turn = [{ ...still, quarterTurns: 1 }]
    let now = {
      images: floats(values.slice(0, 144), [1, 1, 12, 12]),
      masks: bytes(labels.slice(0, 576), [1, 4, 12, 12]),
    }
    for (let i = 0; i < 4; i++) now = applyAugmentation(now.images, now.masks, turn, { size })
    expect(now.images.toArray()).toEqual([...Float32Array.from(values.slice(0, 144))])
    expect(now.masks.toArray()).toEqual(labels.slice(0, 576))
  })

  it('image and all masks travel together, and masks stay binary', () => {
    // A disc of radius 5 around (24, 40), bright in the image and 1 in the masks of all four raters.
    const disc = Array.from({ length: 64 * 64 }, (_, i) => {
      const [row, column] = [Math.floor(i / 64), i % 64]
      return (row - 24) ** 2 + (column - 40) ** 2 <= 25 ? 1 : 0
    })
    for (let step = 0; step < 10; step++) {
      const parameters = [
        drawParameters({ ...recipe, intensity: 0 }, [64, 64], [48, 48], { seed: 5, step, index: 0 }),
      ]
      const images = floats(disc, [1, 1, 64, 64])
      const masks = bytes([...disc, ...disc, ...disc, ...disc], [1, 4, 64, 64])
      const moved = applyAugmentation(images, masks, parameters, { size: [48, 48] })
      const picture = moved.images.toArray()
      const drawn = moved.masks.toArray()
      expect(new Set(drawn)).toEqual(new Set([0, 1]))
      for (let rater = 1; rater < 4; rater++) {
        expect(drawn.slice(rater * 2304, (rater + 1) * 2304)).toEqual(drawn.slice(0, 2304))
      }
      // Bilinear and nearest agree on which side of one half a pixel lies, but for its very edge.
      const apart = picture.filter((value, i) => Math.abs(value - drawn[i]!) > 0.5 + 1e-3).length
      expect(apart).toBeLessThanOrEqual(8)
      expect(drawn.slice(0, 2304).reduce((sum, value) => sum + value, 0)).toBeGreaterThan(60)
    }
  })

  it('copies pixels where nothing is rotated, whatever the interpolation', () => {
    const known = new Set(Float32Array.from(values))
    const parameters = [0, 1, 2].map((quarterTurns) => ({ ...still, quarterTurns, flipVertical: true }))
    const moved = applyAugmentation(
      floats(values, [3, 1, 12, 12]),
      bytes(labels, [3, 4, 12, 12]),
      parameters,
      { size: [9, 7] },
    )
    expect(moved.images.toArray().every((value) => known.has(value))).toBe(true)
  })

  it('scales brightness and contrast as by hand and cuts to [0, 1]', () => {
    // mean 0.5; contrast 1.2: 0.5 +- 0.4 * 1.2 = 0.98, 0.02; brightness 1.1: 1.078 -> 1, 0.022; middle 0.55
    const images = floats([0.9, 0.1, 0.5, 0.5], [1, 1, 2, 2])
    const masks = bytes([1, 0, 0, 1], [1, 1, 2, 2])
    const given = [{ ...still, brightness: 1.1, contrast: 1.2 }]
    const moved = applyAugmentation(images, masks, given, { size: [2, 2] })
    expectClose(moved.images, [1, 0.022, 0.55, 0.55], 1e-6)
    expect(moved.masks.toArray()).toEqual([1, 0, 0, 1])
  })

  it('leaves no tensor behind but the two it returns', () => {
    const images = floats(values, [3, 1, 12, 12])
    const masks = bytes(labels, [3, 4, 12, 12])
    const before = liveTensors()
    const given = [0, 1, 2].map((index) => drawParameters(recipe, size, [8, 8], { seed: 1, step: 0, index }))
    const moved = applyAugmentation(images, masks, given, { size: [8, 8] })
    expect(liveTensors() - before).toBe(2)
    moved.images.free()
    moved.masks.free()
  })

  it('refuses a batch whose parts disagree', () => {
    const images = floats(values, [3, 1, 12, 12])
    expect(() => applyAugmentation(images, bytes(labels, [3, 4, 12, 12]), [still], { size })).toThrow(
      /do not fit together/,
    )
  })
})

describe('parameters', () => {
  const place = { seed: 11, step: 3, index: 2 }

  it('are a function of seed, phase, step and index', () => {
    const draw = (change: object) => drawParameters(recipe, [128, 128], [64, 64], { ...place, ...change })
    expect(draw({})).toEqual(draw({}))
    for (const change of [{ seed: 12 }, { step: 4 }, { index: 3 }, { stream: 1 }])
      expect(draw(change)).not.toEqual(draw({}))
  })

  it('keep the other draws when a transform is switched off', () => {
    const all = drawParameters(recipe, [128, 128], [64, 64], place)
    const { degrees, ...rest } = drawParameters({ ...recipe, rotateDegrees: 0 }, [128, 128], [64, 64], place)
    expect(degrees).toBe(0)
    expect(all).toMatchObject(rest)
  })

  it('spread as the recipe says', () => {
    const many = Array.from({ length: 4000 }, (_, step) =>
      drawParameters({ ...recipe, cropAt: 'random' }, [70, 66], [64, 64], { seed: 1, step, index: 0 }),
    )
    const share = (test: (one: CaseParameters) => boolean) => many.filter(test).length / many.length
    // Standard error of a share of one half over 4,000 draws: 0.008.
    expect(Math.abs(share((one) => one.flipHorizontal) - 0.5)).toBeLessThan(0.04)
    expect(Math.abs(share((one) => one.quarterTurns === 3) - 0.25)).toBeLessThan(0.04)
    expect(Math.abs(share((one) => one.degrees > 15) - 0.25)).toBeLessThan(0.04)
    expect(Math.max(...many.map((one) => Math.abs(one.degrees)))).toBeLessThanOrEqual(30)
    expect(new Set(many.map((one) => one.top))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]))
    expect(new Set(many.map((one) => one.left))).toEqual(new Set([0, 1, 2]))
    expect(many.every((one) => one.brightness >= 0.8 && one.brightness <= 1.2)).toBe(true)
  })

  it('ask for a window that no turn looks beyond', () => {
    // 64 * sqrt(2) = 90.5 -> 91 + 2 = 93 -> 94, an even number above 64; never more than the image.
    expect(windowSize(recipe, [64, 64], [128, 128])).toEqual([94, 94])
    expect(windowSize(recipe, [64, 64], [70, 70])).toEqual([70, 70])
    expect(windowSize({ ...recipe, rotateDegrees: 0 }, [64, 48], [128, 128])).toEqual([64, 64])
    expect(windowSize(undefined, [64, 48], [128, 128])).toEqual([64, 48])
  })
})
