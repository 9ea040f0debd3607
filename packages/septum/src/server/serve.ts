import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { SeptumError } from '@septum/core'
import { createApp } from './app.js'
import { JobQueue } from './jobs/job-queue.js'
import type { Log } from './log.js'
import { Metrics } from './metrics.js'
import { readModels } from './models.js'
import { defaultLimits, type ServerLimits } from './settings.js'
import { RunShelf } from './trainings/run-shelf.js'

export interface ServeOptions {
  /** Folders of bundles, or of runs that hold one. */
  readonly bundles: readonly string[]
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 8080; 0 takes a free one. */
  readonly port?: number
  /** Absent: none on loopback, elsewhere a random one. */
  readonly token?: string
  readonly allowHosts?: readonly string[]
  readonly allowOrigins?: readonly string[]
  /** Folder of images that requests may name. */
  readonly data?: string
  /** Folder of the viewer's files. */
  readonly viewer?: string
  /** Folder of runs whose training may be followed. */
  readonly runs?: string
  /** CPU threads of the worker; 0 or absent: one for each core. */
  readonly threads?: number
  readonly limits?: Partial<ServerLimits>
  readonly log: Log
  readonly version: string
  /** Program of the worker; default: this package's. */
  readonly worker?: URL
}

export interface RunningServer {
  /** For a browser; names the token where there is one. */
  readonly url: string
  readonly port: number
  readonly token: string | undefined
  readonly models: readonly string[]
  readonly queue: JobQueue
  /** Ends in good order: refuses new jobs, lets the running one end, closes streams, removes uploads and results. */
  close(): Promise<void>
}

const SPOOL = 'septum-serve-'

/** Removes what servers left that were killed: images of patients must not lie about. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${SPOOL}(\\d+)-`).exec(name)?.[1]
    // Folders of other users cannot be removed, and need not be.
    if (pid && !isAlive(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {})
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)

/**
 * Starts the server.
 * @throws SeptumError `bundle-…` for a bundle that is not whole, `server-listen` when the address is taken.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const {
    host = '127.0.0.1',
    port = 8080,
    log,
    version,
    data,
    viewer,
    allowHosts = [],
    allowOrigins = [],
  } = options
  const limits = { ...defaultLimits, ...options.limits }
  const models = await readModels(options.bundles)
  const loopback = isLoopback(host)
  const token = options.token ?? (loopback ? undefined : randomBytes(24).toString('base64url'))
  await removeAbandoned()
  const spool = await mkdtemp(join(tmpdir(), `${SPOOL}${process.pid}-`))
  const metrics = new Metrics()
  const queue = new JobQueue({
    limits,
    log,
    metrics,
    threads: options.threads || availableParallelism(),
    ...(options.worker && { program: options.worker }),
  })
  let closing = false
  const app = createApp({
    models,
    queue,
    limits,
    metrics,
    spool,
    log,
    version,
    ...(data && { data }),
    ...(viewer && { viewer }),
    ...(options.runs && { runs: new RunShelf(options.runs) }),
    closing: () => closing,
    access: {
      loopback,
      ...(token && { token }),
      hosts: [...allowHosts, ...(loopback ? [] : [host])].map((name) => name.toLowerCase()),
      origins: allowOrigins,
    },
  })
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: 10_000,
      // An upload as a whole; a pause in it is bounded in `upload.ts`.
      requestTimeout: 10 * 60_000,
      keepAliveTimeout: 5000,
      maxHeaderSize: 16_384,
    },
  }) as Server
  server.maxConnections = 256
  const free = async () => {
    await queue.close()
    await rm(spool, { recursive: true, force: true })
  }
  try {
    await listen(server, host, port)
  } catch (cause) {
    await free()
    throw new SeptumError(
      'server-listen',
      `The server cannot listen on ${host}, port ${port}: ${(cause as NodeJS.ErrnoException).code ?? 'refused'}`,
      'Give another --port or --host.',
      {},
      { cause },
    )
  }
  const bound = server.address()
  const boundPort = typeof bound === 'object' && bound ? bound.port : port
  log.info('listening', { port: boundPort, loopback, models: models.length })
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  let closed: Promise<void> | undefined
  return {
    url: `http://${shown}:${boundPort}/${token ? `?token=${token}` : ''}`,
    port: boundPort,
    token,
    models: models.map(({ id }) => id),
    queue,
    close: () => {
      closed ??= (async () => {
        closing = true
        log.info('stopping')
        const ended = new Promise((resolve) => server.close(resolve))
        server.closeIdleConnections()
        await queue.close()
        // Streams of finished jobs end by themselves; slow downloads are cut.
        const cut = setTimeout(() => server.closeAllConnections(), 2000)
        await ended
        clearTimeout(cut)
        await rm(spool, { recursive: true, force: true })
        log.info('stopped')
      })()
      return closed
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
