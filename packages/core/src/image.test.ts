import { expect, it } from 'vitest'
import { checkImage } from './image.js'

it.each([{ shape: [1, 2, 3] }, { shape: [1, 1, 2, 3], spacingMm: [2.5, 0.5, 0.5] }, { shape: [3, 1, 2] }])(
  'takes $shape',
  (parts) => {
    const image = { data: new Uint8Array(6), maxValue: 255, ...parts }
    expect(checkImage(image)).toBe(image)
  },
)

it.each([
  [{ shape: [2, 3] }, 'image-shape'],
  [{ shape: [1, 2, 4] }, 'image-shape'],
  [{ shape: [1, 0, 6] }, 'image-shape'],
  [{ shape: [1, 1.5, 4] }, 'image-shape'],
  [{ shape: [1, 2, 3], spacingMm: [1] }, 'image-spacing'],
  [{ shape: [1, 2, 3], spacingMm: [1, 0] }, 'image-spacing'],
  [{ shape: [1, 2, 3], spacingMm: [1, Number.NaN] }, 'image-spacing'],
  [{ shape: [1, 2, 3], maxValue: 0 }, 'image-range'],
])('refuses %o', (parts, code) => {
  const image = { data: new Uint8Array(6), maxValue: 255, ...parts }
  expect(() => checkImage(image)).toThrow(expect.objectContaining({ code }))
})
