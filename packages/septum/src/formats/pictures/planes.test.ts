import { Random } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { toPlanes } from './planes.js'

describe('interleaved samples become planes', () => {
  const random = new Random(5)
  // 12 bytes are four pixels of three channels; 1 to 9 pixels have every rest.
  it.each([1, 2, 3, 4, 5, 7, 8, 9, 352 * 3])('%i pixels', (pixels) => {
    const bytes = Uint8Array.from({ length: 3 * pixels }, () => random.int(256))
    const planes = [0, 1, 2].flatMap((c) => Array.from({ length: pixels }, (_, i) => bytes[3 * i + c]!))
    // The same samples at every alignment.
    for (let offset = 0; offset < 4; offset++) {
      const moved = new Uint8Array(new ArrayBuffer(3 * pixels + offset), offset)
      moved.set(bytes)
      expect([...toPlanes(moved)]).toEqual(planes)
    }
    expect([...toPlanes(Uint16Array.from(bytes, (value) => 257 * value))]).toEqual(
      planes.map((value) => 257 * value),
    )
  })

  it('also beyond the memory that pictures share', () => {
    const pixels = 2 ** 21
    const bytes = new Uint8Array(3 * pixels)
    for (let i = 0; i < pixels; i++) bytes.set([i & 255, (i >> 8) & 255, (i >> 16) & 255], 3 * i)
    toPlanes(bytes)
    const i = 1_234_567 // 0x12d687
    expect([bytes[i], bytes[pixels + i], bytes[2 * pixels + i]]).toEqual([0x87, 0xd6, 0x12])
  })
})
