import type { Hono } from 'hono'
import { type AppOptions, createApp } from '../app.js'
import type { JobQueue } from '../jobs/job-queue.js'
import { silentLog } from '../log.js'
import { Metrics } from '../metrics.js'
import { defaultLimits } from '../settings.js'

/** A queue that takes nothing. */
export const fullQueue = {
  reserve: () => undefined,
  retryAfter: 7,
  find: () => undefined,
  ready: true,
  waitingCount: 0,
  runningCount: 0,
  keptCount: 0,
  restarts: 0,
  workerBytes: 0,
} as unknown as JobQueue

/** All routes without a socket, a worker or models. */
export const testApp = (options: Partial<AppOptions> = {}): Hono =>
  createApp({
    models: [],
    queue: fullQueue,
    limits: defaultLimits,
    metrics: new Metrics(),
    spool: '/nowhere',
    log: silentLog,
    version: '1.2.3',
    closing: () => false,
    access: { loopback: true, hosts: [], origins: [] },
    ...options,
  })
