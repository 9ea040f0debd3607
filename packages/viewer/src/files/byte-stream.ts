import { broken } from './limits.js'

/** Bytes of a stream in portions of chosen length; no more is held than a portion and one piece of the stream. */
export class ByteStream {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>
  private left: Uint8Array = new Uint8Array(0)

  constructor(
    stream: ReadableStream<Uint8Array>,
    private readonly file: string,
  ) {
    this.reader = stream.getReader()
  }

  /** Exactly `count` bytes. @throws SeptumError `viewer-broken` where the stream ends or cannot be unpacked. */
  async take(count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      if (this.left.length === 0) this.left = await this.next()
      const part = this.left.subarray(0, count - filled)
      out.set(part, filled)
      filled += part.length
      this.left = this.left.subarray(part.length)
    }
    return out
  }

  /** Passes over bytes without keeping them. @throws SeptumError as `take`. */
  async skip(count: number): Promise<void> {
    for (let rest = count; rest > 0; ) {
      if (this.left.length === 0) this.left = await this.next()
      const passed = Math.min(rest, this.left.length)
      this.left = this.left.subarray(passed)
      rest -= passed
    }
  }

  close(): Promise<void> {
    return this.reader.cancel().catch(() => {})
  }

  private async next(): Promise<Uint8Array> {
    const { done, value } = await this.reader.read().catch(() => {
      throw broken(this.file)
    })
    if (done) throw broken(this.file)
    return value
  }
}
