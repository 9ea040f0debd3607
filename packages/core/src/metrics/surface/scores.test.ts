import { describe, expect, it } from 'vitest'
import { Random } from '../../random.js'
import { bits, box, product, randomMask, readFixture } from '../testing/shapes.js'
import { boundaryIou } from './boundary.js'
import { type EdgeScores, edgeScores, type SurfelScores, surfelScores } from './scores.js'
import { surfelSizes } from './surfel-table.js'

type Scores = EdgeScores & SurfelScores
const both = (...args: Parameters<typeof edgeScores>): Scores => ({
  ...edgeScores(...args),
  ...surfelScores(...args),
})
function near(actual: Scores, expected: Partial<Scores>, digits = 6): void {
  for (const [name, value] of Object.entries(expected)) {
    expect(actual[name as keyof Scores], name).toBeCloseTo(value, digits)
  }
}

const square = (rows: [number, number], columns: [number, number], shape = [8, 8]) =>
  box(shape, [rows, columns])

describe('worked examples of the sheet', () => {
  const reference = square([2, 4], [2, 4])
  const shifted = square([2, 4], [3, 5])
  it.each<[number[], number, Partial<Scores>]>([
    [
      [1, 1],
      0,
      { hd: 1, hd95: 1, hdSurfel: 1, hd95Surfel: 1, assd: 0.5, asdSurfel: 0.5, nsd: 0.5, nsdSurfel: 0.5 },
    ],
    [[1, 1], 0.5, { nsd: 0.5, nsdSurfel: 0.5 }],
    [[1, 1], 1, { nsd: 1, nsdSurfel: 1 }],
    [[2, 0.5], 0, { hdSurfel: 0.5, assd: 0.25, asdSurfel: 0.356209, nsd: 0.5, nsdSurfel: 0.287582 }],
    [[2, 0.5], 0.5, { asdSurfelFromReference: 0.356209, nsd: 1, nsdSurfel: 1 }],
  ])('S1, spacing %j, tolerance %d', (spacing, tolerance, expected) => {
    near(both(shifted, reference, [8, 8], { spacing, tolerance }), expected)
  })

  it('S2: one outlier, three conventions of HD95', () => {
    const shape = [8, 12]
    const block = square([2, 5], [2, 5], shape)
    const outlier = Uint8Array.from(block)
    outlier[3 * 12 + 10] = 1
    near(both(outlier, block, shape, { tolerance: 2 }), {
      ...{ hd: 5, hdSurfel: 5, hd95Surfel: 5, hd95: 2, hd95Pooled: 0 },
      ...{ asdSurfelFromReference: 0, asdSurfel: 0.720849, assdSurfel: 0.391806 },
      ...{ assd: 0.2, asdTwoSided: 0.192308, nsd: 0.96, nsdSurfel: 0.912932 },
    })
  })

  it('single pixels', () => {
    const at = (x: number) => square([50, 50], [x, x], [100, 100])
    near(both(at(70), at(70), [100, 100]), { hd: 0, hdSurfel: 0, asdSurfel: 0, nsd: 1, nsdSurfel: 1 })
    const pair = both(at(72), at(70), [100, 100], { spacing: [2, 1] })
    // Corners at columns 0, 1 and 2, 3: distances 2 and 1 in each direction.
    near(pair, { assdSurfel: 1.5, hd95Surfel: 2, nsdSurfel: 0.5, hd: 2, assd: 2 })
  })

  it('objects at the border of the image', () => {
    const scores = both(square([0, 2], [0, 3]), square([0, 2], [0, 2]), [8, 8], { tolerance: 0 })
    near(scores, { asdSurfelFromReference: 0.184699, asdSurfel: 0.266144, nsdSurfel: 0.771136 })
    near(scores, { assd: 0.222222, asdTwoSided: 0.2125 })
  })

  it('cubes', () => {
    const cube = (x: number) =>
      box(
        [10, 10, 10],
        [
          [3, 5],
          [3, 5],
          [x, x + 2],
        ],
      )
    const unit = { asdSurfel: 0.340093, hd95Surfel: 1, nsdSurfel: 0.659907, assd: 0.384615, nsd: 0.615385 }
    near(both(cube(4), cube(3), [10, 10, 10], { tolerance: 0 }), unit)
    expect(both(cube(4), cube(3), [10, 10, 10], { tolerance: 1 }).nsdSurfel).toBeCloseTo(1, 12)
    const thick = { asdSurfel: 0.399398, nsdSurfel: 0.600602, assd: 0.384615, nsd: 0.615385 }
    near(both(cube(4), cube(3), [10, 10, 10], { tolerance: 0, spacing: [3, 1, 1] }), thick)
  })
})

