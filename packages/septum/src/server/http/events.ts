import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Job } from '../jobs/job.js'
import type { ServedModel } from '../models.js'
import { jobView } from './job-view.js'

/** A line now and then keeps proxies from closing a quiet stream. */
const QUIET_MS = 15_000

/** Fewer than a screen shows. */
const LEAST_PAUSE_MS = 100

/** Sends the job whenever it changed, at most ten times a second, until it is over. @param onEnd called once. */
export function jobEvents(c: Context, job: Job, model: ServedModel, onEnd: () => void): Response {
  c.header('Cache-Control', 'no-store')
  c.header('X-Accel-Buffering', 'no')
  return streamSSE(c, async (stream) => {
    let wake = () => {}
    let changed = true
    const note = () => {
      changed = true
      wake()
    }
    const stop = job.watch(note)
    let gone = false
    stream.onAbort(() => {
      gone = true
      wake()
    })
    try {
      while (!gone) {
        if (changed) {
          changed = false
          const over = job.over
          await stream.writeSSE({ event: 'job', data: JSON.stringify(jobView(job, model)) })
          if (over) break
          await stream.sleep(LEAST_PAUSE_MS)
          continue
        }
        const quiet = await new Promise<boolean>((resolve) => {
          const timer = setTimeout(() => resolve(true), QUIET_MS)
          wake = () => {
            clearTimeout(timer)
            resolve(false)
          }
        })
        if (quiet) await stream.write(': still here\n\n')
      }
    } finally {
      stop()
      onEnd()
    }
  })
}
