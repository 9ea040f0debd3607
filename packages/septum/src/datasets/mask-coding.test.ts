import { Random } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { decodeLabels, type MaskCoding } from './mask-coding.js'

const coding: MaskCoding = {
  kind: 'labels',
  colour: false,
  labels: new Map([
    [0, 0],
    [7, 2],
    [255, 1],
    [9, 255],
  ]),
}
const mask = (data: Uint8Array) => ({ data, shape: [1, 1, data.length], maxValue: 255 })

describe('grey masks of bytes', () => {
  const random = new Random(2)
  const meaning: Readonly<Record<number, number>> = { 0: 0, 7: 2, 255: 1, 9: 255 }

  // Four samples are looked up at once: every rest, and every alignment of what comes and what goes.
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 64, 1001])('%i samples', (length) => {
    const values = Array.from({ length }, () => [0, 0, 0, 7, 255, 9][random.int(6)]!)
    const expected = values.map((value) => meaning[value]!)
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++) {
        const data = new Uint8Array(new ArrayBuffer(length + a), a)
        const out = new Uint8Array(new ArrayBuffer(length + b), b)
        data.set(values)
        decodeLabels(mask(data), false, coding, out, 'mask.png')
        expect([...out]).toEqual(expected)
        decodeLabels(mask(data), false, coding, data, 'mask.png')
        expect([...data]).toEqual(expected)
      }
    }
  })

  it.each([0, 3, 4, 9, 10])('an unknown value in place %i is named', (place) => {
    const data = new Uint8Array(11)
    data[place] = 8
    expect(() => decodeLabels(mask(data), false, coding, new Uint8Array(11), 'mask.png')).toThrow(
      expect.objectContaining({
        code: 'mask-values',
        message: 'The mask holds 8, which is no label of this data set',
      }),
    )
  })
})
