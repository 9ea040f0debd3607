import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { labelComponents } from './components.js'
import { cubicalPersistence } from './cubical.js'
import { barcode, bettiAt, type Level, type PersistenceDiagram } from './diagram.js'
import { eulerCharacteristic } from './euler.js'
import type { GreyMap } from './pixel-order.js'
import { cellsOf, ordered, reduce } from './testing/matrix-reduction.js'

const picture = (rows: number[][]) => ({
  values: Float64Array.from(rows.flat()),
  shape: [rows.length, rows[0]!.length] as const,
})

/** "0: (0,2)->(1,2)" for each pair, essential first, as the sheet writes them. */
function told(diagram: PersistenceDiagram): string[] {
  const at = (pixel: number) => `(${Math.floor(pixel / diagram.shape[1])},${pixel % diagram.shape[1]})`
  const pairs = (dimension: number, list: Int32Array) =>
    Array.from(
      { length: list.length / 2 },
      (_, i) => `${dimension}: ${at(list[2 * i]!)}->${at(list[2 * i + 1]!)}`,
    )
  return [
    `essential ${at(diagram.essential)}`,
    ...[...pairs(0, diagram.components), ...pairs(1, diagram.holes)].sort(),
  ]
}

const ring = [
  [1, 2, 1],
  [2, 9, 2],
  [1, 2, 1],
]
const cross = [
  [0, 8, 5],
  [9, 1, 7],
  [4, 6, 2],
]
const brokenRing = [
  [9, 9, 9, 9, 9],
  [9, 1, 2, 3, 9],
  [9, 2, 8, 4, 9],
  [9, 1, 5, 3, 9],
  [9, 9, 9, 9, 9],
]
const cShape = [
  [0, 0, 0, 0, 0],
  [0, 1, 1, 1, 0],
  [0, 1, 9, 4, 0],
  [0, 1, 1, 1, 0],
  [0, 0, 0, 0, 0],
]
const blobs = [
  [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
  [0.1, 0.9, 0.8, 0.3, 0.6, 0.7, 0.1],
  [0.1, 0.8, 0.8, 0.2, 0.7, 0.6, 0.1],
  [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
]
const ringPairs = ['0: (0,2)->(0,1)', '0: (2,0)->(1,0)', '0: (2,2)->(1,2)', '1: (2,1)->(1,1)']

// The worked examples of the persistence sheet, section 5; each was found there by matrix reduction.
describe('worked examples', () => {
  it.each<[string, number[][], 4 | 8, Level, string[]]>([
    [
      'row',
      [[1, 5, 2, 6, 0, 4, 3]],
      4,
      'sublevel',
      ['essential (0,4)', '0: (0,0)->(0,3)', '0: (0,2)->(0,1)', '0: (0,6)->(0,5)'],
    ],
    ['ring', ring, 4, 'sublevel', ['essential (0,0)', ...ringPairs]],
    ['ring', ring, 8, 'sublevel', ['essential (0,0)', ...ringPairs]],
    [
      'diagonal',
      [
        [0, 9],
        [9, 0],
      ],
      4,
      'sublevel',
      ['essential (0,0)', '0: (1,1)->(0,1)'],
    ],
    [
      'diagonal',
      [
        [0, 9],
        [9, 0],
      ],
      8,
      'sublevel',
      ['essential (0,0)'],
    ],
    [
      '3x3',
      cross,
      4,
      'sublevel',
      ['essential (0,0)', '0: (0,2)->(1,2)', '0: (1,1)->(0,1)', '0: (2,0)->(2,1)', '0: (2,2)->(2,1)'],
    ],
    ['3x3', cross, 8, 'sublevel', ['essential (0,0)']],
    [
      'broken ring',
      brokenRing,
      4,
      'sublevel',
      ['essential (1,1)', '0: (3,1)->(2,1)', '0: (3,3)->(2,3)', '1: (3,2)->(2,2)'],
    ],
    ['C', cShape, 4, 'sublevel', ['essential (0,0)', '1: (4,4)->(2,2)']],
    ['C', cShape, 8, 'sublevel', ['essential (0,0)', '1: (4,3)->(2,2)']],
    [
      'constant',
      [
        [3, 3],
        [3, 3],
      ],
      4,
      'sublevel',
      ['essential (0,0)'],
    ],
    ['one pixel', [[7]], 8, 'sublevel', ['essential (0,0)']],
  ])('%s, %#', (_, rows, connectivity, level, expected) => {
    const { values, shape } = picture(rows)
    expect(told(cubicalPersistence(values, shape, { level, connectivity }))).toEqual(expected)
  })

  it('two blobs of a probability map, superlevel', () => {
    const { values, shape } = picture(blobs)
    const four = cubicalPersistence(values, shape, {
      level: 'superlevel',
      connectivity: 4,
      componentsOnly: true,
    })
    expect(told(four)).toEqual(['essential (1,1)', '0: (1,5)->(1,3)', '0: (2,4)->(1,4)'])
    const eight = cubicalPersistence(values, shape, {
      level: 'superlevel',
      connectivity: 8,
      componentsOnly: true,
    })
    expect(told(eight)).toEqual(['essential (1,1)', '0: (1,5)->(1,3)'])
    const bars = barcode(four, values, 0)
    expect(bars.map(({ persistence }) => persistence.toFixed(6))).toEqual([
      '0.900000',
      '0.400000',
      '0.100000',
    ])
    expect(bars[1]).toMatchObject({ birth: 0.7, death: 0.3, birthPixel: 12, deathPixel: 10 })
    expect(barcode(four, values)[0]).toMatchObject({ death: -Infinity, deathPixel: -1 })
  })
})

/** Small pictures, every third one of three values only, so that ties abound. */
function randomPicture(seed: number): { values: GreyMap; shape: [number, number] } {
  const random = new Random(seed)
  const shape: [number, number] = [1 + random.int(6), 1 + random.int(6)]
  const count = shape[0] * shape[1]
  const draw = () => (seed % 3 === 0 ? random.int(3) : random.normal())
  const list = Array.from({ length: count }, draw)
  if (seed % 3 === 0) return { values: Uint8Array.from(list), shape }
  return { values: seed % 3 === 1 ? Float32Array.from(list) : Float64Array.from(list), shape }
}

it('equals the reduction of the boundary matrix, pixel by pixel, on 1000 random pictures', () => {
  for (let seed = 0; seed < 1000; seed++) {
    const { values, shape } = randomPicture(seed)
    const [height, width] = shape
    const connectivity = seed % 2 === 0 ? 4 : 8
    const level = seed % 4 < 2 ? 'sublevel' : 'superlevel'
    const sign = level === 'sublevel' ? 1 : -1
    const before = (a: number, b: number) => sign * (values[a]! - values[b]!) || a - b
    const cells = ordered(
      cellsOf(height, width, connectivity === 4 ? 'V' : 'T', before),
      before,
      (a, b) => a.y - b.y || a.x - b.x,
    )
    const at = (pixel: number) => `(${Math.floor(pixel / width)},${pixel % width})`
    const reduced = reduce(cells, cells)
    const essential = reduced.filter(({ death }) => !death)
    expect(essential.length).toBe(1)
    const finite = reduced
      .filter(({ birth, death }) => death && values[birth.pixel] !== values[death.pixel])
      .map(({ dimension, birth, death }) => `${dimension}: ${at(birth.pixel)}->${at(death!.pixel)}`)
      .sort()
    const diagram = cubicalPersistence(values, shape, { level, connectivity })
    expect(told(diagram), `seed ${seed}`).toEqual([`essential ${at(essential[0]!.birth.pixel)}`, ...finite])
  }
})

it('counts the components and holes of every level set, as labelling and the Euler characteristic do', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed, 1)
    const shape = [3 + random.int(10), 3 + random.int(10)]
    const values = Int16Array.from({ length: shape[0]! * shape[1]! }, () => random.int(9) - 4)
    for (const connectivity of [4, 8] as const) {
      const level = seed % 2 === 0 ? 'sublevel' : 'superlevel'
      const diagram = cubicalPersistence(values, shape, { level, connectivity })
      for (let t = -4; t <= 4; t++) {
        const set = Uint8Array.from(values, (v) => ((level === 'sublevel' ? v <= t : v >= t) ? 1 : 0))
        const [components, holes] = bettiAt(diagram, values, t)
        expect(components).toBe(labelComponents(set, shape, connectivity).count)
        expect(components - holes).toBe(
          eulerCharacteristic(set, shape, connectivity === 8 ? 'closed' : 'open'),
        )
      }
    }
  }
})

