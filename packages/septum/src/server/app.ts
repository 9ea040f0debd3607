import { join } from 'node:path'
import { Hono } from 'hono'
import { jobEvents } from './http/events.js'
import { type Access, guard } from './http/guards.js'
import { listImages, sendImage } from './http/images.js'
import { jobView } from './http/job-view.js'
import { openApi } from './http/openapi.js'
import { HttpProblem, notFound, problemResponse } from './http/problem.js'
import { runRoutes } from './http/runs.js'
import { type SegmentPlace, segment } from './http/segment.js'
import { fileBelow, sendFile } from './http/send-file.js'
import type { Job } from './jobs/job.js'
import type { Log } from './log.js'
import type { ServedModel } from './models.js'
import type { RunShelf } from './trainings/run-shelf.js'

export interface AppOptions extends SegmentPlace {
  readonly access: Access
  readonly log: Log
  readonly version: string
  /** Folder of the viewer's files. */
  readonly viewer?: string
  /** Trainings that may be followed. */
  readonly runs?: RunShelf
}

/** All routes, without a socket. */
export function createApp(options: AppOptions): Hono {
  const { access, log, metrics, models, queue, limits, viewer, version } = options
  const app = new Hono()
  let streams = 0

  app.use(async (c, next) => {
    const begun = performance.now()
    await next()
    // The pattern, not the path: an address may hold what nobody should read in a log.
    const route = c.req.routePath === '/*' ? 'page' : c.req.routePath
    const seconds = (performance.now() - begun) / 1000
    const { method } = c.req
    metrics.count('septum_requests_total', { method, route, status: c.res.status })
    metrics.observe('septum_request_seconds', seconds)
    log.info('request', { method, route, status: c.res.status, ms: Math.round(seconds * 1000) })
  })
  app.use(guard(access))
  app.onError((error, c) => {
    if (error instanceof HttpProblem) return problemResponse(c, error)
    // Its text may name files: the class of the error must do.
    log.warn('unexpected', { error: error.name, code: (error as NodeJS.ErrnoException).code ?? null })
    return problemResponse(
      c,
      new HttpProblem(
        500,
        'server-error',
        'The server failed',
        'See its log; the request may be sent again.',
      ),
    )
  })
  app.notFound((c) => problemResponse(c, notFound('page')))

  const modelOf = (id: string): ServedModel => {
    const model = models.find((each) => each.id === id)
    if (!model) throw notFound('model')
    return model
  }
  const jobOf = (id: string): { job: Job; model: ServedModel } => {
    const job = queue.find(id)
    if (!job) throw notFound('job')
    return { job, model: modelOf(job.model.id) }
  }

  const openStream = () => {
    if (streams >= limits.streams) {
      const hint = 'Close some, or ask for the state now and then.'
      throw new HttpProblem(429, 'server-streams', 'Too many streams are open', hint, { 'Retry-After': '5' })
    }
    streams++
    return () => {
      streams--
    }
  }

  app.post('/v1/segment', (c) => segment(c, options))
  app.get('/v1/jobs/:id', (c) => {
    const { job, model } = jobOf(c.req.param('id'))
    c.header('Cache-Control', 'no-store')
    return c.json(jobView(job, model))
  })
  app.delete('/v1/jobs/:id', async (c) => {
    const { job } = jobOf(c.req.param('id'))
    if (job.over) await queue.remove(job)
    else queue.cancel(job)
    return c.body(null, 204)
  })
  app.get('/v1/jobs/:id/events', (c) => {
    const { job, model } = jobOf(c.req.param('id'))
    return jobEvents(c, job, model, openStream())
  })
  app.get('/v1/jobs/:id/files/:file{.+}', async (c) => {
    const { job } = jobOf(c.req.param('id'))
    const file = c.req.param('file')
    // Only what the job wrote: the path is compared, never joined to a folder unseen.
    const known = job.state === 'done' && job.result!.files.includes(file)
    const sent = known && (await sendFile(c, join(job.folder, 'out', file), { 'Cache-Control': 'no-store' }))
    if (!sent) throw notFound('file')
    return sent
  })
  runRoutes(app, options.runs, openStream)
  app.get('/v1/images', async (c) => {
    c.header('Cache-Control', 'no-store')
    return c.json({ images: options.data ? await listImages(options.data) : [] })
  })
  app.get('/v1/images/:reference{.+}', (c) => sendImage(c, options.data))
  app.get('/v1/models', (c) => c.json({ models: models.map(modelView) }))
  app.get('/models/:id/:file', async (c) => {
    const model = modelOf(c.req.param('id'))
    const file = c.req.param('file')
    const sent = model.files.has(file) && (await sendFile(c, join(model.folder, file)))
    if (!sent) throw notFound('file')
    return sent
  })
  app.get('/health', (c) => {
    const status = options.closing() ? 'stopping' : queue.ready ? 'ok' : 'starting'
    const state = {
      status,
      waiting: queue.waitingCount,
      running: queue.runningCount,
      workerRestarts: queue.restarts,
    }
    return c.json(state, status === 'ok' ? 200 : 503)
  })
  app.get('/metrics', (c) => {
    c.header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
    return c.body(
      metrics.render([
        ['septum_jobs_waiting', {}, queue.waitingCount],
        ['septum_jobs_running', {}, queue.runningCount],
        ['septum_jobs_kept', {}, queue.keptCount],
        ['septum_resident_bytes', { process: 'server' }, process.memoryUsage.rss()],
        ['septum_resident_bytes', { process: 'worker' }, queue.workerBytes],
      ]),
    )
  })
  app.get('/openapi.json', (c) => c.json(openApi(version)))
  // What the page reads to offer models.
  app.get('/models.json', (c) =>
    c.json({
      api: 'v1/',
      models: models.map(({ id, manifest }) => ({
        id,
        title: `${id} (${manifest.method.title})`,
        url: `models/${id}/`,
      })),
      ...(options.runs && { training: 'training.html' }),
    }),
  )
  app.get('/*', async (c) => {
    // Nothing to segment with: the page that a person came for is the other one.
    if (c.req.path === '/' && models.length === 0 && options.runs && viewer)
      return c.redirect('training.html', 302)
    const path = c.req.path === '/' ? 'index.html' : decode(c.req.path.slice(1))
    const file = viewer && path !== undefined && (await fileBelow(viewer, path))
    const sent = file && (await sendFile(c, file, { 'Cache-Control': 'no-cache' }))
    if (sent) return sent
    if (path === 'index.html') {
      return c.text(
        `Septum ${version}. The viewer is not built; the interface is described in /openapi.json.\n`,
      )
    }
    throw notFound('page')
  })
  return app
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function modelView({ id, manifest }: ServedModel) {
  const { method, dimensions, channels, size, classes, training, licence, notice, model } = manifest
  return {
    id,
    method: method.name,
    title: method.title,
    dimensions,
    channels,
    trainedSize: size.trained,
    samples: model.kind === 'next-scale' ? model.sampling.samples : 1,
    classes: classes.map(({ name, label, colour }) => ({ name, label, colour })),
    dataset: training.dataset,
    licence,
    notice,
    files: `/models/${id}/`,
  }
}
