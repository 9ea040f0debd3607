import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

/** A whole line of a log, and the place behind it. */
export interface LogLine {
  readonly text: string
  readonly end: number
}

/** A place in a log: how far it was read, and what stood before it, by which a log that was begun anew is told. */
export interface LogPlace {
  readonly offset: number
  /** Digest of the last bytes before `offset`. */
  readonly mark: string
}

export const logStart: LogPlace = { offset: 0, mark: '' }

/** Two or three lines: one alone may end as another does. */
const MARK_BYTES = 512
const BLOCK = 1 << 16
const LINE_FEED = 10

/** No line of ours is as long: what is, is no log. */
const LONGEST_LINE = 1 << 20

/**
 * Reads what was added to a log since a place, in whole lines. The writer may be in the middle of a line: it is left for
 * the next time. A resumed run cuts its log and writes on, a new run in its folder begins it anew: both are told by what
 * stands before the place, and reading starts over.
 */
export class LogReader {
  constructor(
    readonly file: string,
    public place: LogPlace = logStart,
  ) {}

  /**
   * @param budget bytes to read at most, so that many lines come in several calls.
   * @returns lines in their order; `restarted` when they begin at the start again, `more` when the budget ended.
   */
  async read(budget = 1 << 22): Promise<{ lines: LogLine[]; restarted: boolean; more: boolean }> {
    let handle: FileHandle
    try {
      handle = await open(this.file)
    } catch {
      const restarted = this.place.offset > 0
      this.place = logStart
      return { lines: [], restarted, more: false }
    }
    try {
      const { size } = await handle.stat()
      const restarted = !(await this.#continues(handle, size))
      if (restarted) this.place = logStart
      const lines: LogLine[] = []
      const from = this.place.offset
      let rest = Buffer.alloc(0)
      let start = from
      while (start + rest.length < size && (lines.length === 0 || start + rest.length - from < budget)) {
        const block = Buffer.alloc(Math.min(BLOCK, size - start - rest.length))
        const { bytesRead } = await handle.read(block, 0, block.length, start + rest.length)
        if (bytesRead === 0) break
        rest = Buffer.concat([rest, block.subarray(0, bytesRead)])
        let begin = 0
        for (let at = rest.indexOf(LINE_FEED); at >= 0; at = rest.indexOf(LINE_FEED, begin)) {
          lines.push({ text: rest.toString('utf8', begin, at), end: start + at + 1 })
          begin = at + 1
        }
        start += begin
        rest = rest.subarray(begin)
        // Skipped, so that a file that is no log holds nobody up.
        if (rest.length > LONGEST_LINE) [start, rest] = [start + rest.length, Buffer.alloc(0)]
      }
      this.place = { offset: start, mark: await markBefore(handle, start) }
      return { lines, restarted, more: start + rest.length < size }
    } finally {
      await handle.close()
    }
  }

  async #continues(handle: FileHandle, size: number): Promise<boolean> {
    const { offset, mark } = this.place
    return offset === 0 || (offset <= size && (await markBefore(handle, offset)) === mark)
  }
}

async function markBefore(handle: FileHandle, offset: number): Promise<string> {
  const bytes = Buffer.alloc(Math.min(MARK_BYTES, offset))
  await handle.read(bytes, 0, bytes.length, offset - bytes.length)
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
