import { isMainThread } from 'node:worker_threads'
import { constants, createUnzip, unzipSync } from 'node:zlib'
import { SeptumError } from '@septum/core'
import { broken } from './problem.js'

export { isGzip } from './gzip.js'

/** Output beyond the wanted bytes that is passed over for the sake of the checksum at the stream's end. */
const SLACK_BYTES = 2 ** 20
/** Up to this size one buffer takes all output at once; larger ones are filled piece by piece. */
const WHOLE_BYTES = 2 ** 30
/** Going to another thread and back costs more than to inflate so little. */
const SMALL_BYTES = 2 ** 19
/** Deflate cannot shrink by more than this (RFC 1951: 258 bytes from two bits, and the end-of-block code). */
const MOST_RATIO = 1032

/**
 * Inflates gzip or zlib data, all but little of it off the main thread, and stops at what the header promised, so that a bomb costs no
 * more than a valid file; the checksum is verified.
 * @param wanted bytes to give. @returns exactly that many, in a buffer of their own.
 * @throws SeptumError `volume-broken` when there are fewer, far more, or the data are damaged.
 */
export function inflate(input: Uint8Array, wanted: number, file: string): Promise<Uint8Array> {
  if (wanted > input.length * MOST_RATIO) {
    return Promise.reject(broken(file, `${wanted} bytes cannot come from ${input.length} compressed ones`))
  }
  const whole = wanted <= WHOLE_BYTES
  if (whole && (!isMainThread || wanted <= SMALL_BYTES)) return inflateHere(input, wanted, file)
  // One byte more than wanted: a full buffer would make zlib ask for a second one of the same size.
  const stream = createUnzip({ chunkSize: whole ? Math.max(wanted + 1, 4096) : 2 ** 24 })
  return new Promise((resolve, reject) => {
    const filled = whole ? undefined : new Uint8Array(wanted)
    let first: Uint8Array | undefined
    let have = 0
    const fail = (what: string, cause?: unknown) => {
      stream.destroy()
      reject(broken(file, what, cause))
    }
    stream.on('data', (chunk: Uint8Array) => {
      if (filled && have < wanted) filled.set(chunk.subarray(0, wanted - have), have)
      else first ??= chunk
      have += chunk.length
      if (have > wanted + SLACK_BYTES) fail('it holds far more data than its header says')
    })
    stream.on('error', (cause) => fail(`its compressed data cannot be read (${cause.message})`, cause))
    stream.on('end', () => {
      if (have < wanted) fail(`it holds ${have} bytes of ${wanted}`)
      else resolve(filled ?? first!.subarray(0, wanted))
    })
    stream.end(input)
  })
}

/** As `inflate`, in this thread. */
async function inflateHere(input: Uint8Array, wanted: number, file: string): Promise<Uint8Array> {
  try {
    const chunkSize = Math.max(wanted + 1, 4096)
    const out = unzipSync(input, { chunkSize, maxOutputLength: wanted + SLACK_BYTES })
    if (out.length >= wanted) return out.subarray(0, wanted)
    throw broken(file, `it holds ${out.length} bytes of ${wanted}`)
  } catch (cause) {
    if (cause instanceof SeptumError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw broken(file, 'it holds far more data than its header says', cause)
    throw broken(file, `its compressed data cannot be read (${message})`, cause)
  }
}

/**
 * The beginning of compressed data.
 * @param head the beginning of the file: 2 KiB give more than 1 KiB of any header.
 * @returns what could be inflated of it, possibly nothing.
 */
export function inflateStart(head: Uint8Array): Uint8Array {
  try {
    return unzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH })
  } catch {
    return new Uint8Array()
  }
}
