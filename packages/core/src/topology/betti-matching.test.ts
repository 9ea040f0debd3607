import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { bettiMatching, type FeatureMatches } from './betti-matching.js'
import { cubicalPersistence } from './cubical.js'
import { cellsOf, ordered, type ReducedPair, reduce } from './testing/matrix-reduction.js'

/**
 * Betti matching by definition: barcodes of both pictures, of the union and of the two image persistences,
 * all by reducing whole boundary matrices.
 */
function byReduction(first: number[], second: number[], height: number, width: number) {
  const union = first.map((v, i) => Math.min(v, second[i]!))
  const order = (values: number[]) => {
    // Later pixels first among equal ones, and around a pixel lower right first: the authors' order.
    const before = (a: number, b: number) => values[a]! - values[b]! || b - a
    const side = (cell: { y: number; x: number; pixel: number }) => {
      const dy = cell.y - 2 * Math.floor(cell.pixel / width)
      const dx = cell.x - 2 * (cell.pixel % width)
      if (dy === 0 && dx === 0) return 0
      if (dy === 0 || dx === 0) return dx > 0 ? 1 : dy > 0 ? 2 : dx < 0 ? 3 : 4
      return dy > 0 ? (dx > 0 ? 1 : 2) : dx > 0 ? 3 : 4
    }
    return ordered(cellsOf(height, width, 'V', before), before, (a, b) => side(a) - side(b))
  }
  const name = (cell: { y: number; x: number }) => `${cell.y},${cell.x}`
  const real = (values: number[], pairs: ReducedPair[]) =>
    pairs.filter(({ birth, death }) => !death || values[birth.pixel] !== values[death.pixel])
  const [cellsA, cellsB, cellsU] = [order(first), order(second), order(union)]
  const ofUnion = real(union, reduce(cellsU, cellsU))
  const induced = (values: number[], cells: typeof cellsA) => {
    const own = real(values, reduce(cells, cells))
    const toUnion = new Map<ReducedPair, ReducedPair>()
    for (const image of reduce(cellsU, cells)) {
      const from = own.find(({ birth }) => name(birth) === name(image.birth))
      const into = ofUnion.find(({ birth, death }) =>
        image.death
          ? death && name(death) === name(image.death)
          : !death && birth.dimension === image.dimension,
      )
      if (from && into && from.dimension === image.dimension) toUnion.set(from, into)
    }
    return { own, toUnion }
  }
  const a = induced(first, cellsA)
  const b = induced(second, cellsB)
  const result = [0, 1].map((dimension) => {
    const matched: string[] = []
    const usedB = new Set<ReducedPair>()
    const only: string[] = []
    const told = ({ birth, death }: ReducedPair) => `${birth.pixel} ${death ? death.pixel : -1}`
    for (const pair of a.own.filter((p) => p.dimension === dimension)) {
      const partner = b.own.find((p) => a.toUnion.get(pair) && b.toUnion.get(p) === a.toUnion.get(pair))
      if (partner) {
        matched.push(`${told(pair)} ${told(partner)}`)
        usedB.add(partner)
      } else only.push(told(pair))
    }
    const rest = b.own.filter((p) => p.dimension === dimension && !usedB.has(p)).map(told)
    return { matched: matched.sort(), onlyFirst: only.sort(), onlySecond: rest.sort() }
  })
  return { components: result[0]!, holes: result[1]! }
}

const told = ({ matched, onlyFirst, onlySecond }: FeatureMatches) => {
  const rows = (list: Int32Array, size: number) =>
    Array.from({ length: list.length / size }, (_, i) =>
      list.subarray(i * size, (i + 1) * size).join(' '),
    ).sort()
  return { matched: rows(matched, 4), onlyFirst: rows(onlyFirst, 2), onlySecond: rows(onlySecond, 2) }
}

it('equals the reduction of the matrices of image persistence on 600 random pairs', () => {
  for (let seed = 0; seed < 600; seed++) {
    const random = new Random(seed, 7)
    const [height, width] = [1 + random.int(6), 1 + random.int(6)]
    const values = seed % 3 === 0 ? 2 : seed % 3 === 1 ? 4 : 100000
    const draw = () => Array.from({ length: height * width }, () => random.int(values))
    const [first, second] = [draw(), draw()]
    const expected = byReduction(first, second, height, width)
    const found = bettiMatching(
      Float64Array.from(first),
      Float64Array.from(second),
      [height, width],
      'sublevel',
    )
    expect(told(found.components), `seed ${seed}`).toEqual(expected.components)
    expect(told(found.holes), `seed ${seed}`).toEqual(expected.holes)
  }
})

describe('properties', () => {
  const random = new Random(3)
  const shape = [20, 24]
  const draw = () => Float32Array.from({ length: 480 }, () => random.int(30) / 30)
  const [first, second] = [draw(), draw()]

  it('matches every feature of a picture with itself', () => {
    const { components, holes } = bettiMatching(first, first, shape, 'superlevel')
    const diagram = cubicalPersistence(first, shape, { level: 'superlevel', connectivity: 4 })
    expect(components.matched.length / 4).toBe(diagram.components.length / 2 + 1)
    expect(holes.matched.length / 4).toBe(diagram.holes.length / 2)
    for (const { matched, onlyFirst, onlySecond } of [components, holes]) {
      expect([onlyFirst.length, onlySecond.length]).toEqual([0, 0])
      for (let i = 0; i < matched.length; i += 4)
        expect(matched.subarray(i, i + 2)).toEqual(matched.subarray(i + 2, i + 4))
    }
  })

  it('is the same seen from the other side, and from values turned over', () => {
    const there = bettiMatching(first, second, shape, 'superlevel')
    const back = bettiMatching(second, first, shape, 'superlevel')
    const over = bettiMatching(
      first.map((v) => 30 - 30 * v),
      second.map((v) => 30 - 30 * v),
      shape,
      'sublevel',
    )
    for (const part of ['components', 'holes'] as const) {
      expect(there[part].matched.length).toBeGreaterThan(4)
      expect(told(back[part]).onlyFirst).toEqual(told(there[part]).onlySecond)
      expect(told(back[part]).onlySecond).toEqual(told(there[part]).onlyFirst)
      expect(told(over[part])).toEqual(told(there[part]))
    }
  })
})

it('refuses pictures of different size', () => {
  expect(() => bettiMatching(new Uint8Array(4), new Uint8Array(6), [2, 2], 'sublevel')).toThrow(
    expect.objectContaining({ code: 'metric-shape' }),
  )
})
