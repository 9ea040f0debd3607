import { broken, tagName } from './problem.js'
import { type Keyword, tags } from './tags.js'

/** One element: where its value lies in the bytes of the file. */
export interface Element {
  readonly tag: number
  readonly vr: string
  /** First byte of the value. */
  readonly offset: number
  /** Bytes of the value; undefined when the file leaves it open (encapsulated pixel data). */
  readonly length: number | undefined
  /** The items of a sequence. */
  readonly items?: readonly Dataset[]
}

/** Elements of a file, an item or a functional group, with typed access. Values are decoded when asked for. */
export class Dataset {
  readonly #elements = new Map<number, Element>()

  constructor(
    readonly bytes: Uint8Array,
    readonly littleEndian: boolean,
    /** Named in errors. */
    readonly file: string,
  ) {}

  /** The first of two elements of one tag counts, as in DCMTK. */
  add(element: Element): void {
    if (!this.#elements.has(element.tag)) this.#elements.set(element.tag, element)
  }

  get size(): number {
    return this.#elements.size
  }

  element(keyword: Keyword): Element | undefined {
    return this.#elements.get(tags[keyword][0])
  }

  has(keyword: Keyword): boolean {
    return (this.element(keyword)?.length ?? 0) > 0 || this.element(keyword)?.items !== undefined
  }

  /** The value's bytes, or undefined when absent, empty or open. */
  raw(keyword: Keyword): Uint8Array | undefined {
    const { offset, length } = this.element(keyword) ?? {}
    return offset === undefined || !length ? undefined : this.bytes.subarray(offset, offset + length)
  }

  /** A text value without padding, its parts joined by backslash as stored; ISO 8859-1. */
  text(keyword: Keyword): string | undefined {
    const raw = this.raw(keyword)
    if (!raw) return undefined
    return latin1(raw)
      .replace(/[\0 ]+$/, '')
      .replace(/^ +/, '')
  }

  /** The items of a sequence; none when it is absent. */
  items(keyword: Keyword): readonly Dataset[] {
    return this.element(keyword)?.items ?? []
  }

  item(keyword: Keyword): Dataset | undefined {
    return this.items(keyword)[0]
  }

  /**
   * All numbers of an element; undefined when it is absent or empty.
   * @throws SeptumError `dicom-broken` for what is no finite number, naming the tag only.
   */
  numbers(keyword: Keyword): readonly number[] | undefined {
    const element = this.element(keyword)
    const raw = this.raw(keyword)
    if (!element || !raw) return undefined
    const vr = element.vr in binarySizes ? element.vr : tags[keyword][1]
    const values = vr in binarySizes ? this.#binary(raw, vr) : this.#decimal(keyword)
    if (!values.every(Number.isFinite)) {
      broken(this.file, `the element ${tagName(element.tag)} is no number`)
    }
    return values.length > 0 ? values : undefined
  }

  number(keyword: Keyword): number | undefined {
    return this.numbers(keyword)?.[0]
  }

  #decimal(keyword: Keyword): number[] {
    const parts = this.text(keyword)!.split('\\')
    // An empty part would read as 0.
    return parts.every((part) => part.trim() === '')
      ? []
      : parts.map((part) => (part.trim() ? Number(part) : NaN))
  }

  #binary(raw: Uint8Array, vr: string): number[] {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
    const size = binarySizes[vr as keyof typeof binarySizes]
    return Array.from({ length: Math.floor(raw.length / size) }, (_, index) =>
      binaryValue(view, index * size, vr, this.littleEndian),
    )
  }
}

/** ISO 8859-1: every byte is the character of its number. Piece by piece, since arguments are limited. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096))
  }
  return text
}

const binarySizes = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8 }

function binaryValue(view: DataView, at: number, vr: string, littleEndian: boolean): number {
  switch (vr) {
    case 'US':
      return view.getUint16(at, littleEndian)
    case 'SS':
      return view.getInt16(at, littleEndian)
    case 'UL':
      return view.getUint32(at, littleEndian)
    case 'SL':
      return view.getInt32(at, littleEndian)
    case 'FL':
      return view.getFloat32(at, littleEndian)
    default:
      return view.getFloat64(at, littleEndian)
  }
}
