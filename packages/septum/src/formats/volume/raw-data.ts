import type { ImageSamples } from '@septum/core'
import { readRange } from './file-bytes.js'
import { inflate, isGzip } from './inflate.js'
import { broken, inFile } from './problem.js'
import { decodeSamples, type SampleType, sampleBytes } from './samples.js'
import { decodeHex, decodeText } from './text.js'

/** Where and how a header says that its samples are stored. */
export interface RawData {
  /** One file, or several whose samples follow one another. */
  readonly files: readonly string[]
  /** Byte at which the samples of each file begin; -1: they are the end of the file. */
  readonly start: number
  /** Lines to pass over after `start`. */
  readonly lines?: number
  /** Bytes to pass over after that (of inflated data where compressed); -1: samples are the end of the file. */
  readonly skip?: number
  readonly encoding: 'raw' | 'compressed' | 'text' | 'hex'
  readonly sampleType: SampleType
  readonly littleEndian: boolean
  /** Samples of all files. */
  readonly count: number
}

/** Text may spend this on one number before it is taken for another kind of file. */
const TEXT_BYTES = 64

/**
 * Reads the samples of NRRD and MetaImage headers.
 * @throws SeptumError `volume-broken`, or of the file system, with the file of samples.
 */
export async function readRawData(data: RawData): Promise<ImageSamples> {
  const { files, count, sampleType, littleEndian, encoding } = data
  const each = count / files.length
  if (!Number.isInteger(each)) throw broken(files[0]!, `${count} samples cannot lie in ${files.length} files`)
  if (encoding === 'text') {
    if (files.length > 1) throw broken(files[0]!, 'text in several files')
    return inFile(files[0]!, async () => {
      const text = await readPart(files[0]!, data, count * TEXT_BYTES)
      return decodeText(text, sampleType, count, files[0]!)
    })
  }
  const wanted = each * sampleBytes[sampleType]
  const parts: Uint8Array[] = []
  for (const file of files) parts.push(await inFile(file, () => readBytes(file, data, wanted)))
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  return decodeSamples(bytes, sampleType, littleEndian, files[0]!)
}

async function readBytes(file: string, data: RawData, wanted: number): Promise<Uint8Array> {
  if (data.encoding === 'hex')
    return decodeHex(await readPart(file, data, wanted * 2 + wanted + 4096), wanted, file)
  if (data.encoding === 'compressed') {
    const skip = Math.max(0, data.skip ?? 0)
    const compressed = await readPart(file, { ...data, skip: 0 }, Infinity)
    const zlib = (compressed[0]! & 15) === 8 && (compressed[0]! * 256 + (compressed[1] ?? 0)) % 31 === 0
    if (!isGzip(compressed) && !zlib) throw broken(file, 'its samples are not compressed as its header says')
    return (await inflate(compressed, skip + wanted, file)).subarray(skip)
  }
  const bytes = await readPart(file, data, wanted)
  if (bytes.length < wanted) throw broken(file, `it holds ${bytes.length} bytes of samples of ${wanted}`)
  return bytes
}

/** Up to `most` bytes after the start, the lines and the bytes that the header passes over. */
async function readPart(
  file: string,
  { start, lines = 0, skip = 0 }: RawData,
  most: number,
): Promise<Buffer> {
  if (start === -1 || skip === -1) {
    const { fileSize } = await readRange(file, 0, 0)
    if (fileSize < most) throw broken(file, `it holds ${fileSize} bytes of ${most}`)
    return (await readRange(file, fileSize - most, most)).bytes
  }
  if (lines === 0) return (await readRange(file, start + skip, most)).bytes
  const { bytes } = await readRange(file, start, Infinity)
  let at = 0
  for (let line = 0; line < lines; line++) {
    const end = bytes.indexOf(10, at)
    if (end < 0) throw broken(file, `it has fewer than ${lines} lines to pass over`)
    at = end + 1
  }
  return bytes.subarray(at + skip, Math.min(bytes.length, at + skip + most))
}
