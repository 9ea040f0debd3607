import { type DicomFile, growing } from '../file.js'
import { type PixelLayout, pixelKeyword } from '../pixel-layout.js'
import { broken, fail } from '../problem.js'

/** Bytes of one native frame; a fraction where single bits run on across frames. */
export function nativeFrameBytes({
  rows,
  columns,
  samples,
  bitsAllocated,
  photometric,
}: PixelLayout): number {
  // Two pixels share their colour differences: four bytes for two pixels (PS3.3 C.7.6.3.1.2).
  const perPixel = photometric === 'YBR_FULL_422' ? 2 : samples
  return (rows * columns * perPixel * bitsAllocated) / 8
}

/**
 * Finds the packed bytes of every frame.
 * @returns bytes of frame `index`. For single-bit samples all bytes are given for every frame.
 * @throws SeptumError `dicom-pixels-short` when there are fewer bytes than rows, columns and frames need;
 * `dicom-broken` for fragments that cannot be told apart.
 */
export async function packedFrames(
  dicom: DicomFile,
  layout: PixelLayout,
): Promise<(index: number) => Uint8Array> {
  return dicom.syntax.coding === 'native' ? nativeFrames(dicom, layout) : fragmentedFrames(dicom, layout)
}

async function nativeFrames(dicom: DicomFile, layout: PixelLayout) {
  const { source } = dicom
  const { offset, length } = dicom.dataset.element(pixelKeyword(dicom)!)!
  const frameBytes = nativeFrameBytes(layout)
  const needed = Math.ceil(frameBytes * layout.frames)
  if (length === undefined) broken(source.file, 'its uncompressed pixel data has no length')
  if (length < needed) short(source.file, length, needed)
  const head = await source.head(offset + needed)
  const bytes = head.subarray(offset)
  if (bytes.length < needed) short(source.file, bytes.length, needed)
  if (layout.bitsAllocated === 1) return () => bytes
  return (index: number) => bytes.subarray(index * frameBytes, (index + 1) * frameBytes)
}

function short(file: string, found: number, needed: number): never {
  return fail(
    'dicom-pixels-short',
    `The pixel data has ${found} bytes where rows, columns and frames need ${needed}`,
    'Export it again from its source.',
    file,
  )
}

async function fragmentedFrames({ dataset, source }: DicomFile, layout: PixelLayout) {
  const { frames } = layout
  const { offset, length } = dataset.element('PixelData') ?? {}
  if (offset === undefined || length !== undefined) {
    broken(source.file, 'its compressed pixel data is not in fragments')
  }
  const { bytes, table, fragments } = await growing(
    source,
    (parser, head) => {
      const [basic, ...rest] = parser.fragments(offset)
      if (!basic) broken(source.file, 'its pixel data has no offset table')
      return { bytes: head, table: basic, fragments: rest }
    },
    { first: offset + 2 ** 20, most: offset + 2 ** 21 + 2 * Math.ceil(nativeFrameBytes(layout) * frames) },
  )
  if (fragments.length === 0) short(source.file, 0, 1)
  const part = (of: typeof fragments) => {
    const parts = of.map(({ offset, length }) => bytes.subarray(offset, offset + length))
    return parts.length === 1 ? parts[0]! : joined(parts)
  }
  if (frames === 1) return () => part(fragments)
  if (fragments.length === frames) return (index: number) => part(fragments.slice(index, index + 1))
  if (fragments.length < frames) short(source.file, fragments.length, frames)
  const starts = frameStarts()
  return (index: number) => part(fragments.slice(starts[index]!, starts[index + 1] ?? fragments.length))

  /** Number of the first fragment of each frame, from the offset table or from the pictures' first marker. */
  function frameStarts(): number[] {
    const first = fragments[0]!.offset - 8
    const view = new DataView(bytes.buffer, bytes.byteOffset + table.offset, table.length)
    const listed = Array.from({ length: Math.floor(table.length / 4) }, (_, i) => view.getUint32(4 * i, true))
    const byTable = listed.map((start) => fragments.findIndex((one) => one.offset - 8 - first === start))
    if (byTable.length === frames && byTable.every((start, i) => start > (byTable[i - 1] ?? -1)))
      return byTable
    const byMarker = fragments.flatMap((one, number) => {
      const [a, b] = bytes.subarray(one.offset, one.offset + 2)
      return a === 0xff && (b === 0xd8 || b === 0x4f) ? [number] : []
    })
    if (byMarker.length === frames && byMarker[0] === 0) return byMarker
    return broken(source.file, 'the fragments of its frames cannot be told apart')
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
