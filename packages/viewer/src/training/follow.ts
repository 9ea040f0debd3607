import type { RunEvent } from './api.js'
import { EventParser } from './event-parser.js'

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000

/** Signs of life come every 15 s: a connection that is silent for longer is dead, whatever the network says. */
const SILENT_MS = 45_000

export interface FollowListener {
  /** Events in their order; several at once where many came. */
  onEvents(events: readonly RunEvent[]): void
  onConnection(connected: boolean): void
}

/**
 * Follows a run until it is finished: comes again after a broken connection, where it stopped.
 * @returns what ends it.
 */
export function follow(page: URL, id: string, listener: FollowListener): () => void {
  const stop = new AbortController()
  void followUntil(page, id, listener, stop.signal)
  return () => stop.abort()
}

async function followUntil(
  page: URL,
  id: string,
  listener: FollowListener,
  stop: AbortSignal,
): Promise<void> {
  const address = new URL(`v1/runs/${encodeURIComponent(id)}/events`, page)
  let last = ''
  let pause = FIRST_PAUSE_MS
  while (!stop.aborted) {
    const connection = new AbortController()
    const end = () => connection.abort()
    stop.addEventListener('abort', end)
    let silence = setTimeout(end, SILENT_MS)
    try {
      const response = await fetch(address, {
        headers: last ? { 'Last-Event-ID': last } : {},
        signal: connection.signal,
      })
      if (response.status === 204) return
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`)
      listener.onConnection(true)
      const parser = new EventParser()
      parser.lastId = last
      const decoder = new TextDecoder()
      const reader = response.body.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        clearTimeout(silence)
        silence = setTimeout(end, SILENT_MS)
        pause = FIRST_PAUSE_MS
        const events = parser.push(decoder.decode(value, { stream: true }))
        last = parser.lastId
        if (events.length > 0)
          listener.onEvents(events.map(({ event, data }) => ({ event, data: JSON.parse(data) }) as RunEvent))
      }
    } catch {
      if (stop.aborted) return
      listener.onConnection(false)
    } finally {
      clearTimeout(silence)
      stop.removeEventListener('abort', end)
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause)
      stop.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)
  }
}
