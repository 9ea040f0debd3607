import { open, stat } from 'node:fs/promises'
import { createInflateRaw } from 'node:zlib'
import { unreadable } from '../problem.js'
import { broken } from './problem.js'
import type { ByteSource } from './source.js'

/** A regular file. @throws SeptumError `picture-missing`, `picture-forbidden` or `picture-broken`. */
export function fileSource(file: string): ByteSource {
  return {
    file,
    async head(count) {
      try {
        const status = await stat(file)
        if (!status.isFile()) throw new Error('it is no regular file')
        const bytes = new Uint8Array(Math.min(count, status.size))
        await using handle = await open(file)
        let filled = 0
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return bytes.subarray(0, filled)
      } catch (cause) {
        throw unreadable(file, cause)
      }
    },
    inflated,
  }
}

/** For sources in Node: the rest of a file in the deflated transfer syntax. */
export async function inflated(this: ByteSource, start: number): Promise<ByteSource> {
  return inflatedSource((await this.head(Number.MAX_SAFE_INTEGER)).subarray(start), this.file)
}

/** The data set of a file in the deflated transfer syntax, inflated no further than asked. */
function inflatedSource(deflated: Uint8Array, file: string): ByteSource {
  return {
    file,
    head: (count) =>
      takeFrom(createInflateRaw(), (stream) => stream.end(deflated), count).catch((cause: unknown) =>
        broken(file, 'its deflated data set cannot be unpacked', cause),
      ),
  }
}

/** Collects the first `count` bytes that a stream gives and then stops it. */
export async function takeFrom<S extends NodeJS.ReadableStream & { destroy(): unknown }>(
  stream: S,
  start: (stream: S) => void,
  count: number,
): Promise<Uint8Array> {
  start(stream)
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
      if (length >= count) break
    }
  } finally {
    stream.destroy()
  }
  const all = Buffer.concat(chunks)
  // Not a Buffer: its `slice` would share memory where that of a Uint8Array copies.
  return new Uint8Array(all.buffer, all.byteOffset, Math.min(all.length, count))
}
