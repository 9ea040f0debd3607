import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'
import { broken } from './problem.js'

/** A stretch of a file, and how long the file is. */
export interface FileBytes {
  /** In a buffer of its own: typed arrays may view it, and it may be changed. */
  readonly bytes: Buffer
  readonly fileSize: number
}

/** An open file. */
export interface SourceFile {
  readonly size: number
  /** Up to `length` bytes from `start`; fewer where the file ends. Memory is taken only for bytes that the file has. */
  read(start: number, length: number): Promise<Buffer>
}

/**
 * Opens a file for as long as `work` takes.
 * @throws SeptumError `volume-broken` for a device; what the file system says for others.
 */
export async function withFile<T>(file: string, work: (source: SourceFile) => Promise<T>): Promise<T> {
  if (!isMainThread || isSmall(file)) return withFileHere(file, work)
  await using handle = await open(file)
  const size = sizeOf(await handle.stat(), file)
  return await work({
    size,
    read: (start, length) => readBytes(handle, start, Math.min(length, size - start)),
  })
}

/** Files that are read in less time than it takes to go to another thread and back. */
const SMALL_BYTES = 2 ** 19
const isSmall = (file: string): boolean =>
  (statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= SMALL_BYTES

/** In this thread: for small files, and in a thread of ours, which has nothing else to do. */
async function withFileHere<T>(file: string, work: (source: SourceFile) => Promise<T>): Promise<T> {
  const handle = openSync(file, 'r')
  try {
    const size = sizeOf(fstatSync(handle), file)
    return await work({
      size,
      read: async (start, length) => readBytesHere(handle, start, Math.min(length, size - start)),
    })
  } finally {
    closeSync(handle)
  }
}

function sizeOf(status: Stats, file: string): number {
  if (!status.isFile()) throw broken(file, 'it is no regular file')
  return status.size
}

/** As `SourceFile.read`, once. */
export function readRange(file: string, start: number, length: number): Promise<FileBytes> {
  return withFile(file, async (source) => ({
    bytes: await source.read(start, length),
    fileSize: source.size,
  }))
}

async function readBytes(handle: FileHandle, start: number, wanted: number): Promise<Buffer> {
  const count = Math.max(0, wanted)
  const bytes = Buffer.allocUnsafeSlow(count)
  let have = 0
  while (have < count) {
    const { bytesRead } = await handle.read(bytes, have, count - have, start + have)
    if (bytesRead === 0) break
    have += bytesRead
  }
  return bytes.subarray(0, have)
}

function readBytesHere(handle: number, start: number, wanted: number): Buffer {
  const count = Math.max(0, wanted)
  const bytes = Buffer.allocUnsafeSlow(count)
  let have = 0
  while (have < count) {
    const bytesRead = readSync(handle, bytes, have, count - have, start + have)
    if (bytesRead === 0) break
    have += bytesRead
  }
  return bytes.subarray(0, have)
}
