import {
  channelsFirst,
  decodeSamples,
  describeMeta,
  describeNrrd,
  inVolumeFile,
  isAttachedMeta,
  isGzip,
  META_HEADER_BYTES,
  NRRD_HEADER_BYTES,
  parseMetaHeader,
  parseNrrdHeader,
  recogniseMeta,
  recogniseNrrd,
  type SampleType,
  sampleBytes,
  unsupportedVolume,
} from 'septum/browser'
import { ByteStream } from './byte-stream.js'
import { broken, checkVolumeBytes, mostVolumeBytes } from './limits.js'
import { imageOf, type ReadImage } from './read-image.js'

/** Where a header says that its samples are. */
interface Stored {
  /** Name of the file of samples; undefined: they follow the header. */
  readonly dataFile: string | undefined
  /** Byte of the file at which they begin; -1: they are its end. */
  readonly start: number
  /** Bytes of unpacked data to pass over. */
  readonly skip: number
  readonly lines: number
  readonly encoding: 'raw' | 'compressed' | 'text' | 'hex'
  readonly sampleType: SampleType
  readonly littleEndian: boolean
  readonly count: number
}

/** Whether a file begins like NRRD or MetaImage: text that describes the samples, which follow or lie beside it. */
export const looksLikeHeader = (head: Uint8Array): boolean => recogniseNrrd(head) || recogniseMeta(head)

/**
 * Reads NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd), raw or packed, to exact values with their place in the patient.
 * The header decides before anything of the samples' size is allocated.
 * @param beside files that were opened with it: the samples may lie in one of them.
 * @returns [C, D, H, W], or [C, H, W] for a single plane.
 * @throws SeptumError with a `volume-` code, `viewer-broken`, `viewer-too-large`.
 */
export function readHeaderVolume(file: File, beside: readonly File[] = []): Promise<ReadImage> {
  return inVolumeFile(file.name, async () => {
    const head = await bytesOf(file, 0, 4096)
    const { header, roles, stored } = recogniseNrrd(head) ? await nrrd(file) : await meta(file)
    const samples = channelsFirst(await samplesOf(stored, file, beside), roles.channels, roles.inner)
    return { image: imageOf(samples, header.shape, header.geometry), notes: header.notes }
  })
}

async function nrrd(file: File) {
  const nrrd = parseNrrdHeader(await bytesOf(file, 0, NRRD_HEADER_BYTES), file.name)
  const { dataFile, encoding, skip, sizes } = nrrd
  const start = dataFile === undefined ? nrrd.end : 0
  const packed = encoding === 'compressed'
  const stored: Stored = {
    ...nrrd,
    dataFile,
    start: packed ? start : skip === -1 ? -1 : start + skip,
    skip: packed ? Math.max(0, skip) : 0,
    count: sizes.reduce((product, size) => product * size, 1),
  }
  return { ...describeNrrd(file.name, nrrd, { maxBytes: mostVolumeBytes }), stored }
}

async function meta(file: File) {
  const meta = parseMetaHeader(await bytesOf(file, 0, META_HEADER_BYTES), file.name)
  const attached = isAttachedMeta(meta)
  const stored: Stored = {
    ...meta,
    dataFile: attached ? undefined : meta.dataFile,
    start: attached ? meta.end : meta.headerSize,
    ...{ skip: 0, lines: 0 },
    count: meta.sizes.reduce((product, size) => product * size, meta.channels),
  }
  return { ...describeMeta(file.name, meta, { maxBytes: mostVolumeBytes }), stored }
}

async function samplesOf(stored: Stored, header: File, beside: readonly File[]) {
  const { encoding, sampleType, littleEndian, count, lines } = stored
  if (encoding === 'text' || encoding === 'hex' || lines > 0) {
    const hint = 'Save it with raw or gzip encoding.'
    throw unsupportedVolume(header.name, 'The samples are stored as text, or after lines of text', hint)
  }
  const file = fileOfSamples(stored, header, beside)
  if (file !== header) checkVolumeBytes(file.size, file.name)
  const wanted = count * sampleBytes[sampleType]
  const start = stored.start === -1 ? file.size - wanted : stored.start
  if (start < 0) throw broken(file.name)
  const packing = encoding === 'compressed' ? await packingOf(file, start) : undefined
  const rest = file.slice(start).stream()
  const stream: ReadableStream<Uint8Array> = packing
    ? rest.pipeThrough(new DecompressionStream(packing))
    : rest
  const bytes = new ByteStream(stream, file.name)
  try {
    await bytes.skip(stored.skip)
    return decodeSamples(await bytes.take(wanted), sampleType, littleEndian, file.name)
  } finally {
    await bytes.close()
  }
}

/** MetaImage packs with zlib, NRRD with gzip; some programs do it the other way. */
const packingOf = async (file: File, start: number): Promise<CompressionFormat> =>
  isGzip(await bytesOf(file, start, 2)) ? 'gzip' : 'deflate'

function fileOfSamples({ dataFile }: Stored, header: File, beside: readonly File[]): File {
  if (dataFile === undefined) return header
  const name = dataFile.split(/[/\\]/).at(-1)
  const found = beside.find((file) => file !== header && file.name === name)
  if (found) return found
  throw unsupportedVolume(
    header.name,
    'The header lies apart from its samples',
    'Open the header together with its one file of samples, or save the volume as one file (.nrrd, .mha).',
  )
}

const bytesOf = async (file: File, start: number, most: number): Promise<Uint8Array> =>
  new Uint8Array(await file.slice(start, start + most).arrayBuffer())
