import { closeSync, existsSync, openSync, readSync, truncateSync } from 'node:fs'
import { BufferedFile } from './buffered-file.js'

/** One line of `log.jsonl`. `step` counts the optimiser steps finished in all phases. */
export interface LogRecord {
  readonly step: number
  readonly [key: string]: unknown
}

const LINE_FEED = 10

/**
 * The append-only `log.jsonl` of a run: every line is a complete JSON object, on disk within a second.
 *
 * What belongs to step k is written before the checkpoint of step k. Then `resumeAt(k)` followed by the
 * repeated steps gives the log of a run that was never interrupted.
 */
export class JsonLinesLog {
  private file: BufferedFile | undefined

  /** Opens nothing yet: a run that fails before its first line leaves no empty log. */
  constructor(readonly path: string) {}

  /** Adds a line. NaN and infinities become null. @throws SeptumError `log-open` or `log-write`. */
  write(record: LogRecord): void {
    this.file ??= new BufferedFile(this.path, 'a')
    this.file.append(Buffer.from(`${JSON.stringify(record)}\n`))
  }

  /**
   * Removes what a killed run wrote past its checkpoint: lines after step `step`, and a torn last line.
   * A missing file is an empty log.
   */
  resumeAt(step: number): void {
    this.close()
    this.file = undefined
    if (existsSync(this.path)) truncateSync(this.path, keptBytes(this.path, step))
  }

  /** @throws SeptumError `log-write`. */
  flush(): void {
    this.file?.flush()
  }

  /** Flushes, syncs and closes; a second call does nothing. @throws SeptumError `log-write`. */
  close(): void {
    this.file?.close()
  }
}

/** Bytes up to the end of the last whole line of a step that is kept. Steps never decrease down the file. */
function keptBytes(path: string, step: number): number {
  let kept = 0
  for (const { text, end } of wholeLines(path)) {
    const lineStep = stepOf(text)
    if (lineStep === undefined) continue
    if (lineStep > step) break
    kept = end
  }
  return kept
}

function stepOf(line: string): number | undefined {
  try {
    const record: unknown = JSON.parse(line)
    if (typeof record !== 'object' || record === null || !('step' in record)) return undefined
    return typeof record.step === 'number' ? record.step : undefined
  } catch {
    return undefined
  }
}

/** Lines that end in a line feed, with the offset behind it, read in blocks: a log may be larger than memory. */
function* wholeLines(path: string): Generator<{ text: string; end: number }> {
  const descriptor = openSync(path, 'r')
  try {
    const block = Buffer.alloc(1 << 16)
    let rest = Buffer.alloc(0)
    let restStart = 0
    for (;;) {
      const count = readSync(descriptor, block, 0, block.length, null)
      if (!count) return
      rest = Buffer.concat([rest, block.subarray(0, count)])
      let start = 0
      for (let at = rest.indexOf(LINE_FEED); at >= 0; at = rest.indexOf(LINE_FEED, start)) {
        yield { text: rest.toString('utf8', start, at), end: restStart + at + 1 }
        start = at + 1
      }
      rest = rest.subarray(start)
      restStart += start
    }
  } finally {
    closeSync(descriptor)
  }
}
