import { describe, expect, it } from 'vitest'
import { crc32 } from './crc32.js'

describe('crc32', () => {
  // Check values of the CRC catalogue (CRC-32/ISO-HDLC) and of Python's zlib.crc32.
  it.each([
    ['', 0x00000000],
    ['a', 0xe8b7be43],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
  ])('of %j', (text, expected) => {
    expect(crc32(Buffer.from(text))).toBe(expected)
  })

  it('goes on from where it stopped', () => {
    const bytes = Buffer.from('The quick brown fox jumps over the lazy dog')
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(0x414fa339)
    }
  })
})