describe('sizes of surface elements', () => {
  const pattern = (...corners: string[]) =>
    corners.reduce((sum, corner) => sum + 2 ** (7 - Number.parseInt(corner, 2)), 0)
  const unit = surfelSizes(3, [1, 1, 1])

  it.each([
    ['one corner', pattern('000'), 0.216506],
    ['two along an edge', pattern('000', '001'), Math.SQRT1_2],
    ['two across a face', pattern('000', '011'), 0.433013],
    ['two across the cube', pattern('000', '111'), 0.433013],
    ['an L in a face', pattern('000', '001', '010'), 1.149519],
    ['a pair and one diagonal to both', pattern('000', '001', '110'), 0.923613],
    ['three mutually diagonal', pattern('000', '011', '101'), 0.649519],
    ['a face', pattern('000', '001', '010', '011'), 1],
    ['a corner and its neighbours', pattern('000', '001', '010', '100'), 1.299038],
    ['a chain', pattern('000', '001', '011', '111'), 1.573132],
    ['an L and the opposite corner', pattern('000', '001', '010', '111'), 1.366025],
    ['two opposite edges', pattern('000', '001', '110', '111'), Math.SQRT2],
    ['a tetrahedron', pattern('000', '011', '101', '110'), 0.866025],
  ])('%s, and its complement', (_, bitsSet, area) => {
    expect(unit[bitsSet]).toBeCloseTo(area, 6)
    expect(unit[255 - bitsSet]).toBeCloseTo(area, 6)
  })

  it('with spacing: faces scale by their two sides', () => {
    const sizes = surfelSizes(3, [2, 3, 5])
    expect(sizes[pattern('000', '001', '010', '011')]).toBeCloseTo(15, 12)
    expect(sizes[pattern('000', '001', '100', '101')]).toBeCloseTo(10, 12)
    expect(sizes[pattern('000', '010', '100', '110')]).toBeCloseTo(6, 12)
    // One corner: area vector (1/8, 1/8, 1/8).
    expect(sizes[pattern('000')]).toBeCloseTo(Math.hypot(15, 10, 6) / 8, 12)
    expect(surfelSizes(2, [1, 2, 0.5])[8]).toBeCloseTo(Math.hypot(2, 0.5) / 2, 12)
  })
})

interface Fixture {
  readonly cases: readonly {
    readonly name: string
    readonly shape: number[]
    readonly spacing: number[]
    readonly tolerance: number
    readonly prediction: string
    readonly reference: string
    readonly expected: Readonly<Record<string, number>>
  }[]
}

describe('against all pairs of surface points (SciPy, scikit-image)', () => {
  for (const item of readFixture<Fixture>('surface.json', import.meta.url).cases) {
    const [a, b] = [item.prediction, item.reference].map((text) => bits(text, product(item.shape))) as [
      Uint8Array,
      Uint8Array,
    ]
    it(item.name, () => {
      const { spacing, tolerance } = item
      const scores: Record<string, number> = {
        ...both(a, b, item.shape, { spacing, tolerance }),
        boundaryIou: boundaryIou(a, b, item.shape, { width: 2 }),
      }
      for (const [name, value] of Object.entries(item.expected)) {
        expect(scores[name], name).toBeCloseTo(value, 10)
      }
    })
  }
})

