import { type FileHandle, open } from 'node:fs/promises'
import { type ImageSamples, type MedicalImage, SeptumError } from '@septum/core'
import sharp from 'sharp'
import { type ImageHeader, type ReadLimits, readLimits } from '../../format.js'
import { unreadable } from '../../problem.js'
import { broken, checkSize } from '../problem.js'
import { blockSamples } from './block.js'
import { readAt, readDirectories, type TiffFile } from './directory.js'
import { isReduced, JPEG, readPage, samplesFor, type TiffPage } from './page.js'
import { unpackBlock } from './unpack.js'

interface OpenTiff {
  readonly handle: FileHandle
  readonly size: number
  readonly tiff: TiffFile
  /** Pages but thumbnails, with their number in the file. */
  readonly pages: readonly { readonly page: TiffPage; readonly number: number }[]
}

/**
 * Reads a TIFF or BigTIFF file: 1 to 32 bits with and without sign, 32- and 64-bit floats, grey, RGB, palettes and
 * further channels, strips and tiles, uncompressed, LZW, deflate, PackBits or JPEG.
 *
 * Values come out as stored; white-is-zero is turned round, palettes become RGB of 8 bits, alpha is dropped.
 *
 * @param page of a file with several, from 0; without it all pages of one size are a volume.
 * @returns [C, H, W], or [C, D, H, W] for several pages; no geometry: TIFF says nothing of the patient.
 * @throws SeptumError `picture-broken`, `picture-unsupported`, `picture-too-large`, `picture-pages` for pages of
 * different sizes, and as `readPicture` for missing files.
 */
export async function readTiff(
  file: string,
  limits: ReadLimits = readLimits,
  page?: number,
): Promise<MedicalImage> {
  return withTiff(file, page, limits, async (opened) => {
    const { pages } = opened
    const { width, height, channels } = pages[0]!.page
    const plane = width * height
    const data = samplesFor(pages[0]!.page, pages.length * channels * plane)
    for (const [slice, { page: one, number }] of pages.entries()) {
      const place = (channel: number) => (channel * pages.length + slice) * plane
      if (one.compression === JPEG) await readJpegPage(file, number, one, data, place)
      else await readBlocks(opened, one, data, place, file)
    }
    return { data, shape: shapeOf(pages.length, pages[0]!.page), maxValue: maxValueOf(pages[0]!.page) }
  })
}

/** What `readTiff` would give, from its fields alone. @throws SeptumError as `readTiff`. */
export async function readTiffHeader(file: string, limits: ReadLimits = readLimits): Promise<ImageHeader> {
  return withTiff(file, undefined, limits, async ({ pages, tiff }) => {
    const { page } = pages[0]!
    const hidden = tiff.pages.length - pages.length
    return {
      format: 'TIFF',
      shape: shapeOf(pages.length, page),
      maxValue: maxValueOf(page),
      sampleType: `${page.kind}${page.bits}`,
      notes: [
        ...(pages.length > 1 ? [`${pages.length} pages are read as a volume.`] : []),
        ...(hidden > 0 ? [`${hidden} smaller copies were left out.`] : []),
      ],
    }
  })
}

