/** The little of the protocol buffer wire format (protobuf.dev, "Encoding") that event files need. */
export const protobuf = {
  /** A message is its fields, one after the other. */
  message: (...fields: Uint8Array[]): Uint8Array => Buffer.concat(fields),
  /** Wire type 1, IEEE 754 binary64, little-endian. */
  double(field: number, value: number): Uint8Array {
    const bytes = Buffer.alloc(9)
    bytes[0] = (field << 3) | 1
    bytes.writeDoubleLE(value, 1)
    return bytes
  },
  /** Wire type 5, IEEE 754 binary32, little-endian. */
  float(field: number, value: number): Uint8Array {
    const bytes = Buffer.alloc(5)
    bytes[0] = (field << 3) | 5
    bytes.writeFloatLE(value, 1)
    return bytes
  },
  /** Wire type 0. @param value a whole number from 0 to 2^53 - 1. */
  integer: (field: number, value: number): Uint8Array => Buffer.from([field << 3, ...varint(value)]),
  /** Wire type 2: an embedded message, a string or bytes. */
  bytes(field: number, value: Uint8Array | string): Uint8Array {
    const content = typeof value === 'string' ? Buffer.from(value) : value
    return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(content.length)]), content])
  },
}

/** Base 128, least significant group first; arithmetic instead of shifts, which end at 32 bits. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  return [...bytes, rest]
}
