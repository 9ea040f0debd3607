import { describe, expect, it } from 'vitest'
import { readFixture } from '../metrics/testing/shapes.js'
import { Random } from '../random.js'
import { cubicalPersistence } from './cubical.js'
import { barcode } from './diagram.js'
import { featureRegion } from './feature-region.js'
import { persistenceImage } from './persistence-image.js'
import { wassersteinMatching } from './wasserstein.js'

interface Fixture {
  persistenceImage: {
    bars: [number, number][]
    rows: number
    columns: number
    births: [number, number]
    lengths: [number, number]
    sigma: number
    image: number[][]
  }
  wasserstein: { a: [number, number][]; b: [number, number][]; order: number; distance: number }[]
}
const fixture = readFixture<Fixture>('topology.json', import.meta.url)
const bars = (list: readonly [number, number][]) =>
  list.map(([birth, death]) => ({ birth, death, persistence: death - birth }))

describe('persistence images', () => {
  const { bars: list, image, ...options } = fixture.persistenceImage

  it('integrate weighted Gaussians over cells, as SciPy does', () => {
    const found = persistenceImage(bars(list), options)
    image.flat().forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 12)
    })
  })

  it('of one bar with constant weight hold all of its mass when the range is wide; infinite bars none', () => {
    const wide = { rows: 40, columns: 40, births: [-5, 5], lengths: [-5, 5], sigma: 0.5 } as const
    const list = [...bars([[0.2, 0.9]]), { birth: 0, death: Infinity, persistence: Infinity }]
    const sum = persistenceImage(list, { ...wide, weight: 'constant' }).reduce((a, b) => a + b, 0)
    expect(sum).toBeCloseTo(1, 12)
  })

  it.each([
    { rows: 0 },
    { columns: 1.5 },
    { sigma: 0 },
    { births: [1, 1] as [number, number] },
    { lengths: [0, Number.NaN] as [number, number] },
  ])('refuse %o', (change) => {
    expect(() => persistenceImage([], { ...options, ...change })).toThrow(
      expect.objectContaining({ code: 'topology-range' }),
    )
  })
})

describe('Wasserstein matching', () => {
  it.each(fixture.wasserstein)('has the least cost that SciPy finds, %#', ({ a, b, order, distance }) => {
    const found = wassersteinMatching(bars(a), bars(b), order)
    expect(found.distance).toBeCloseTo(distance, 12)
    expect(found.partners.length).toBe(a.length)
  })

  it('pairs equal bars and sends noise to the diagonal', () => {
    const found = wassersteinMatching(
      bars([
        [0, 0.9],
        [0.5, 0.52],
      ]),
      bars([[0.1, 0.9]]),
    )
    expect([...found.partners]).toEqual([0, -1])
    expect(found.distance).toBeCloseTo(0.1 + 0.01, 12)
  })
})

it('a change of at most e moves no bar further than e (stability, with Wasserstein of high order as bottleneck)', () => {
  const random = new Random(11)
  const shape = [6, 7]
  for (let round = 0; round < 20; round++) {
    const values = Float64Array.from({ length: 42 }, () => random.uniform())
    const epsilon = 0.03
    const other = values.map((v) => v + (2 * random.uniform() - 1) * epsilon)
    const finite = (map: Float64Array, dimension: 0 | 1) =>
      barcode(cubicalPersistence(map, shape, { level: 'sublevel', connectivity: 8 }), map).filter(
        (bar) => bar.dimension === dimension && bar.deathPixel >= 0,
      )
    for (const dimension of [0, 1] as const) {
      // The sum of n terms of at most e^order is at most (n^(1/order) e)^order; n <= 42, order 40: 1.1 e.
      const { distance } = wassersteinMatching(finite(values, dimension), finite(other, dimension), 40)
      expect(distance).toBeLessThanOrEqual(epsilon * 42 ** (1 / 40))
    }
  }
})

describe('regions of features', () => {
  // MATCH's worked example p1: blobs of area 4 and 4, noise of one pixel, a faint one of one pixel.
  const rows = [
    [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05],
    [0.05, 0.9, 0.8, 0.3, 0.6, 0.7, 0.05, 0.05],
    [0.05, 0.8, 0.85, 0.2, 0.7, 0.65, 0.05, 0.4],
    [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05],
  ]
  const values = Float32Array.from(rows.flat())
  const shape = [4, 8] as const
  const diagram = cubicalPersistence(values, shape, {
    level: 'superlevel',
    connectivity: 4,
    componentsOnly: true,
  })

  it('have the areas of the worked example of MATCH', () => {
    const found = barcode(diagram, values, 0).map(({ birthPixel, deathPixel, persistence }) => {
      const essential = deathPixel < 0
      const region = featureRegion(values, shape, birthPixel, essential ? 0.5 : values[deathPixel]!, {
        connectivity: 4,
        strict: !essential,
      })
      return [Math.floor(birthPixel / 8), birthPixel % 8, persistence.toFixed(2), region.length]
    })
    expect(found).toEqual([[1, 1, '0.90', 4], [1, 5, '0.40', 4], [2, 7, '0.35', 1], ...found.slice(3)])
    // (2,2) .85 -> .80 and (2,4) .70 -> .65, persistence .05 each.
    expect(
      found
        .slice(3)
        .map(([y, x, , area]) => [y, x, area])
        .sort(),
    ).toEqual([
      [2, 2, 1],
      [2, 4, 1],
    ])
  })

  it('join the older object when the saddle is let in, and are empty below the threshold', () => {
    const both = featureRegion(values, shape, 13, values[11]!, { connectivity: 4, strict: false })
    expect([...both]).toEqual([9, 10, 11, 12, 13, 17, 18, 20, 21])
    expect(featureRegion(values, shape, 0, 0.5, { connectivity: 8, strict: true }).length).toBe(0)
  })
})
