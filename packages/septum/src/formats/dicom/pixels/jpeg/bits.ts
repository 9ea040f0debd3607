import { broken } from '../../problem.js'
import type { HuffmanSpec } from './segments.js'

/** Longest Huffman code of JPEG. */
const LONGEST = 16

/** A Huffman table as a look-up from the next 16 bits (ITU-T T.81, C.2): length in the upper byte, value below. */
export class HuffmanTable {
  readonly #lookup = new Uint16Array(2 ** LONGEST)

  constructor({ counts, values }: HuffmanSpec, file: string) {
    let code = 0
    let value = 0
    for (let length = 1; length <= LONGEST; length++) {
      for (let i = 0; i < counts[length - 1]!; i++) {
        const first = code << (LONGEST - length)
        const last = first + (1 << (LONGEST - length))
        if (last > this.#lookup.length) broken(file, 'a Huffman table has too many codes')
        this.#lookup.fill((length << 8) | values[value++]!, first, last)
        code++
      }
      code <<= 1
    }
  }

  /** @returns length of the code in the upper byte, 0 for no code; its value in the lower. */
  entry(next16: number): number {
    return this.#lookup[next16]!
  }
}

/** Reads the entropy-coded bits of one scan; restart markers end an interval. */
export class BitReader {
  #at = 0
  #bits = 0
  #count = 0
  /** Zero bits that were made up behind the end of an interval. */
  #missing = 0

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {}

  /** Decodes one Huffman symbol. */
  symbol(table: HuffmanTable): number {
    this.#fill(LONGEST)
    const entry = table.entry((this.#bits >>> (this.#count - LONGEST)) & 0xffff)
    if (entry === 0) broken(this.file, 'its JPEG data holds no known code')
    this.#drop(entry >> 8)
    return entry & 0xff
  }

  /** A difference of `size` bits (T.81, F.2.2.1): the highest bit tells the sign. @param size 0 to 15. */
  difference(size: number): number {
    if (size === 0) return 0
    this.#fill(size)
    const value = (this.#bits >>> (this.#count - size)) & ((1 << size) - 1)
    this.#drop(size)
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value
  }

  /** Steps behind the restart marker that ends an interval. */
  restart(): void {
    this.#bits = this.#count = this.#missing = 0
    for (; this.#at + 1 < this.bytes.length; this.#at++) {
      const next = this.bytes[this.#at + 1]!
      if (this.bytes[this.#at] === 0xff && next >= 0xd0 && next <= 0xd7) {
        this.#at += 2
        return
      }
    }
    broken(this.file, 'a JPEG restart marker is missing')
  }

  /** Keeps at most 24 bits: 32-bit integers hold them, and a byte more. */
  #fill(wanted: number): void {
    while (this.#count < wanted) {
      let byte = this.bytes[this.#at]
      if (byte === 0xff) {
        if (this.bytes[this.#at + 1] === 0) this.#at += 2
        else byte = undefined
      } else if (byte !== undefined) this.#at++
      if (byte === undefined) this.#missing += 8
      this.#bits = ((this.#bits << 8) | (byte ?? 0)) & 0xffff_ffff
      this.#count += 8
    }
  }

  #drop(count: number): void {
    this.#count -= count
    if (this.#missing > this.#count) broken(this.file, 'its JPEG data is cut off')
  }
}
