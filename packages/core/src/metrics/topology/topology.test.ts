import { describe, expect, it } from 'vitest'
import { Random } from '../../random.js'
import { measureCase } from '../measure.js'
import { bits, product, readFixture } from '../testing/shapes.js'
import { bettiMatchingError, componentMatchingError } from './betti-matching-error.js'
import { bettiErrors, bettiNumbers, patchBettiErrors } from './betti-numbers.js'
import { clDice } from './cl-dice.js'
import { intersectionUnionDiscrepancy } from './diu.js'

interface Fixture {
  pairs: { shape: [number, number]; a: string; b: string; plain: number[]; frame: number[] }[]
  maps: { shape: [number, number]; a: number[]; b: number[]; plain: number[]; frame: number[] }[]
  shapes: { shape: number[]; a: string; b: string; clDice: number[]; full: number[]; cross: number[] }[]
  windows: {
    shape: [number, number]
    a: string
    b: string
    patches: { size: number; stride: number; windows: number; errors: number[] }[]
  }
}
const fixture = readFixture<Fixture>('topology-metrics.json', import.meta.url)

/** A mask from rows of digits, e.g. '010', '111'. */
const drawn = (...rows: string[]) => ({
  mask: Uint8Array.from(rows.join(''), Number),
  shape: [rows.length, rows[0]!.length] as const,
})

describe('Betti matching error', () => {
  it.each(fixture.pairs)("of masks is that of the authors' program, %#", ({ shape, a, b, plain, frame }) => {
    const [first, second] = [bits(a, product(shape)), bits(b, product(shape))]
    const found = bettiMatchingError(first, second, shape)
    expect([found.components, found.holes]).toEqual(plain)
    expect(found.error).toBe(plain[0]! + plain[1]!)
    const framed = bettiMatchingError(first, second, shape, { frame: true })
    expect([framed.components, framed.holes]).toEqual(frame)
  })

  it.each(fixture.maps)(
    "of probabilities is that of the authors' program, %#",
    ({ shape, a, b, plain, frame }) => {
      const [first, second] = [a, b].map((map) => Float64Array.from(map, (v) => v / 20))
      for (const [expected, options] of [
        [plain, {}],
        [frame, { frame: true }],
      ] as const) {
        const found = bettiMatchingError(first!, second!, shape, options)
        expect(found.components).toBeCloseTo(expected[0]!, 10)
        expect(found.holes).toBeCloseTo(expected[1]!, 10)
      }
    },
  )

  // Worked examples of the persistence sheet, 8.3, and of the metric sheet, 9.
  const five = drawn('11011', '11011', '00000', '10101')
  const two = drawn('11111', '11011', '00000', '11100')
  const ring = drawn('111', '101', '111')
  const disc = drawn('111', '111', '111')
  const gap = drawn('111', '100', '111')
  const left = drawn('00000', '10000', '00000')
  const right = drawn('00000', '00001', '00000')
  const twoRings = [
    drawn('111000000', '101000000', '111000000', ...Array<string>(6).fill('000000000')),
    drawn(...Array<string>(6).fill('000000000'), '000000111', '000000101', '000000111'),
  ] as const

  it.each([
    ['five against two components', five, two, 3, 0, 3],
    ['one pixel on either side', left, right, 0, 0, 2],
    ['ring and disc', ring, disc, 0, 1, 1],
    ['ring and broken ring', ring, gap, 0, 1, 1],
  ] as const)('%s', (_, a, b, components, holes, discrepancy) => {
    expect(bettiMatchingError(a.mask, b.mask, a.shape)).toEqual({
      error: components + holes,
      components,
      holes,
    })
    expect(intersectionUnionDiscrepancy(a.mask, b.mask, a.shape)).toBe(discrepancy)
    expect(intersectionUnionDiscrepancy(b.mask, a.mask, a.shape)).toBe(discrepancy)
  })

  it('two disjoint rings: same Betti numbers, matching error 2, all of it holes', () => {
    const [a, b] = twoRings
    expect(bettiErrors(a.mask, b.mask, a.shape)).toEqual([0, 0])
    expect(bettiMatchingError(a.mask, b.mask, a.shape)).toEqual({ error: 2, components: 0, holes: 2 })
    // Own count: neither ring has a partner.
    expect(componentMatchingError(a.mask, b.mask, a.shape)).toBe(2)
  })

  it('free of ties: components of both minus twice the shared ones of the union', () => {
    // Union of five and two: upper row one component (holds both), the lower left one too, the dot at (3,4) not.
    expect(componentMatchingError(five.mask, two.mask, five.shape)).toBe(5 + 2 - 2 * 2)
    expect(componentMatchingError(left.mask, right.mask, left.shape)).toBe(2)
    expect(componentMatchingError(five.mask, five.mask, five.shape)).toBe(0)
  })

  it('a lost one of several equal objects costs 1 in each error', () => {
    const all = drawn('1100011', '1100011', '0000000', '1100000', '1100000')
    const lost = drawn('1100000', '1100000', '0000000', '1100000', '1100000')
    expect(bettiErrors(lost.mask, all.mask, all.shape)).toEqual([1, 0])
    expect(bettiMatchingError(lost.mask, all.mask, all.shape)).toEqual({ error: 1, components: 1, holes: 0 })
    expect(componentMatchingError(lost.mask, all.mask, all.shape)).toBe(1)
    expect(intersectionUnionDiscrepancy(lost.mask, all.mask, all.shape)).toBe(1)
  })
})

