import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { SeptumError } from '@septum/core'

const FLUSH_BYTES = 1 << 16
const FLUSH_MS = 1000

/**
 * A file that only grows, written in blocks: what was appended reaches the operating system when 64 KiB
 * have gathered, within a second at the latest, and on `close`. Memory stays bounded by one block and one
 * record, because a write that fails throws instead of queueing on.
 */
export class BufferedFile {
  private readonly descriptor: number
  private pending: Uint8Array[] = []
  private pendingBytes = 0
  private timer: NodeJS.Timeout | undefined
  private failure: SeptumError | undefined
  private closed = false

  /**
   * @param flags of `open`: `a` appends, `wx` demands that the file is new.
   * @throws SeptumError `log-open`; the system's `EEXIST` error as it is.
   */
  constructor(
    readonly path: string,
    flags: 'a' | 'wx',
  ) {
    try {
      this.descriptor = openSync(path, flags)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
      throw new SeptumError(
        'log-open',
        `The log cannot be opened for writing (${(error as NodeJS.ErrnoException).code})`,
        'Check that the folder exists and may be written to.',
        { file: path },
        { cause: error },
      )
    }
  }

  /** @throws SeptumError `log-write` when this or an earlier block could not be written, `log-closed`. */
  append(bytes: Uint8Array): void {
    if (this.closed) {
      throw new SeptumError('log-closed', 'The log is closed', 'Open it again to add to it.', {
        file: this.path,
      })
    }
    this.rethrow()
    this.pending.push(bytes)
    this.pendingBytes += bytes.length
    if (this.pendingBytes >= FLUSH_BYTES) this.flush()
    else this.timer ??= setTimeout(() => this.flushLate(), FLUSH_MS).unref()
  }

  /** Hands everything to the operating system. @throws SeptumError `log-write`, e.g. on a full disk. */
  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.rethrow()
    if (!this.pendingBytes) return
    const block = Buffer.concat(this.pending)
    this.pending = []
    this.pendingBytes = 0
    let written = 0
    try {
      while (written < block.length) written += writeSync(this.descriptor, block, written)
    } catch (error) {
      // The rest is kept: after space was made, the file goes on exactly where it was cut.
      this.pending = [block.subarray(written)]
      this.pendingBytes = block.length - written
      throw new SeptumError(
        'log-write',
        `The log cannot be written (${(error as NodeJS.ErrnoException).code})`,
        'Make room on the disk, then go on with --resume.',
        { file: this.path },
        { cause: error },
      )
    }
  }

  /** Flushes, syncs to the disk and closes; a second call does nothing. @throws SeptumError `log-write`. */
  close(): void {
    if (this.closed) return
    this.closed = true
    try {
      this.failure = undefined
      this.flush()
      fsyncSync(this.descriptor)
    } finally {
      closeSync(this.descriptor)
    }
  }

  /** A timer has no caller to throw to: the failure waits for the next call. */
  private flushLate(): void {
    try {
      this.flush()
    } catch (error) {
      this.failure = error as SeptumError
    }
  }

  private rethrow(): void {
    const { failure } = this
    this.failure = undefined
    if (failure) throw failure
  }
}
