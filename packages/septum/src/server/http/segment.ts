import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from 'hono'
import type { InferenceSettings } from '../../inference/index.js'
import { Job } from '../jobs/job.js'
import type { JobQueue } from '../jobs/job-queue.js'
import type { Metrics } from '../metrics.js'
import type { ServedModel } from '../models.js'
import type { ServerLimits } from '../settings.js'
import { jobView } from './job-view.js'
import { HttpProblem, notFound } from './problem.js'
import { referenceSchema, type SegmentQuery, segmentQuerySchema } from './schemas.js'
import { fileBelow, sendFile } from './send-file.js'
import { extensionOf, receive } from './upload.js'

export interface SegmentPlace {
  readonly models: readonly ServedModel[]
  readonly queue: JobQueue
  readonly limits: ServerLimits
  readonly metrics: Metrics
  /** Folder for uploads and results. */
  readonly spool: string
  /** Folder of images that requests may name. */
  readonly data?: string
  readonly closing: () => boolean
}

/** A body that names an image is short. */
const REFERENCE_BYTES = 4096

/** `POST /v1/segment`: takes a place in the queue, receives the image, and waits as long as the client wishes. */
export async function segment(c: Context, place: SegmentPlace): Promise<Response> {
  const { queue, limits, models, spool } = place
  const query = readQuery(c)
  const model = query.model === undefined ? models[0] : models.find(({ id }) => id === query.model)
  if (!model) throw notFound('model')
  if (place.closing()) {
    throw new HttpProblem(503, 'server-stopping', 'The server stops', 'Try again later.', {
      'Retry-After': '30',
    })
  }
  const leave = queue.reserve()
  if (!leave) {
    throw new HttpProblem(
      429,
      'server-busy',
      'As many images wait as this server keeps',
      'Try again after the time in Retry-After.',
      { 'Retry-After': String(queue.retryAfter) },
    )
  }
  let job: Job
  const folder = await mkdtemp(join(spool, 'job-'))
  try {
    const input = await readImageOf(c, folder, place)
    job = new Job({ id: model.id, folder: model.folder }, settingsOf(query, model), folder, input)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  } finally {
    leave()
  }
  queue.add(job)
  const wait = Math.min(query.wait === undefined ? limits.waitMs : query.wait * 1000, limits.waitMs)
  const client = c.req.raw.signal
  await job.settled(wait, client)
  // Nobody knows the number of this job: its result would be lost.
  if (client.aborted && wait > 0) queue.cancel(job)
  if (!job.over) {
    c.header('Location', `/v1/jobs/${job.id}`)
    return c.json(jobView(job, model), 202)
  }
  return answer(c, job, model, query)
}

async function answer(c: Context, job: Job, model: ServedModel, { result }: SegmentQuery): Promise<Response> {
  if (job.state !== 'done') {
    const { code, message, hint } = job.error ?? {
      code: 'server-cancelled',
      message: 'The job was cancelled',
      hint: 'Send the image again.',
    }
    throw new HttpProblem(code === 'server-work' ? 413 : 422, code, message, hint)
  }
  c.header('Location', `/v1/jobs/${job.id}`)
  const mask = job.result!.files[0]!
  const sent =
    result === 'mask' && (await sendFile(c, join(job.folder, 'out', mask), { 'Cache-Control': 'no-store' }))
  return sent || c.json(jobView(job, model))
}

function readQuery(c: Context): SegmentQuery {
  const parsed = segmentQuerySchema.safeParse(c.req.query())
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where =
    issue?.path.join('.') || (issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : 'query')
  throw new HttpProblem(
    400,
    'server-query',
    `The query is not understood: ${where}: ${issue?.message ?? 'invalid'}`,
    'See GET /openapi.json.',
  )
}

function settingsOf(query: SegmentQuery, { manifest }: ServedModel): InferenceSettings {
  const { samples, seed, overlap, flips, maps, format, keepLargest } = query
  return {
    ...(samples !== undefined && { samples }),
    ...(seed !== undefined && { seed }),
    ...(overlap !== undefined && { overlap }),
    ...(flips && { flips: [true, true, true] as const }),
    ...(maps !== undefined && { maps }),
    ...(format && { format }),
    ...(keepLargest && { cleaning: { keepLargest: manifest.classes.map(({ name }) => name), least: {} } }),
  }
}

/** @returns the file with the image: the upload, or one of the server's own. */
async function readImageOf(c: Context, folder: string, place: SegmentPlace): Promise<string> {
  const { limits, metrics } = place
  const inside = join(folder, 'in')
  await mkdir(inside)
  const raw = join(inside, 'upload')
  const reference = /^application\/json\b/i.test(c.req.header('content-type') ?? '')
  const bytes = await receive(c.req.raw.body, c.req.header('content-length'), raw, {
    ...limits,
    ...(reference && { uploadBytes: REFERENCE_BYTES }),
  })
  if (reference) return referenceOf(raw, place)
  metrics.count('septum_upload_bytes_total', {}, bytes)
  const file = join(inside, `image${await extensionOf(raw)}`)
  await rename(raw, file)
  return file
}

async function referenceOf(body: string, { data }: SegmentPlace): Promise<string> {
  const text = await readFile(body, 'utf8')
  let named: unknown
  try {
    named = JSON.parse(text)
  } catch {
    named = undefined
  }
  const parsed = referenceSchema.safeParse(named)
  if (!parsed.success) {
    throw new HttpProblem(
      400,
      'server-reference',
      'The body names no image',
      'Send { "reference": "path below the data folder" }, or the image itself as application/octet-stream.',
    )
  }
  const file = data && (await fileBelow(data, parsed.data.reference))
  const known = file && file !== data && (await stat(file).catch(() => undefined))
  if (!known || !(known.isFile() || known.isDirectory())) throw notFound('image')
  return file
}
