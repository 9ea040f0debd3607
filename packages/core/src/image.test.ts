import { expect, it } from 'vitest'
import { checkImage } from './image.js'

const originMm = [0, 0, 0] as const
const plane = [
  [0, 1, 0],
  [1, 0, 0],
] as const
const volume = [[0, 0, 1], ...plane] as const

it.each([
  { shape: [1, 2, 3] },
  { shape: [1, 1, 2, 3], geometry: { spacingMm: [2.5, 0.5, 0.5], originMm, directions: volume } },
  { shape: [3, 1, 2], geometry: { spacingMm: [0.5, 0.5], originMm, directions: plane } },
])('takes $shape', (parts) => {
  const image = { data: new Uint8Array(6), maxValue: 255, ...parts }
  expect(checkImage(image)).toBe(image)
})

it.each([
  [{ shape: [2, 3] }, 'image-shape'],
  [{ shape: [1, 2, 4] }, 'image-shape'],
  [{ shape: [1, 0, 6] }, 'image-shape'],
  [{ shape: [1, 1.5, 4] }, 'image-shape'],
  [{ shape: [1, 2, 3], geometry: { spacingMm: [1], originMm, directions: plane } }, 'image-spacing'],
  [{ shape: [1, 2, 3], geometry: { spacingMm: [1, 0], originMm, directions: plane } }, 'image-spacing'],
  [
    { shape: [1, 2, 3], geometry: { spacingMm: [1, Number.NaN], originMm, directions: plane } },
    'image-spacing',
  ],
  [{ shape: [1, 2, 3], geometry: { spacingMm: [1, 1], originMm, directions: volume } }, 'image-geometry'],
  [
    { shape: [1, 2, 3], geometry: { spacingMm: [1, 1], originMm, directions: [plane[0], plane[0]] } },
    'image-geometry',
  ],
  [
    {
      shape: [1, 2, 3],
      geometry: { spacingMm: [1, 1], originMm: [0, Number.NaN, 0] as const, directions: plane },
    },
    'image-geometry',
  ],
  [{ shape: [1, 2, 3], maxValue: 0 }, 'image-range'],
])('refuses %o', (parts, code) => {
  const image = { data: new Uint8Array(6), maxValue: 255, ...parts }
  expect(() => checkImage(image)).toThrow(expect.objectContaining({ code }))
})
