import { access } from 'node:fs/promises'
import type { MedicalImage } from '@septum/core'
import type { ImageFormat, ReadLimits } from '../format.js'
import { readRange, type SourceFile, withFile } from '../volume/file-bytes.js'
import { inflate, inflateStart, isGzip } from '../volume/inflate.js'
import { broken, inFile } from '../volume/problem.js'
import { largestValue } from '../volume/samples.js'
import { type NiftiHeader, parseNiftiHeader, recogniseNifti } from './header.js'
import { describeNifti, niftiSamples, storedBytes } from './image.js'

/** Bytes of a file that hold its header: 540, or their compressed form after a long gzip file name. */
const START_BYTES = 2048
/** Read at first: all of a small volume. */
const FIRST_BYTES = 2 ** 17

/**
 * NIfTI-1 and NIfTI-2: .nii, .nii.gz, and pairs of .hdr and .img (.img.gz), either of which may be named.
 * Values are scaled by scl_slope and scl_inter; time points and vector parts become channels; RGB becomes three
 * channels, alpha is dropped.
 */
export const niftiFormat: ImageFormat = {
  name: 'NIfTI',
  extensions: ['.nii', '.nii.gz', '.hdr', '.hdr.gz', '.img', '.img.gz'],
  recognises: (head) =>
    recogniseNifti(isGzip(head) ? inflateStart(head.subarray(0, START_BYTES)) : head) !== undefined,
  readHeader: (file, limits) =>
    inFile(file, async () => {
      const opened = await open(file)
      return describeNifti(opened.header, opened.file, limits)
    }),
  read: (file, limits) => inFile(file, () => read(file, limits)),
}

interface Opened {
  readonly file: string
  readonly header: NiftiHeader
}

async function open(file: string): Promise<Opened> {
  const headerFile = await inPair(file, '.hdr')
  const { bytes } = await readRange(headerFile, 0, START_BYTES)
  return { file: headerFile, header: parseStart(bytes, headerFile) }
}

function parseStart(start: Buffer, file: string): NiftiHeader {
  return parseNiftiHeader(isGzip(start) ? inflateStart(start.subarray(0, START_BYTES)) : start, file)
}

/** The other file of a pair, compressed or not: .img for .hdr and the reverse; the file itself if it is no pair. */
async function inPair(file: string, wanted: '.hdr' | '.img'): Promise<string> {
  const match = /^(.*)(\.hdr|\.img)(\.gz)?$/i.exec(file)
  if (!match || match[2]!.toLowerCase() === wanted) return file
  const upper = match[2] === match[2]!.toUpperCase()
  const plain = match[1] + (upper ? wanted.toUpperCase() : wanted)
  for (const name of [plain + (match[3] ?? ''), plain, `${plain}.gz`]) {
    if (
      await access(name).then(
        () => true,
        () => false,
      )
    )
      return name
  }
  return plain
}

async function read(file: string, limits: ReadLimits): Promise<MedicalImage> {
  const headerFile = await inPair(file, '.hdr')
  // One trip through an open file: small files are many, and each operation on them waits for a thread.
  const content = await withFile(headerFile, async (source) => {
    const start = await source.read(0, FIRST_BYTES)
    const header = parseStart(start, headerFile)
    const described = describeNifti(header, headerFile, limits)
    const bytes = header.single ? await readSamples(headerFile, source, start, header) : undefined
    return { header, described, bytes }
  })
  const { header, described } = content
  const dataFile = header.single ? headerFile : await inPair(file, '.img')
  const bytes = content.bytes ?? (await inFile(dataFile, () => readPaired(dataFile, header)))
  const data = niftiSamples(header, bytes, dataFile)
  return { data, shape: described.shape, geometry: described.geometry!, maxValue: largestValue(data) }
}

function readPaired(file: string, header: NiftiHeader): Promise<Uint8Array> {
  return withFile(file, async (source) =>
    readSamples(file, source, await source.read(0, FIRST_BYTES), header),
  )
}

/** @param start the first bytes of the file, already read. */
async function readSamples(
  file: string,
  source: SourceFile,
  start: Buffer,
  header: NiftiHeader,
): Promise<Uint8Array> {
  const { voxOffset } = header
  const wanted = storedBytes(header)
  if (isGzip(start)) {
    const all = start.length === source.size ? start : await source.read(0, source.size)
    return (await inflate(all, voxOffset + wanted, file)).subarray(voxOffset)
  }
  if (voxOffset + wanted > source.size) {
    throw broken(file, `it holds ${source.size} bytes of ${voxOffset + wanted}`)
  }
  return source.read(voxOffset, wanted)
}
