/** Reflected polynomial of CRC-32 (ISO 3309, used by ZIP). */
const POLYNOMIAL = 0xedb88320
const SLICES = 8

/** Table k advances the register over one byte followed by k zero bytes ("slicing by 8"). */
const TABLES = makeTables()

function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: SLICES }, () => new Uint32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let register = byte
    for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >>> 1) ^ POLYNOMIAL : register >>> 1
    tables[0]![byte] = register
  }
  for (let k = 1; k < SLICES; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[k - 1]![byte]!
      tables[k]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!
    }
  }
  return tables
}

/**
 * CRC-32 as in ZIP (APPNOTE 4.4.7). Node has its own only since 20.15.
 * @param before checksum of the bytes before these, to go on from it.
 * @returns an unsigned 32-bit number.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  const end = bytes.length
  let crc = ~before
  let i = 0
  for (; i + 8 <= end; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 0xff]!
  return ~crc >>> 0
}
