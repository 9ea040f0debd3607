import { describe, expect, it } from 'vitest'
import { Random } from '../../random.js'
import { bits, bytes, product, readFixture } from '../testing/shapes.js'
import { distancesBetween, type Size } from './field.js'
import { boxOf, nearestPixels } from './nearest-pixel.js'

interface Surface {
  readonly field: { shape: Size; spacing: [number, number, number]; sites: string; distances: number[] }
}
interface Sweep {
  readonly nearest: readonly { shape: [number, number]; mask: string; squared: number; index: number[] }[]
}

it('distances to every voxel are those of SciPy, spacing included', () => {
  const { field } = readFixture<Surface>('../../surface/fixtures/surface.json', import.meta.url)
  const sites = bits(field.sites, product(field.shape))
  const everywhere = new Uint8Array(sites.length).fill(1)
  const distances = distancesBetween(everywhere, sites, field.shape, field.spacing)
  for (const [i, expected] of field.distances.entries()) expect(distances[i]).toBeCloseTo(expected, 10)
})

describe('distances of random places equal the nearest of all pairs', () => {
  it.each<[Size, [number, number, number], number]>([
    [[1, 17, 23], [1, 1, 1], 0.05],
    [[1, 9, 40], [1, 0.3, 2.5], 0.6],
    [[7, 8, 30], [2, 1, 1], 0.01],
    [[5, 1, 1], [1.7, 1, 1], 0.4],
    [[6, 11, 13], [0.4, 1.1, 3], 0.5],
  ])('size %j, spacing %j', (size, spacing, share) => {
    const random = new Random(5, size[1], size[2])
    const pick = (chance: number) =>
      Uint8Array.from({ length: product(size) }, () => (random.uniform() < chance ? 1 : 0))
    const from = pick(1 - share)
    const to = pick(share)
    to[random.int(to.length)] = 1
    const place = (i: number) => {
      const x = i % size[2]
      const y = Math.floor(i / size[2]) % size[1]
      return [Math.floor(i / size[1] / size[2]) * spacing[0], y * spacing[1], x * spacing[2]] as const
    }
    const points = (mask: Uint8Array) => [...mask.keys()].filter((i) => mask[i]).map(place)
    const expected = points(from).map((a) =>
      Math.min(...points(to).map((b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]))),
    )
    const actual = distancesBetween(from, to, size, spacing)
    expect(actual.length).toBe(expected.length)
    for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 10)
  })
})

it('nothing to reach is infinitely far', () => {
  expect([...distancesBetween(Uint8Array.of(1, 0, 1), new Uint8Array(3), [1, 1, 3], [1, 1, 1])]).toEqual([
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ])
})

it('nearest pixels and their ties are those of SciPy', () => {
  for (const { shape, mask, squared, index } of readFixture<Sweep>(
    '../../sweep/fixtures/sweep.json',
    import.meta.url,
  ).nearest) {
    const marked = bytes(mask)
    const nearest = nearestPixels(marked, ...shape, boxOf(marked, ...shape)!)
    expect(nearest.squared.reduce((sum, value) => sum + value, 0)).toBe(squared)
    expect([...nearest.index]).toEqual(index)
  }
})

it('of equally near pixels the smallest column, then the smallest row is taken', () => {
  // 3x3 with all corners marked: every other pixel is equally near to two or four of them.
  const corners = Uint8Array.of(1, 0, 1, 0, 0, 0, 1, 0, 1)
  const { index, squared } = nearestPixels(corners, 3, 3, boxOf(corners, 3, 3)!)
  expect([...index]).toEqual([0, 0, 2, 0, 0, 2, 6, 6, 8])
  expect([...squared]).toEqual([0, 1, 0, 1, 2, 1, 0, 1, 0])
  expect(boxOf(new Uint8Array(4), 2, 2)).toBeNull()
})