it('only shifts and scales with the values, and keeps its bars under mirroring', () => {
  const random = new Random(5)
  const shape = [9, 11] as const
  const values = Float64Array.from({ length: 99 }, () => random.int(50))
  const options = { level: 'sublevel', connectivity: 4 } as const
  const diagram = cubicalPersistence(values, shape, options)
  const moved = cubicalPersistence(
    values.map((v) => 3 * v - 7),
    shape,
    options,
  )
  expect(moved).toEqual(diagram)
  const spans = (map: Float64Array, d: PersistenceDiagram) =>
    barcode(d, map)
      .map(({ dimension, birth, death }) => `${dimension} ${birth} ${death}`)
      .sort()
  const mirrored = values.slice().reverse()
  expect(spans(mirrored, cubicalPersistence(mirrored, shape, options))).toEqual(spans(values, diagram))
})

it.each([
  ['metric-shape', new Float32Array(3), [2, 2], 4],
  ['topology-shape', new Float32Array(8), [2, 2, 2], 4],
  ['topology-values', Float32Array.of(1, Number.NaN), [1, 2], 8],
  ['topology-values', Float64Array.of(1, Infinity), [1, 2], 8],
  ['topology-connectivity', new Float32Array(4), [2, 2], 6],
])('refuses with %s, %#', (code, values, shape, connectivity) => {
  const run = () => cubicalPersistence(values, shape, { level: 'sublevel', connectivity: connectivity as 4 })
  expect(run).toThrow(expect.objectContaining({ code }))
})