describe('properties on random masks', () => {
  it.each([
    [
      [13, 16],
      [1.5, 0.7],
    ],
    [
      [6, 9, 8],
      [2, 1, 0.8],
    ],
  ])('shape %j', (shape, spacing) => {
    const random = new Random(77, shape.length)
    for (let trial = 0; trial < 40; trial++) {
      const a = randomMask(random, shape)
      const b = randomMask(random, shape)
      const options = { spacing, tolerance: 1.6 }
      const scores = both(a, b, shape, options)
      const swapped = both(b, a, shape, options)
      for (const name of [
        'hd',
        'hd95',
        'hd95Pooled',
        'assd',
        'nsd',
        'hdSurfel',
        'assdSurfel',
        'nsdSurfel',
      ] as const) {
        if (Number.isNaN(scores[name])) expect(swapped[name], name).toBeNaN()
        else expect(swapped[name], name).toBeCloseTo(scores[name], 10)
      }
      const empty = [a, b].filter((mask) => !mask.includes(1)).length
      if (empty > 0) {
        const distance = empty === 2 ? 0 : Number.NaN
        expect([scores.hd, scores.hd95Surfel, scores.asd, scores.nsd]).toEqual([
          ...[distance, distance, distance],
          empty === 2 ? 1 : 0,
        ])
        continue
      }
      expect(scores.hd).toBeGreaterThanOrEqual(scores.hd95)
      expect(scores.hd).toBeGreaterThanOrEqual(scores.hd95Pooled)
      expect(scores.hdSurfel).toBeGreaterThanOrEqual(scores.hd95Surfel)
      expect(edgeScores(a, b, shape, { spacing, tolerance: scores.hd }).nsd).toBe(1)
      // Twice the spacing, twice the distance.
      const doubled = both(a, b, shape, { spacing: spacing.map((step) => 2 * step), tolerance: 3.2 })
      near(doubled, { hd: 2 * scores.hd, assdSurfel: 2 * scores.assdSurfel, nsd: scores.nsd }, 10)
      near(both(a, a, shape, options), { hd: 0, hd95: 0, assd: 0, nsd: 1, hdSurfel: 0, nsdSurfel: 1 }, 12)
    }
  })

  it('moving both masks changes nothing', () => {
    const inner = [7, 9]
    const place = (mask: Uint8Array, top: number, left: number) => {
      const large = new Uint8Array(15 * 20)
      for (const [i, value] of mask.entries()) large[(top + Math.floor(i / 9)) * 20 + left + (i % 9)] = value
      return large
    }
    const random = new Random(8)
    const [a, b] = [randomMask(random, inner), randomMask(random, inner)]
    a[0] = 1
    b[62] = 1
    const first = both(place(a, 0, 0), place(b, 0, 0), [15, 20])
    near(both(place(a, 8, 11), place(b, 8, 11), [15, 20]), first, 12)
    near(both(place(a, 3, 5), place(b, 3, 5), [15, 20]), first, 12)
  })
})

describe('empty masks', () => {
  const some = square([2, 4], [2, 4])
  const none = new Uint8Array(64)
  it('the diagonal of the image is a named penalty', () => {
    const options = { spacing: [3, 4], oneEmpty: 'diagonal' } as const
    // Diagonal of 24 mm x 32 mm.
    near(both(some, none, [8, 8], options), { hd: 40, hd95Surfel: 40, assd: 40, nsd: 0, nsdSurfel: 0 }, 12)
    near(both(none, none, [8, 8], options), { hd: 0, nsd: 1 })
  })

  it('boundary IoU: both empty 1, one empty 0', () => {
    expect(boundaryIou(none, none, [8, 8])).toBe(1)
    expect(boundaryIou(some, none, [8, 8])).toBe(0)
  })
})

it('boundary IoU with a Euclidean band and spacing', () => {
  // Columns 2 to 7 of an 8x10 picture; a band of 1.1 with spacing (5, 1) holds the outer columns only.
  const a = square([0, 7], [2, 7], [8, 10])
  const b = square([0, 7], [2, 6], [8, 10])
  const options = { spacing: [5, 1], width: 1.1, distance: 'euclidean' } as const
  // Bands: columns 2, 7 and 2, 6. Common 8 of 24.
  expect(boundaryIou(a, b, [8, 10], options)).toBeCloseTo(8 / 24, 12)
  // Chessboard, one pixel wide: a's band is its rim of 24 pixels, b's of 22; common are column 2 (8) and
  // rows 0 and 7 of columns 3 to 6 (8).
  expect(boundaryIou(a, b, [8, 10], { width: 1 })).toBeCloseTo(16 / (24 + 22 - 16), 12)
})

it('refuses shapes and spacings that do not fit', () => {
  expect(() => edgeScores(new Uint8Array(4), new Uint8Array(4), [2, 2], { spacing: [1, 0] })).toThrow(
    /Spacing/,
  )
  expect(() => edgeScores(new Uint8Array(4), new Uint8Array(6), [2, 2])).toThrow(/reference has 6 values/)
})
