import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { type MedicalImage, SeptumError } from '@septum/core'
import type { ImageHeader } from '../../formats/index.js'

/** Decoded bytes of a picture; STARE's have 700 x 605 of three. */
const MOST_BYTES = 2 ** 26

/** As `readPnm`, without the samples. */
export async function readPnmHeader(file: string): Promise<ImageHeader> {
  const { shape, maxValue } = await readPnm(file)
  return { format: 'PNM', shape, maxValue, sampleType: 'uint8', notes: [] }
}

/**
 * Reads a binary PGM or PPM picture of 8 bits, also packed with gzip.
 * @throws SeptumError `picture-broken`, `picture-format`, `picture-too-large`.
 */
export async function readPnm(file: string): Promise<MedicalImage> {
  const bytes = await unpacked(file)
  const head = bytes.toString('latin1', 0, 4096)
  // Magic, width, height and largest value, with comments anywhere between them; one white space ends the header.
  const match = /^P([56])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s/.exec(head)
  if (!match) {
    throw new SeptumError(
      'picture-format',
      'The file holds no binary PGM or PPM picture',
      'Save it as PNG.',
      { file },
    )
  }
  const [header, kind, width, height, most] = [
    match[0],
    match[1],
    Number(match[2]),
    Number(match[3]),
    Number(match[4]),
  ]
  const channels = kind === '6' ? 3 : 1
  const pixels = width * height
  if (most < 1 || most > 255) {
    throw new SeptumError(
      'picture-format',
      `The picture has values up to ${most}, not 255`,
      'Save it as PNG.',
      { file },
    )
  }
  if (!(pixels > 0) || pixels * channels > bytes.length - header.length) {
    throw new SeptumError('picture-broken', 'The picture is cut off', 'Copy it again from its source.', {
      file,
    })
  }
  const samples = bytes.subarray(header.length)
  const data = new Uint8Array(pixels * channels)
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < pixels; i++) data[channel * pixels + i] = samples[i * channels + channel]!
  }
  return { data, shape: [channels, height, width], maxValue: most }
}

async function unpacked(file: string): Promise<Buffer> {
  const bytes = await readFile(file)
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_BYTES })
  } catch (cause) {
    const large = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new SeptumError(
      large ? 'picture-too-large' : 'picture-broken',
      large
        ? `The picture unpacks to more than ${MOST_BYTES / 2 ** 20} MB`
        : 'The gzip file is damaged or cut off',
      large ? 'Scale it down first.' : 'Copy it again from its source.',
      { file },
      { cause },
    )
  }
}
