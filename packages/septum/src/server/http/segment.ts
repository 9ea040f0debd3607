import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Context } from 'hono'
import type { InferenceSettings } from '../../inference/index.js'
import { Job } from '../jobs/job.js'
import type { JobQueue } from '../jobs/job-queue.js'
import type { ServedModel } from '../models.js'
import { jobView } from './job-view.js'
import { HttpProblem, notFound } from './problem.js'
import { type ReceivePlace, receive } from './receive.js'
import { type SegmentQuery, segmentQuerySchema } from './schemas.js'
import { sendFile } from './send-file.js'

export interface SegmentPlace extends ReceivePlace {
  readonly models: readonly ServedModel[]
  readonly queue: JobQueue
  /** Folder for uploads and results. */
  readonly spool: string
  readonly closing: () => boolean
}

/** `POST /v1/segment`: takes a place in the queue, receives the image, and waits as long as the client wishes. */
export async function segment(c: Context, place: SegmentPlace): Promise<Response> {
  const { queue, limits, models, spool } = place
  const modelOf = ({ model: id }: SegmentQuery): ServedModel => {
    const found = id === undefined ? models[0] : models.find((each) => each.id === id)
    if (!found) throw notFound('model')
    return found
  }
  let query = readQuery(c.req.query())
  // Before the upload: a mistake is not to cost its time.
  let model = modelOf(query)
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
    const { input, fields } = await receive(c, folder, place)
    if (Object.keys(fields).length > 0) {
      query = readQuery({ ...fields, ...c.req.query() })
      model = modelOf(query)
    }
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

function readQuery(given: Readonly<Record<string, string>>): SegmentQuery {
  const parsed = segmentQuerySchema.safeParse(given)
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
