import { Dataset } from './dataset.js'
import { broken, fail, tagName } from './problem.js'
import { representationOf, tags } from './tags.js'

/** How a data set is written down (DICOM PS3.5, section 7 and annex A). */
export interface Encoding {
  readonly explicit: boolean
  readonly littleEndian: boolean
}

/** Thrown when a value lies beyond the bytes that were read so far but inside the file. */
export class MoreBytes extends Error {}

/** Real files nest about ten deep (structured reports). */
const DEEPEST = 64
/** An enhanced CT of 5,000 frames has about 300,000 elements. */
const MOST_ELEMENTS = 500_000
const UNDEFINED = 0xffff_ffff
const ITEM = 0xfffe_e000
const ITEM_END = 0xfffe_e00d
const SEQUENCE_END = 0xfffe_e0dd
const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'])
const PIXELS = new Set<number>([tags.PixelData[0], tags.FloatPixelData[0], tags.DoubleFloatPixelData[0]])
const IMPLICIT: Encoding = { explicit: false, littleEndian: true }

/**
 * Reads the elements of a DICOM data set up to and including the head of its pixel data.
 *
 * Lengths are held against what contains them before anything is made of them, nesting and the number of elements
 * are bounded, and nothing is copied: time and memory stay in proportion to the bytes read.
 */
export class Parser {
  #elements = 0
  readonly #view: DataView

  /**
   * @param bytes the first bytes of the file, or all of it.
   * @param total size of the whole file; Infinity when it is not known.
   */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly total: number,
    private readonly file: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /**
   * @param start first byte of the data set.
   * @param onlyGroup stops before the first element of another group (the file meta information).
   * @returns the data set and the offset behind it.
   * @throws SeptumError `dicom-broken` or `dicom-nesting`. @throws MoreBytes
   */
  parse(start: number, encoding: Encoding, onlyGroup?: number): { dataset: Dataset; next: number } {
    const dataset = new Dataset(this.bytes, encoding.littleEndian, this.file)
    const next = this.#elementsUntil(dataset, start, this.total, encoding, 0, onlyGroup)
    return { dataset, next }
  }

  /**
   * Where the fragments of encapsulated pixel data lie (PS3.5 A.4), the basic offset table first.
   * @param start the value of the pixel data element.
   */
  fragments(start: number): { offset: number; length: number }[] {
    const found: { offset: number; length: number }[] = []
    let at = start
    for (;;) {
      const { tag, length } = this.#itemHead(at, this.total, true)
      at += 8
      if (tag === SEQUENCE_END) return found
      if (tag !== ITEM || length === UNDEFINED) broken(this.file, 'a fragment of the pixel data is missing')
      this.#count()
      if (at + length > this.total) broken(this.file, 'a fragment of the pixel data is cut off')
      this.#need(at, length)
      found.push({ offset: at, length })
      at += length
    }
  }