describe('Betti numbers', () => {
  const inFrame = (...rows: string[]) => drawn('0000000', ...rows.map((row) => `0${row}0`), '0000000')
  // Table of the metric sheet, section 9: [8/4], [4/8].
  it.each([
    ['ring', inFrame('11111', '10001', '10001', '10001', '11111'), [1, 1], [1, 1]],
    ['side pixel removed', inFrame('11011', '10001', '10001', '10001', '11111'), [1, 0], [1, 0]],
    ['corner pixel removed', inFrame('01111', '10001', '10001', '10001', '11111'), [1, 1], [1, 0]],
    ['diagonal neighbours', drawn('10', '01'), [1, 0], [2, 0]],
    ['empty', drawn('000', '000', '000'), [0, 0], [0, 0]],
    ['full', drawn('111', '111', '111'), [1, 0], [1, 0]],
  ] as const)('%s', (_, { mask, shape }, full, cross) => {
    expect(bettiNumbers(mask, shape)).toEqual(full)
    expect(bettiNumbers(mask, shape, 'cross')).toEqual(cross)
  })

  it.each(fixture.shapes)(
    'are what SciPy labels in foreground and background, %#',
    ({ shape, a, full, cross }) => {
      const mask = bits(a, product(shape))
      expect(bettiNumbers(mask, shape)).toEqual(full)
      expect(bettiNumbers(mask, shape, 'cross')).toEqual(cross)
    },
  )

  it('a hollow cube has a cavity, a tube a tunnel', () => {
    const cube = new Uint8Array(27).fill(1)
    cube[13] = 0
    expect(bettiNumbers(cube, [3, 3, 3])).toEqual([1, 0, 1])
    const tube = cube.map((_, i) => (i % 9 === 4 ? 0 : 1))
    expect(bettiNumbers(tube, [3, 3, 3])).toEqual([1, 1, 0])
    expect(bettiNumbers(tube, [3, 3, 3], 'cross')).toEqual([1, 1, 0])
  })

  it.each(fixture.windows.patches)(
    'errors over windows of $size every $stride',
    ({ size, stride, errors }) => {
      const { shape, a, b } = fixture.windows
      const found = patchBettiErrors(bits(a, product(shape)), bits(b, product(shape)), shape, {
        size,
        stride,
      })
      expect(found[0]).toBeCloseTo(errors[0]!, 12)
      expect(found[1]).toBeCloseTo(errors[1]!, 12)
    },
  )
})

