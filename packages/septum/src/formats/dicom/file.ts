import type { Dataset } from './dataset.js'
import { MoreBytes, Parser } from './parse.js'
import { broken, fail, unsupported } from './problem.js'
import type { ByteSource } from './source.js'
import { guessSyntax, type TransferSyntax, transferSyntax } from './transfer-syntax.js'

/** A DICOM file whose elements are known and whose pixel data is still packed. */
export interface DicomFile {
  readonly syntax: TransferSyntax
  readonly dataset: Dataset
  /** The bytes that the data set's offsets count from; the pixel data may lie beyond them. */
  readonly source: ByteSource
}

const FIRST_READ = 2 ** 16
const GROWTH = 8
/** Bytes that all elements before the pixel data may take; 5,000 frames of an enhanced CT take 20 MB. */
const LARGEST_HEAD = 2 ** 26
/** Preamble of 128 bytes and `DICM` (PS3.10, 7.1). */
const META = 132

/**
 * Whether bytes begin a DICOM file: `DICM` behind a preamble, or, as old exports do, a data set of group 2 or 8
 * at once.
 */
export function looksLikeDicom(head: Uint8Array): boolean {
  if (startOf(head) === META) return true
  const [group, zero, element, high] = head
  if ((group !== 2 && group !== 8) || zero !== 0 || high !== 0) return false
  const vr = String.fromCharCode(head[4] ?? 0, head[5] ?? 0)
  if (/^(UL|UI|CS|SH|LO|DA|TM|OB)$/.test(vr)) return true
  const length = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return group === 8 && element! <= 0x18 && head.length > 8 && length.getUint32(4, true) <= 64
}

/**
 * Reads the elements of a DICOM file, without its pixel data.
 * @throws SeptumError `dicom-format`, `dicom-broken`, `dicom-nesting`, `dicom-too-large` or `dicom-unsupported`.
 */
export async function openDicom(source: ByteSource): Promise<DicomFile> {
  const meta = await growing(source, (parser, head) => {
    if (!looksLikeDicom(head)) {
      fail('dicom-format', 'The file holds no DICOM data', 'Give a DICOM file.', source.file)
    }
    const start = startOf(head)
    if (start === 0 && head[0] !== 2) return { start, syntax: guessSyntax(head, 0) }
    const { dataset, next } = parser.parse(start, { explicit: true, littleEndian: true }, 2)
    const uid = dataset.text('TransferSyntaxUID')
    const syntax = uid === undefined ? guessSyntax(head, next) : transferSyntax(uid)
    if (!syntax) {
      unsupported(
        source.file,
        // A UID of the standard is no secret; a private one might hold anything.
        uid?.startsWith('1.2.840.10008.')
          ? `the transfer syntax ${uid.slice(0, 40)}`
          : 'a private transfer syntax',
        'Convert it to Explicit VR Little Endian, for example with dcmconv or gdcmconv.',
      )
    }
    return { start: next, syntax }
  })
  const { syntax, start } = meta
  if (!syntax.deflated) {
    return {
      syntax,
      source,
      dataset: await growing(source, (parser) => parser.parse(start, syntax.encoding).dataset),
    }
  }
  if (!source.inflated) {
    unsupported(source.file, 'a deflated data set', 'Convert it to Explicit VR Little Endian with dcmconv.')
  }
  const inflated = await source.inflated(start)
  return {
    syntax,
    source: inflated,
    dataset: await growing(inflated, (parser) => parser.parse(0, syntax.encoding).dataset),
  }
}

/**
 * Parses a longer and longer beginning of the source until it suffices.
 * @param range bytes that are read at first and at most.
 */
export async function growing<T>(
  source: ByteSource,
  parse: (parser: Parser, head: Uint8Array) => T,
  { first, most }: { first: number; most: number } = { first: FIRST_READ, most: LARGEST_HEAD },
): Promise<T> {
  for (let count = first; ; count = Math.min(count * GROWTH, most)) {
    const head = await source.head(count)
    const whole = head.length < count
    try {
      return parse(new Parser(head, whole ? head.length : Infinity, source.file), head)
    } catch (error) {
      if (!(error instanceof MoreBytes)) throw error
      if (whole) broken(source.file, 'it ends inside an element', error)
      if (count >= most) {
        fail(
          'dicom-too-large',
          'The DICOM file has more data than its picture needs',
          'Do not trust the file.',
          source.file,
        )
      }
    }
  }
}

function startOf(head: Uint8Array): number {
  return head.length >= META && String.fromCharCode(...head.subarray(128, META)) === 'DICM' ? META : 0
}
