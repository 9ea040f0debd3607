import { open } from 'node:fs/promises'
import { SeptumError } from '@septum/core'
import sharp from 'sharp'
import { unreadable } from './problem.js'

/** What a picture file says about itself before a single pixel is decoded. */
export interface PictureHeader {
  readonly format: 'png' | 'jpeg'
  readonly width: number
  readonly height: number
  /** Channels after a palette is expanded and alpha is dropped: 1 grey, 3 RGB. */
  readonly channels: 1 | 3
  /** Bits of a stored grey value (1, 2, 4, 8, 16); 8 for palettes and JPEG. */
  readonly bitDepth: number
  /** EXIF orientation, 1 when the file names none. Read, never applied: see `readPicture`. */
  readonly orientation: number
}

/** The largest picture that is decoded. */
export interface PictureLimits {
  /** Pixels along the longer side. */
  readonly side: number
  /** Width times height. */
  readonly pixels: number
}

/** 16,384 pixels a side and 134 million in all: 400 MB decoded as 8-bit RGB. */
export const pictureLimits: PictureLimits = { side: 16_384, pixels: 2 ** 27 }

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
/** Signature, chunk length and name, and the 13 bytes of IHDR (PNG, clause 11.2.2). */
const PNG_HEADER_BYTES = 29

/**
 * Reads the header of a PNG or JPEG file; the content decides, not the name.
 * @throws SeptumError `picture-missing`, `picture-empty`, `picture-format`, `picture-broken` or
 * `picture-too-large`, each with the file.
 */
export async function readPictureHeader(file: string, limits = pictureLimits): Promise<PictureHeader> {
  const start = await readStart(file)
  if (start.length === 0) {
    throw new SeptumError('picture-empty', 'The file is empty', 'Copy it again from its source.', { file })
  }
  const header = start.subarray(0, 8).equals(PNG_SIGNATURE)
    ? parsePng(start, file)
    : start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff
      ? await parseJpeg(file)
      : undefined
  if (!header) {
    throw new SeptumError(
      'picture-format',
      `The file holds neither a PNG nor a JPEG picture${looksLikeText(start) ? ' but text' : ''}`,
      'Save it as PNG, or remove it from the folder.',
      { file },
    )
  }
  const { width, height } = header
  if (Math.max(width, height) > limits.side || width * height > limits.pixels) {
    throw new SeptumError(
      'picture-too-large',
      `The picture has ${width} x ${height} pixels, more than the limit of ${limits.side} a side and ` +
        `${Math.floor(limits.pixels / 1e6)} million in all`,
      'Cut it into tiles or scale it down first.',
      { file },
    )
  }
  return header
}

async function readStart(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PNG_HEADER_BYTES), 0, PNG_HEADER_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function parsePng(start: Buffer, file: string): PictureHeader {
  const colourType = start[25]
  const depth = start[24]
  const complete = start.length === PNG_HEADER_BYTES && start.toString('latin1', 12, 16) === 'IHDR'
  const width = complete ? start.readUInt32BE(16) : 0
  const height = complete ? start.readUInt32BE(20) : 0
  if (width === 0 || height === 0 || depth === undefined || colourType === undefined) {
    throw unreadable(file, new Error('the PNG header is incomplete'))
  }
  const grey = colourType === 0 || colourType === 4
  const palette = colourType === 3
  return {
    format: 'png',
    width,
    height,
    channels: grey ? 1 : 3,
    bitDepth: palette ? 8 : depth,
    orientation: 1,
  }
}

async function parseJpeg(file: string): Promise<PictureHeader> {
  const metadata = await sharp(file, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(file, cause)
    })
  const { width, height, channels, orientation = 1 } = metadata
  if (channels !== 1 && channels !== 3) {
    throw new SeptumError(
      'picture-colour',
      `The JPEG has ${channels} colour channels`,
      'Save it as grey or RGB.',
      { file },
    )
  }
  return { format: 'jpeg', width, height, channels, bitDepth: 8, orientation }
}

function looksLikeText(start: Buffer): boolean {
  return start.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32)
}
