import { readFileSync } from 'node:fs'
import type { Random } from '../../random.js'

/** A fixture file beside a test. @param file URL of the test, `import.meta.url`. */
export function readFixture<T>(name: string, file: string): T {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}`, file), 'utf8')) as T
}

/** Bytes from base64. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'))
}

/** A mask of one bit a pixel, lowest first, from base64. */
export function bits(text: string, pixels: number): Uint8Array {
  const packed = bytes(text)
  return Uint8Array.from({ length: pixels }, (_, i) => (packed[i >> 3]! >> (i & 7)) & 1)
}

export const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

/** A mask of pixels whose every coordinate lies in [first, last]. */
export function box(shape: readonly number[], ranges: readonly (readonly [number, number])[]): Uint8Array {
  return Uint8Array.from({ length: product(shape) }, (_, index) => {
    let rest = index
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = rest % shape[axis]!
      rest = (rest - at) / shape[axis]!
      if (at < ranges[axis]![0] || at > ranges[axis]![1]) return 0
    }
    return 1
  })
}

/** A union of a few random boxes; sometimes nothing. */
export function randomMask(random: Random, shape: readonly number[], most = 3): Uint8Array {
  const mask = new Uint8Array(product(shape))
  for (let k = random.int(most + 1); k > 0; k--) {
    const ranges = shape.map((size) => {
      const a = random.int(size)
      return [a, Math.min(size - 1, a + random.int(Math.ceil(size / 2)))] as const
    })
    for (const [i, value] of box(shape, ranges).entries()) if (value) mask[i] = 1
  }
  return mask
}

/** Example B of the definitions: a 6x6 picture, prediction in bytes and a square of 9 pixels. */
export const exampleB = {
  shape: [6, 6],
  prediction: Uint8Array.from(
    [
      [0, 0, 0, 0, 0, 0],
      [0, 51, 102, 153, 0, 0],
      [0, 102, 204, 255, 102, 0],
      [0, 153, 255, 204, 51, 0],
      [0, 0, 102, 51, 0, 0],
      [0, 0, 0, 0, 0, 0],
    ].flat(),
  ),
  reference: box(
    [6, 6],
    [
      [1, 3],
      [1, 3],
    ],
  ),
} as const