  /** @returns the offset behind the last element: behind the item delimiter when `delimited`. */
  #elementsUntil(
    dataset: Dataset,
    start: number,
    end: number,
    encoding: Encoding,
    depth: number,
    onlyGroup?: number,
    delimited = false,
  ): number {
    let at = start
    while (at < end) {
      const tag = this.#tag(at, end, encoding.littleEndian)
      if (tag === ITEM_END && delimited) return at + 8
      if (onlyGroup !== undefined && tag >>> 16 !== onlyGroup) return at
      // Group 0 belongs to network messages; runs of zeros would be read as empty elements for ever.
      if (tag >>> 16 === 0 || tag >>> 16 === 0xfffe) {
        broken(this.file, `the element ${tagName(tag)} stands where none may`)
      }
      this.#count()
      const { vr, length, value } = this.#head(at, end, tag, encoding)
      if (depth === 0 && PIXELS.has(tag)) {
        dataset.add({ tag, vr, offset: value, length: length === UNDEFINED ? undefined : length })
        return value
      }
      at = this.#value(dataset, tag, vr, value, length, end, encoding, depth)
    }
    if (delimited) broken(this.file, 'an item is never closed')
    return at
  }

  #value(
    dataset: Dataset,
    tag: number,
    vr: string,
    offset: number,
    length: number,
    end: number,
    encoding: Encoding,
    depth: number,
  ): number {
    const open = length === UNDEFINED
    if (!open && offset + length > end) {
      broken(this.file, `the element ${tagName(tag)} is longer than what contains it`)
    }
    const sequence = vr === 'SQ' || (vr === 'UN' && (open || representationOf(tag) === 'SQ'))
    if (sequence) {
      // A sequence of unknown representation is in implicit VR, whatever surrounds it (PS3.5, 6.2.2 note 2).
      const inside = vr === 'UN' && encoding.explicit ? IMPLICIT : encoding
      const items: Dataset[] = []
      const next = this.#items(items, offset, open ? end : offset + length, open, inside, depth + 1)
      dataset.add({ tag, vr: 'SQ', offset, length: next - offset, items })
      return next
    }
    if (open) {
      // Only pixel data may be open without being a sequence: that of an icon, inside an item.
      const fragments = this.fragments(offset)
      const last = fragments.at(-1)
      return (last ? last.offset + last.length : offset) + 8
    }
    this.#need(offset, length)
    dataset.add({ tag, vr, offset, length })
    return offset + length
  }

  #items(
    items: Dataset[],
    start: number,
    end: number,
    delimited: boolean,
    encoding: Encoding,
    depth: number,
  ): number {
    if (depth > DEEPEST) {
      fail(
        'dicom-nesting',
        `The DICOM file nests its sequences more than ${DEEPEST} deep`,
        'Do not trust the file.',
        this.file,
      )
    }
    let at = start
    while (at < end) {
      const { tag, length } = this.#itemHead(at, end, encoding.littleEndian)
      at += 8
      if (tag === SEQUENCE_END && delimited) return at
      if (tag !== ITEM) broken(this.file, `the element ${tagName(tag)} stands where an item belongs`)
      this.#count()
      const open = length === UNDEFINED
      if (!open && at + length > end) broken(this.file, 'an item is longer than its sequence')
      const item = new Dataset(this.bytes, encoding.littleEndian, this.file)
      at = this.#elementsUntil(item, at, open ? end : at + length, encoding, depth, undefined, open)
      items.push(item)
    }
    if (delimited) broken(this.file, 'a sequence is never closed')
    return at
  }

  #head(at: number, end: number, tag: number, { explicit, littleEndian }: Encoding) {
    if (!explicit) {
      this.#inside(at, 8, end)
      return {
        vr: representationOf(tag),
        length: this.#view.getUint32(at + 4, littleEndian),
        value: at + 8,
      }
    }
    this.#inside(at, 8, end)
    const vr = String.fromCharCode(this.bytes[at + 4]!, this.bytes[at + 5]!)
    if (!/^[A-Z]{2}$/.test(vr)) broken(this.file, `the element ${tagName(tag)} has no value representation`)
    if (!LONG.has(vr)) return { vr, length: this.#view.getUint16(at + 6, littleEndian), value: at + 8 }
    this.#inside(at, 12, end)
    return { vr, length: this.#view.getUint32(at + 8, littleEndian), value: at + 12 }
  }

  #itemHead(at: number, end: number, littleEndian: boolean): { tag: number; length: number } {
    this.#inside(at, 8, end)
    return {
      tag: this.#tag(at, end, littleEndian),
      length: this.#view.getUint32(at + 4, littleEndian),
    }
  }

  #tag(at: number, end: number, littleEndian: boolean): number {
    this.#inside(at, 8, end)
    const group = this.#view.getUint16(at, littleEndian)
    return ((group << 16) | this.#view.getUint16(at + 2, littleEndian)) >>> 0
  }

  #inside(at: number, length: number, end: number): void {
    if (at + length > end) broken(this.file, 'it ends inside an element')
    this.#need(at, length)
  }

  #need(at: number, length: number): void {
    if (at + length > this.bytes.length) throw new MoreBytes()
  }

  #count(): void {
    if (++this.#elements > MOST_ELEMENTS) {
      fail(
        'dicom-too-large',
        `The DICOM file has more than ${MOST_ELEMENTS} elements`,
        'Do not trust the file.',
        this.file,
      )
    }
  }
}
