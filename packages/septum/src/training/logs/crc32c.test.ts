import { describe, expect, it } from 'vitest'
import { crc32c, maskedCrc32c } from './crc32c.js'

const counting = Uint8Array.from({ length: 32 }, (_, i) => i)
// The 48 bytes of RFC 3720's "iSCSI - SCSI Read (10) Command PDU".
const readCommand = Buffer.from(
  '01c000000000000000000000000000001400000000000400' + '000000140000001828000000000000000200000000000000',
  'hex',
)

describe('crc32c', () => {
  // RFC 3720, appendix B.4; the values are printed there least significant byte first.
  it.each([
    ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 bytes, increasing', counting, 0x46dd794e],
    ['32 bytes, decreasing', counting.toReversed(), 0x113fdb5c],
    ['an iSCSI read command', readCommand, 0xd9963a56],
    ['the check value of the CRC catalogue', Buffer.from('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('%s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected)
  })

  it('masks as TFRecord does: rotation by 15, plus 0xa282ead8', () => {
    // crc 0xe3069283: >>> 15 = 0x1c60d, << 17 = 0x25060000, or = 0x2507c60d, + 0xa282ead8 = 0xc78ab0e5.
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe(0xc78ab0e5)
  })
})
