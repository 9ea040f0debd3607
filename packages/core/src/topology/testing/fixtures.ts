import { inflateSync } from 'node:zlib'

/** Numbers of 16 bits after zlib, from base64. */
export function unpackUint16(text: string): Uint16Array {
  const bytes = Uint8Array.from(inflateSync(Buffer.from(text, 'base64')))
  return new Uint16Array(bytes.buffer)
}
