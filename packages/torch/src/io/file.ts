import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { type Fail, failIn, HINT_DAMAGED } from './fail.js'

/** One read call takes at most 2^31 - 1 bytes in Node; this also bounds how long it blocks. */
const CHUNK_BYTES = 2 ** 28

/** @returns zeroed bytes in an ArrayBuffer of their own. Throws `tensor-too-large` when memory ends. */
export function allocate(bytes: number, fail: Fail): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(new ArrayBuffer(bytes))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw fail(
      'tensor-too-large',
      `${bytes} bytes do not fit in memory`,
      'Free some memory; one tensor of more than 4 GiB needs Node 22',
    )
  }
}

/** Reads pieces of a regular file at given offsets, so that a large file is never whole in memory. */
export class FileReader {
  private open = true

  private constructor(
    private readonly descriptor: number,
    readonly size: number,
    readonly fail: Fail,
  ) {}

  /** Throws `file-missing`, `file-not-regular` or `file-unreadable`. */
  static open(path: string): FileReader {
    const fail = failIn(path)
    let descriptor: number
    try {
      // Opening a pipe would wait for its writer for ever, hence the look before.
      if (!statSync(path).isFile()) {
        throw fail('file-not-regular', 'this is a folder or a device', 'Give the path of a weight file')
      }
      descriptor = openSync(path, 'r')
    } catch (error) {
      throw asFileError(error, fail)
    }
    try {
      return new FileReader(descriptor, fstatSync(descriptor).size, fail)
    } catch (error) {
      closeSync(descriptor)
      throw asFileError(error, fail)
    }
  }

  /**
   * @param offset, length bytes; the caller has checked them against `size`.
   * @returns the bytes in an ArrayBuffer of their own. Throws `file-truncated`, `file-closed`.
   */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const { fail } = this
    if (!this.open) throw fail('file-closed', 'the file was closed before this read', 'Read before close()')
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw fail('file-truncated', `byte ${offset + length} is past the end of the file`, HINT_DAMAGED)
    }
    const bytes = allocate(length, fail)
    let done = 0
    while (done < length) {
      let got: number
      try {
        got = readSync(this.descriptor, bytes, done, Math.min(length - done, CHUNK_BYTES), offset + done)
      } catch (error) {
        throw asFileError(error, fail)
      }
      if (got === 0) throw fail('file-truncated', 'the file became shorter while it was read', HINT_DAMAGED)
      done += got
    }
    return bytes
  }

  /** Closing twice is harmless. */
  close(): void {
    if (!this.open) return
    this.open = false
    closeSync(this.descriptor)
  }
}

/** Turns an error of the operating system into one for people; passes others through. */
export function asFileError(error: unknown, fail: Fail): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  switch (error.code) {
    case 'ENOENT':
      return fail('file-missing', 'there is no such file or folder', 'Check the path')
    case 'ENOSPC':
    case 'EDQUOT':
      return fail('disk-full', 'the disk is full', 'Free some space and try again; nothing was overwritten')
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return fail(
        'file-permission',
        'access is denied',
        'Check who owns the file and whether it may be written',
      )
    default:
      return fail('file-unreadable', `the system says ${String(error.code)}`, 'Check the path and the disk')
  }
}
