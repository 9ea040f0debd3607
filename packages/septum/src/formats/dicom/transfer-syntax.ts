import type { Encoding } from './parse.js'

/** How the pixel data of a transfer syntax is packed. */
export type PixelCoding =
  | 'native'
  | 'rle'
  | 'jpeg'
  | 'jpeg-extended'
  | 'jpeg-lossless'
  | 'jpeg-ls'
  | 'jpeg-2000'

export interface TransferSyntax {
  readonly name: string
  readonly encoding: Encoding
  readonly coding: PixelCoding
  /** The whole data set is a raw deflate stream (PS3.5 A.5). */
  readonly deflated?: boolean
}

const implicit: Encoding = { explicit: false, littleEndian: true }
const explicit: Encoding = { explicit: true, littleEndian: true }
const bigEndian: Encoding = { explicit: true, littleEndian: false }
const packed = (name: string, coding: PixelCoding): TransferSyntax => ({ name, encoding: explicit, coding })

/** The transfer syntaxes that are read, by UID (DICOM PS3.6, table A-1). */
const syntaxes: Readonly<Record<string, TransferSyntax>> = {
  '1.2.840.10008.1.2': { name: 'Implicit VR Little Endian', encoding: implicit, coding: 'native' },
  '1.2.840.10008.1.2.1': packed('Explicit VR Little Endian', 'native'),
  '1.2.840.10008.1.2.1.99': { ...packed('Deflated Explicit VR Little Endian', 'native'), deflated: true },
  '1.2.840.10008.1.2.2': { name: 'Explicit VR Big Endian', encoding: bigEndian, coding: 'native' },
  '1.2.840.10008.1.2.5': packed('RLE Lossless', 'rle'),
  '1.2.840.10008.1.2.4.50': packed('JPEG Baseline', 'jpeg'),
  '1.2.840.10008.1.2.4.51': packed('JPEG Extended', 'jpeg-extended'),
  '1.2.840.10008.1.2.4.57': packed('JPEG Lossless', 'jpeg-lossless'),
  '1.2.840.10008.1.2.4.70': packed('JPEG Lossless, First-Order Prediction', 'jpeg-lossless'),
  '1.2.840.10008.1.2.4.80': packed('JPEG-LS Lossless', 'jpeg-ls'),
  '1.2.840.10008.1.2.4.81': packed('JPEG-LS Near-Lossless', 'jpeg-ls'),
  '1.2.840.10008.1.2.4.90': packed('JPEG 2000 Lossless', 'jpeg-2000'),
  '1.2.840.10008.1.2.4.91': packed('JPEG 2000', 'jpeg-2000'),
}

/** @returns undefined for a transfer syntax that is not read (video, HTJ2K, JPEG XL, private ones). */
export function transferSyntax(uid: string): TransferSyntax | undefined {
  return Object.hasOwn(syntaxes, uid) ? syntaxes[uid] : undefined
}

/** What a file without meta information is written in: the bytes after its first tag tell. */
export function guessSyntax(head: Uint8Array, start: number): TransferSyntax {
  const vr = String.fromCharCode(head[start + 4] ?? 0, head[start + 5] ?? 0)
  return syntaxes[/^[A-Z]{2}$/.test(vr) ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2']!
}