async function withTiff<T>(
  file: string,
  wanted: number | undefined,
  { maxBytes }: ReadLimits,
  work: (opened: OpenTiff) => Promise<T>,
): Promise<T> {
  const handle = await open(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  try {
    const { size } = await handle.stat()
    const tiff = await readDirectories(handle, size, file)
    const all = tiff.pages.flatMap((directory, number) =>
      isReduced(directory) && tiff.pages.length > 1 ? [] : [{ page: readPage(directory, file), number }],
    )
    const pages = wanted === undefined ? all : all.slice(wanted, wanted + 1)
    const first = pages[0]?.page
    if (!first) broken(file, 'it has no such page')
    const alike = (one: TiffPage) =>
      (['width', 'height', 'bits', 'kind', 'channels', 'inverted'] as const).every(
        (key) => one[key] === first[key],
      )
    if (!pages.every(({ page }) => alike(page))) {
      throw new SeptumError(
        'picture-pages',
        `The ${pages.length} pages of the TIFF file differ in size or kind`,
        'Save each page as a file of its own.',
        { file },
      )
    }
    const bytes =
      samplesFor(first, 0).BYTES_PER_ELEMENT * first.channels * first.width * first.height * pages.length
    checkSize(first.width, first.height, bytes, maxBytes, file)
    return await work({ handle, size, tiff, pages })
  } catch (error) {
    throw error instanceof SeptumError ? error : unreadable(file, error)
  } finally {
    await handle.close()
  }
}

function shapeOf(pages: number, { channels, width, height }: TiffPage): number[] {
  return pages === 1 ? [channels, height, width] : [channels, pages, height, width]
}

function maxValueOf({ kind, bits, palette }: TiffPage): number {
  return palette ? 255 : kind === 'uint' ? 2 ** bits - 1 : 1
}

async function readBlocks(
  { handle, size, tiff }: OpenTiff,
  page: TiffPage,
  out: ImageSamples,
  place: (channel: number) => number,
  file: string,
): Promise<void> {
  const { width, height, blockWidth, blockHeight, planar, stored, bits, offsets, byteCounts } = page
  const across = Math.ceil(width / blockWidth)
  const down = Math.ceil(height / blockHeight)
  const samples = planar ? 1 : stored
  const rowBytes = Math.ceil((blockWidth * samples * bits) / 8)
  // A wild tile size would ask for more memory than the whole picture.
  checkSize(blockWidth, blockHeight, rowBytes * blockHeight, 2 ** 30, file)
  for (let block = 0; block < across * down * (planar ? stored : 1); block++) {
    const plane = planar ? Math.floor(block / (across * down)) : 0
    const left = (block % across) * blockWidth
    const top = (Math.floor(block / across) % down) * blockHeight
    // The last strip is as short as the picture; tiles are whole.
    const rows = blockWidth === width ? Math.min(blockHeight, height - top) : blockHeight
    const [offset, count] = [offsets[block]!, byteCounts[block]!]
    if (offset + count > size || count === 0) broken(file, 'a strip or tile lies outside the file')
    const packed = await readAt(handle, offset, count)
    const bytes = unpackBlock(packed, page.compression, rowBytes * rows, file)
    const values = blockSamples(bytes, page, blockWidth, samples, tiff.littleEndian, file)
    copyBlock(values, out, page, { left, top, plane, rows, samples }, place)
  }
}

function copyBlock(
  values: ImageSamples,
  out: ImageSamples,
  page: TiffPage,
  block: { left: number; top: number; plane: number; rows: number; samples: number },
  place: (channel: number) => number,
): void {
  const { width, height, blockWidth, channels, inverted, palette, planar, bits } = page
  const { left, top, plane, rows, samples } = block
  const columns = Math.min(blockWidth, width - left)
  const entries = 2 ** bits
  const used = planar ? (plane < channels ? 1 : 0) : Math.min(samples, channels)
  for (let y = 0; y < Math.min(rows, height - top); y++) {
    for (let x = 0; x < columns; x++) {
      const from = (y * blockWidth + x) * samples
      const to = (top + y) * width + left + x
      if (palette) {
        // Palettes have 16 bits, of which the upper 8 are the colour.
        for (let c = 0; c < 3; c++) out[place(c) + to] = palette[c * entries + values[from]!]! >> 8
        continue
      }
      for (let sample = 0; sample < used; sample++) {
        const value = values[from + sample]!
        out[place(planar ? plane : sample) + to] = inverted ? entries - 1 - value : value
      }
    }
  }
}

/** JPEG inside TIFF, by libvips: 8 bits, grey or RGB. */
async function readJpegPage(
  file: string,
  number: number,
  { width, height, channels }: TiffPage,
  out: ImageSamples,
  place: (channel: number) => number,
): Promise<void> {
  const { data, info } = await sharp(file, {
    page: number,
    failOn: 'error',
    limitInputPixels: false,
    ignoreIcc: true,
  })
    .removeAlpha()
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw unreadable(file, cause)
    })
  if (info.width !== width || info.height !== height || info.channels !== channels) {
    broken(file, 'its pixels do not agree with its header')
  }
  for (let channel = 0; channel < channels; channel++) {
    const start = place(channel)
    for (let i = 0; i < width * height; i++) out[start + i] = data[i * channels + channel]!
  }
}