describe('clDice', () => {
  it.each(fixture.shapes)('is that of scikit-image skeletons, %#', ({ shape, a, b, clDice: expected }) => {
    const found = clDice(bits(a, product(shape)), bits(b, product(shape)), shape)
    expect(found.clDice).toBeCloseTo(expected[0]!, 14)
    expect(found.precision).toBeCloseTo(expected[1]!, 14)
    expect(found.sensitivity).toBeCloseTo(expected[2]!, 14)
  })

  const line = drawn('000000000', '011111110', '000000000')
  const none = drawn('000000000', '000000000', '000000000').mask

  it('of a line of 7 pixels without its middle is 12/13, of the line one row below 0', () => {
    const broken = drawn('000000000', '011101110', '000000000').mask
    const found = clDice(broken, line.mask, line.shape)
    expect(found.clDice).toBeCloseTo(12 / 13, 15)
    expect([found.precision, found.sensitivity]).toEqual([1, 6 / 7])
    expect(clDice(drawn('000000000', '000000000', '011111110').mask, line.mask, line.shape).clDice).toBe(0)
  })

  it('both empty 1, one empty 0', () => {
    expect(clDice(none, none, line.shape).clDice).toBe(1)
    expect(clDice(none, line.mask, line.shape).clDice).toBe(0)
    expect(clDice(line.mask, none, line.shape).clDice).toBe(0)
  })
})

it('perfect predictions score 1 and 0, whatever the mask, and b0 - b1 survives a turn by 90 degrees', () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new Random(seed, 4)
    const [height, width] = [1 + random.int(12), 1 + random.int(12)]
    const mask = Uint8Array.from({ length: height * width }, () => random.int(2))
    const turned = Uint8Array.from(mask, (_, i) => mask[(i % height) * width + Math.floor(i / height)]!)
    for (const foreground of ['full', 'cross'] as const) {
      const [b0, b1] = bettiNumbers(mask, [height, width], foreground)
      const [t0, t1] = bettiNumbers(turned, [width, height], foreground)
      expect([t0, t1]).toEqual([b0, b1])
    }
    const scores = measureCase(
      ['clDice', 'bettiError', 'bettiMatching', 'componentMatching', 'diu', 'betti0ErrorPatches'],
      { shape: [height, width], prediction: mask, reference: mask },
    ).values
    expect(Object.values(scores).map(({ value }) => value)).toEqual([1, 0, 0, 0, 0, 0])
  }
})

describe('in the catalogue', () => {
  it('the preset scores masks that mark with 255, and says which side is empty', () => {
    const ring = drawn('111', '101', '111')
    const reference = ring.mask.map((value) => value * 255)
    const { values } = measureCase(['topology', 'betti1ErrorPatches', 'diu', 'clPrecision'], {
      shape: ring.shape,
      prediction: new Uint8Array(9),
      reference,
    })
    // One ring, nothing predicted: the undying components match at 2, the hole is lost.
    expect(values.bettiMatching).toEqual({ value: 3, empty: 'prediction' })
    expect(values.betti0Error!.value).toBe(1)
    expect(values.betti1Error!.value).toBe(1)
    expect(values.betti1ErrorPatches!.value).toBe(1)
    expect(values.componentMatching!.value).toBe(1)
    expect(values.clDice!.value).toBe(0)
    expect(values.diu!.value).toBe(2)
  })

  it('a volume has b2, and no Betti matching', () => {
    const cube = new Uint8Array(27).fill(1)
    const hollow = cube.map((_, i) => (i === 13 ? 0 : 1))
    const input = { shape: [3, 3, 3], prediction: cube, reference: hollow }
    const { values } = measureCase(['betti2Error', 'bettiError', 'predictedBetti2', 'referenceBetti2'], input)
    expect(Object.values(values).map(({ value }) => value)).toEqual([1, 1, 0, 1])
    expect(() => measureCase(['bettiMatching'], input)).toThrow(
      expect.objectContaining({ code: 'metric-dimensions' }),
    )
  })

  it('follows the option of connectivity', () => {
    const { mask, shape } = drawn('10', '01')
    const input = { shape, prediction: mask, reference: drawn('11', '11').mask }
    expect(measureCase(['betti0Error'], input).values.betti0Error!.value).toBe(0)
    expect(measureCase(['betti0Error'], input, { connectivity: 'cross' }).values.betti0Error!.value).toBe(1)
  })
})
