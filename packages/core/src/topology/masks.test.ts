import { describe, expect, it } from 'vitest'
import { bits, product, readFixture } from '../metrics/testing/shapes.js'
import { type Connectivity, labelComponents } from './components.js'
import { eulerCharacteristic } from './euler.js'
import { skeletonize2d } from './skeleton-2d.js'
import { skeletonize3d } from './skeleton-3d.js'
import { unpackUint16 } from './testing/fixtures.js'

interface Picture {
  shape: number[]
  mask: string
  labels: Record<string, { count: number; labels: string }>
  euler: { open: number; closed: number }
  zhang?: string
  lee: string
}
const { pictures } = readFixture<{ pictures: Picture[] }>('topology.json', import.meta.url)
const cases = pictures.map((picture) => {
  const pixels = product(picture.shape)
  return { ...picture, name: picture.shape.join('x'), pixels, marked: bits(picture.mask, pixels) }
})

describe.each(cases)('mask $name, %#', ({ shape, pixels, marked, labels, euler, zhang, lee }) => {
  it.each(Object.entries(labels))('%s-connected components are those of SciPy', (connectivity, expected) => {
    const found = labelComponents(marked, shape, Number(connectivity) as Connectivity)
    expect(found.count).toBe(expected.count)
    expect(Uint16Array.from(found.labels)).toEqual(unpackUint16(expected.labels))
  })

  it('Euler characteristics are those of scikit-image', () => {
    expect(eulerCharacteristic(marked, shape, 'open')).toBe(euler.open)
    expect(eulerCharacteristic(marked, shape, 'closed')).toBe(euler.closed)
  })

  it('skeletons are those of scikit-image, pixel for pixel', () => {
    if (zhang) expect(skeletonize2d(marked, shape)).toEqual(bits(zhang, pixels))
    expect(skeletonize3d(marked, shape)).toEqual(bits(lee, pixels))
  })
})

it('a line is its own skeleton', () => {
  const line = new Uint8Array(7 * 11)
  for (let x = 1; x < 10; x++) line[3 * 11 + x] = 1
  expect(skeletonize2d(line, [7, 11])).toEqual(line)
  expect(skeletonize3d(line, [7, 11])).toEqual(line)
})

it.each([
  ['topology-connectivity', () => labelComponents(new Uint8Array(4), [2, 2], 6)],
  ['topology-connectivity', () => labelComponents(new Uint8Array(8), [2, 2, 2], 8)],
  ['metric-shape', () => labelComponents(new Uint8Array(4), [2, 3], 4)],
  ['metric-shape', () => eulerCharacteristic(new Uint8Array(4), [2, 3], 'open')],
  ['topology-shape', () => skeletonize2d(new Uint8Array(8), [2, 2, 2])],
  ['metric-shape', () => skeletonize2d(new Uint8Array(4), [2, 3])],
  ['metric-shape', () => skeletonize3d(new Uint8Array(4), [2, 3])],
])('refuses with %s, %#', (code, run) => {
  expect(run).toThrow(expect.objectContaining({ code }))
})
