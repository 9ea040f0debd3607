import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { type LogPlace, LogReader, logStart } from '../trainings/log-reader.js'
import { parseLine, type RunFollower } from '../trainings/run-follower.js'
import type { LogEvent } from '../trainings/schemas.js'

/** A log grows once a second. */
const POLL_MS = 1000

/** How the run stands is told this often, where no line of the log does. */
const STATUS_MS = 5000

/** A line now and then keeps proxies from closing a quiet stream. */
const QUIET_MS = 15_000

/** A client comes again by itself, where it stopped. */
const LONGEST_MS = 3_600_000

const BLOCK_BYTES = 1 << 18
const BYTES_OF_STEP = 200

export interface RunEventsOptions {
  readonly follow: boolean
  readonly points: number
  /** `Last-Event-ID` of a client that comes again. */
  readonly last: string | undefined
  /** Called once. */
  readonly onEnd: () => void
}

/**
 * Lines of the log as events `step`, `validation` and `pictures`, in the order of the file; `run` whenever the standing of
 * the run changed; `reset` when the log was begun anew and what was sent is void; `caughtup` once all that was there is sent.
 */
export function runEvents(c: Context, follower: RunFollower, options: RunEventsOptions): Response {
  c.header('Cache-Control', 'no-store')
  c.header('X-Accel-Buffering', 'no')
  const { follow, last, points, onEnd } = options
  const { run } = follower
  const file = join(run.folder, 'log.jsonl')
  return streamSSE(c, async (stream) => {
    const until = Date.now() + LONGEST_MS
    let gone = false
    stream.onAbort(() => {
      gone = true
    })
    const reader = new LogReader(file, placeOf(last))
    let told = ''
    let toldAt = 0
    let sentAt = Date.now()
    const send = async (event: string, data: unknown, place?: LogPlace) => {
      sentAt = Date.now()
      await stream.writeSSE({ event, data: JSON.stringify(data), ...(place && { id: idOf(place) }) })
    }
    const tell = async () => {
      const view = await follower.view()
      const { updated: _, ...standing } = view
      toldAt = Date.now()
      if (told !== JSON.stringify(standing)) {
        told = JSON.stringify(standing)
        await send('run', view)
      }
      return view.state
    }
    try {
      let state = await tell()
      const size = (await stat(file).catch(() => undefined))?.size ?? 0
      let stride = Math.max(1, Math.ceil((size - reader.place.offset) / BYTES_OF_STEP / points))
      let caughtUp = false
      let steps = 0
      while (!gone) {
        // What is written before the run says that it is finished is read after that.
        const finished = state === 'finished'
        const { lines, restarted, more } = await reader.read(BLOCK_BYTES)
        if (restarted) {
          ;[stride, steps] = [1, 0]
          await send('reset', {})
        }
        const events = lines.map(({ text }) => parseLine(text))
        for (const [i, event] of events.entries()) {
          if (gone) return
          if (!event || (event.event === 'step' && steps++ % stride !== 0)) continue
          // The place behind the block: a client that misses part of it gets the block again, and replaces by step.
          await send(event.event, dataOf(event, run.id), i === events.length - 1 ? reader.place : undefined)
        }
        if (more) continue
        if (!caughtUp) {
          ;[caughtUp, stride] = [true, 1]
          await send('caughtup', {}, reader.place)
        }
        if (lines.length > 0 || Date.now() - toldAt > STATUS_MS) state = await tell()
        if (!follow || finished || Date.now() > until) break
        if (state === 'finished') continue
        if (Date.now() - sentAt > QUIET_MS) {
          sentAt = Date.now()
          await stream.write(': still here\n\n')
        }
        await stream.sleep(POLL_MS)
      }
    } finally {
      onEnd()
    }
  })
}

/** Whether a client that comes again has everything of a run that is over: nothing more will come. */
export async function isOver(follower: RunFollower, last: string | undefined): Promise<boolean> {
  const { offset } = placeOf(last)
  if (offset === 0 || (await follower.view()).state !== 'finished') return false
  const size = (await stat(join(follower.run.folder, 'log.jsonl')).catch(() => undefined))?.size
  return size === offset
}

function dataOf({ event, ...line }: LogEvent, id: string): unknown {
  if (event !== 'pictures' || !('file' in line)) return line
  const { file, ...rest } = line
  return { ...rest, href: `/v1/runs/${encodeURIComponent(id)}/${file}` }
}

/** Offset and what stands before it; neither is believed when it comes back. */
const idOf = ({ offset, mark }: LogPlace): string => `${offset}-${mark}`

function placeOf(id: string | undefined): LogPlace {
  const [, offset, mark] = /^(\d{1,15})-([\da-f]{16})$/.exec(id ?? '') ?? []
  return offset === undefined ? logStart : { offset: Number(offset), mark: mark! }
}
