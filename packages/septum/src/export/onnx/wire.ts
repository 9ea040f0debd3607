/** The part of the protocol buffer wire format (protobuf.dev, "Encoding") that ONNX files need. */

const VARINT = 0
const BYTES = 2
const FIXED32 = 5

/** Base 128, least significant group first; negative numbers as 64-bit two's complement. */
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

const key = (field: number, type: number): Uint8Array => varint((field << 3) | type)

/** A message in the making: its fields in the order in which they are added. */
export class Message {
  readonly #parts: Uint8Array[] = []
  length = 0

  #put(part: Uint8Array): void {
    this.#parts.push(part)
    this.length += part.length
  }

  integer(field: number, value: number | bigint): this {
    this.#put(key(field, VARINT))
    this.#put(varint(value))
    return this
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    this.#put(key(field, FIXED32))
    this.#put(bytes)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#put(key(field, BYTES))
    this.#put(varint(value.length))
    this.#put(value)
    return this
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value))
  }

  /** The parts of `message` are taken, not copied: weights pass through several levels. */
  message(field: number, message: Message): this {
    this.#put(key(field, BYTES))
    this.#put(varint(message.length))
    for (const part of message.#parts) this.#put(part)
    return this
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.length)
    let at = 0
    for (const part of this.#parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }
}
