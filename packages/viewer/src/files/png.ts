import type { MedicalImage } from '@septum/core'
import { broken, checkPixels } from './limits.js'

interface Header {
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly colour: number
  readonly interlaced: boolean
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
/** Samples of a pixel by colour type (PNG, section 11.2.1): grey, RGB, palette, grey + alpha, RGB + alpha. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}
/** Adam7: first column, first row, steps of each pass (PNG, section 8.2). */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

export const isPng = (bytes: Uint8Array): boolean => signature.every((value, i) => bytes[i] === value)

/**
 * Reads a PNG to its exact stored values, which a browser's canvas does not promise: 16 bits stay 16 bits, no
 * gamma, no colour profile. Palettes become RGB, alpha is dropped.
 * @returns [1 or 3, H, W], `maxValue` 2^depth - 1.
 * @throws SeptumError `viewer-broken`, `viewer-too-large`.
 */
export async function readPng(bytes: Uint8Array, file: string): Promise<MedicalImage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let header: Header | undefined
  let palette = new Uint8Array(0)
  const parts: Uint8Array[] = []
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (at + 12 + length > bytes.length) throw broken(file)
    const body = bytes.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') header = headerOf(view, at + 8, file)
    else if (type === 'PLTE') palette = body.slice()
    else if (type === 'IDAT') parts.push(body)
    else if (type === 'IEND') break
    at += 12 + length
  }
  if (!header || parts.length === 0) throw broken(file)
  const raw = await inflate(parts, inflatedLength(header), file)
  const samples = unpack(header, raw, file)
  return imageOf(header, samples, palette, file)
}

function headerOf(view: DataView, at: number, file: string): Header {
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)]
  const [depth, colour, interlace] = [view.getUint8(at + 8), view.getUint8(at + 9), view.getUint8(at + 12)]
  if (!depthsOf[colour]?.includes(depth) || interlace > 1) throw broken(file)
  checkPixels(width, height, file)
  return { width, height, depth, colour, interlaced: interlace === 1 }
}

const rowBytes = ({ depth, colour }: Header, width: number) =>
  Math.ceil((width * samplesOf[colour]! * depth) / 8)

/** Columns, rows and place of each pass; an image that is not interlaced has one. */
function passesOf(header: Header) {
  const { width, height } = header
  const all = header.interlaced ? passes : ([[0, 0, 1, 1]] as const)
  return all
    .map(([x, y, dx, dy]) => ({
      ...{ x, y, dx, dy },
      columns: Math.ceil((width - x) / dx),
      rows: Math.ceil((height - y) / dy),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
}

const inflatedLength = (header: Header) =>
  passesOf(header).reduce((sum, { columns, rows }) => sum + rows * (1 + rowBytes(header, columns)), 0)

async function inflate(parts: readonly Uint8Array[], length: number, file: string): Promise<Uint8Array> {
  const stream = new Blob([...parts] as BlobPart[]).stream().pipeThrough(new DecompressionStream('deflate'))
  const reader = stream.getReader()
  const out = new Uint8Array(length)
  let filled = 0
  try {
    while (filled < length) {
      const { done, value } = await reader.read()
      if (done) break
      // A longer stream than the header promises is cut, never allocated.
      const part = value.subarray(0, length - filled)
      out.set(part, filled)
      filled += part.length
    }
  } catch {
    throw broken(file)
  }
  if (filled < length) throw broken(file)
  await reader.cancel().catch(() => {})
  return out
}

/** Undoes the filters (section 9.2) and spreads samples to one a place: [H, W, samples]. */
function unpack(header: Header, raw: Uint8Array, file: string): Uint16Array {
  const { width, height, depth, colour } = header
  const each = samplesOf[colour]!
  const out = new Uint16Array(width * height * each)
  const step = Math.max(1, (each * depth) >> 3)
  let at = 0
  for (const { x, y, dx, dy, columns, rows } of passesOf(header)) {
    const bytes = rowBytes(header, columns)
    let above: Uint8Array = new Uint8Array(bytes)
    for (let row = 0; row < rows; row++, at += bytes + 1) {
      const line = raw.subarray(at + 1, at + 1 + bytes)
      unfilter(raw[at]!, line, above, step, file)
      for (let i = 0; i < columns * each; i++) {
        const column = x + Math.floor(i / each) * dx
        out[((y + row * dy) * width + column) * each + (i % each)] = sampleAt(line, i, depth)
      }
      above = line
    }
  }
  return out
}

function sampleAt(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index]!
  if (depth === 16) return (line[2 * index]! << 8) | line[2 * index + 1]!
  const bit = index * depth
  return (line[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
}

function unfilter(type: number, line: Uint8Array, above: Uint8Array, step: number, file: string): void {
  if (type > 4) throw broken(file)
  for (let i = 0; i < line.length; i++) {
    const left = i >= step ? line[i - step]! : 0
    const up = above[i]!
    const corner = i >= step ? above[i - step]! : 0
    if (type === 1) line[i]! += left
    else if (type === 2) line[i]! += up
    else if (type === 3) line[i]! += (left + up) >> 1
    else if (type === 4) line[i]! += paeth(left, up, corner)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

function imageOf(header: Header, samples: Uint16Array, palette: Uint8Array, file: string): MedicalImage {
  const { width, height, depth, colour } = header
  const each = samplesOf[colour]!
  const pixels = width * height
  const channels = colour === 0 || colour === 4 ? 1 : 3
  const data = new (depth === 16 ? Uint16Array : Uint8Array)(channels * pixels)
  for (let i = 0; i < pixels; i++) {
    if (colour === 3 && 3 * samples[i]! + 3 > palette.length) throw broken(file)
    for (let c = 0; c < channels; c++) {
      data[c * pixels + i] = colour === 3 ? palette[3 * samples[i]! + c]! : samples[i * each + c]!
    }
  }
  return { data, shape: [channels, height, width], maxValue: colour === 3 ? 255 : 2 ** depth - 1 }
}
