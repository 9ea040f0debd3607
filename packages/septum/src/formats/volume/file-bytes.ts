import { type FileHandle, open } from 'node:fs/promises'
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
  await using handle = await open(file)
  const status = await handle.stat()
  if (!status.isFile()) throw broken(file, 'it is no regular file')
  const { size } = status
  return await work({
    size,
    read: (start, length) => readBytes(handle, start, Math.min(length, size - start)),
  })
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
