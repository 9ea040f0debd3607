import type { ImageSamples } from '@septum/core'
import { broken, unsupported } from '../problem.js'
import { type Directory, fields } from './directory.js'

/** A page whose fields agree with each other. */
export interface TiffPage {
  readonly width: number
  readonly height: number
  readonly bits: number
  readonly kind: 'uint' | 'int' | 'float'
  readonly compression: number
  /** 1 none, 2 differences of neighbours, 3 differences of the bytes of floats. */
  readonly predictor: number
  /** Samples of a pixel in the file. */
  readonly stored: number
  /** Channels of the result: without alpha, with a palette's colours. */
  readonly channels: number
  /** White is 0. */
  readonly inverted: boolean
  readonly palette?: readonly number[]
  /** Each sample has planes of its own. */
  readonly planar: boolean
  readonly blockWidth: number
  readonly blockHeight: number
  readonly offsets: readonly number[]
  readonly byteCounts: readonly number[]
}

const [UNASSOCIATED, ASSOCIATED] = [2, 1]
const PALETTE = 3
const compressions = new Set([1, 5, 7, 8, 32773, 32946])
/** JPEG inside TIFF: decoded by libvips. */
export const JPEG = 7

/** Whether a page is a smaller copy of another one (a thumbnail). */
export function isReduced(directory: Directory): boolean {
  return ((directory.get(fields.newSubfileType)?.[0] ?? 0) & 1) === 1
}

/** @throws SeptumError `picture-broken` for fields that contradict each other, `picture-unsupported`. */
export function readPage(directory: Directory, file: string): TiffPage {
  const one = (field: keyof typeof fields, usual: number) => directory.get(fields[field])?.[0] ?? usual
  const width = one('width', 0)
  const height = one('height', 0)
  const stored = one('samplesPerPixel', 1)
  const depths = directory.get(fields.bitsPerSample) ?? [1]
  const formats = directory.get(fields.sampleFormat) ?? [1]
  const bits = depths[0]!
  if (width < 1 || height < 1 || stored < 1 || stored > 1024) broken(file, 'a TIFF page has no size')
  if (depths.some((depth) => depth !== bits)) unsupported(file, 'samples of different depths')
  if (formats.some((format) => format !== formats[0])) unsupported(file, 'samples of different kinds')
  const kind = ({ 1: 'uint', 2: 'int', 3: 'float', 4: 'uint' } as const)[formats[0]!]
  const depthsOf = { uint: [1, 2, 4, 8, 16, 32], int: [8, 16, 32], float: [32, 64] }
  if (!kind || !depthsOf[kind].includes(bits)) unsupported(file, `TIFF samples of ${bits} bits`)
  const compression = one('compression', 1)
  if (!compressions.has(compression)) unsupported(file, `TIFF compression ${compression}`)
  const photometric = one('photometric', 1)
  if (photometric > PALETTE && compression !== JPEG)
    unsupported(file, 'colours other than grey, RGB or a palette')
  const palette = photometric === PALETTE ? directory.get(fields.colourMap) : undefined
  if (photometric === PALETTE && (kind !== 'uint' || bits > 16 || palette?.length !== 3 * 2 ** bits)) {
    broken(file, 'its palette does not fit')
  }
  const extra = directory.get(fields.extraSamples) ?? []
  const alphas = extra.filter((meaning) => meaning === UNASSOCIATED || meaning === ASSOCIATED).length
  const planar = one('planarConfiguration', 1) === 2 && stored > 1
  const tiled = directory.has(fields.tileWidth)
  const blockWidth = tiled ? one('tileWidth', 0) : width
  const blockHeight = tiled ? one('tileHeight', 0) : Math.min(one('rowsPerStrip', height), height)
  const offsets = directory.get(tiled ? fields.tileOffsets : fields.stripOffsets) ?? []
  const byteCounts = directory.get(tiled ? fields.tileByteCounts : fields.stripByteCounts) ?? []
  if (blockWidth < 1 || blockHeight < 1) broken(file, 'its strips or tiles have no size')
  const blocks = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (planar ? stored : 1)
  if (offsets.length < blocks || byteCounts.length < blocks) broken(file, 'strips or tiles are missing')
  return {
    width,
    height,
    bits,
    kind,
    compression,
    predictor: one('predictor', 1),
    stored,
    channels: palette ? 3 : Math.max(stored - alphas, 1),
    inverted: photometric === 0 && kind === 'uint',
    ...(palette && { palette }),
    planar,
    blockWidth,
    blockHeight,
    offsets,
    byteCounts,
  }
}

/** The array type that holds the result's samples; palettes give 8 bits. */
export function samplesFor({ bits, kind, palette }: TiffPage, length: number): ImageSamples {
  if (palette || bits <= 8) return kind === 'int' ? new Int8Array(length) : new Uint8Array(length)
  if (kind === 'float') return bits === 64 ? new Float64Array(length) : new Float32Array(length)
  if (bits === 16) return kind === 'int' ? new Int16Array(length) : new Uint16Array(length)
  return kind === 'int' ? new Int32Array(length) : new Uint32Array(length)
}
