import { join } from 'node:path'
import type { Context, Hono } from 'hono'
import type { RunShelf } from '../trainings/run-shelf.js'
import { eventsQuerySchema, picturesLineSchema } from '../trainings/schemas.js'
import { HttpProblem, notFound } from './problem.js'
import { isOver, runEvents } from './run-events.js'
import { fileBelow, sendFile } from './send-file.js'

/** Steps that a client gets of what was logged before it came. */
const POINTS = 2000

/**
 * Routes of trainings: list, one run, its events, its pictures.
 * @param openStream takes a place among the open streams and returns what gives it back. @throws HttpProblem 429
 */
export function runRoutes(app: Hono, shelf: RunShelf | undefined, openStream: () => () => void): void {
  const followerOf = async (c: Context) => {
    const follower = await shelf?.find(c.req.param('id') ?? '')
    if (!follower) throw notFound('run')
    c.header('Cache-Control', 'no-store')
    return follower
  }
  app.get('/v1/runs', async (c) => {
    if (!shelf) throw notFound('page')
    c.header('Cache-Control', 'no-store')
    return c.json(await shelf.list())
  })
  app.get('/v1/runs/:id', async (c) => c.json(await (await followerOf(c)).detail()))
  app.get('/v1/runs/:id/events', async (c) => {
    const follower = await followerOf(c)
    const query = eventsQuerySchema.safeParse(c.req.query())
    if (!query.success) {
      throw new HttpProblem(400, 'server-query', 'The query is not understood', 'See GET /openapi.json.')
    }
    const { follow, points = POINTS } = query.data
    const last = c.req.header('last-event-id')
    // What tells an EventSource not to come again.
    if (follow !== 'false' && (await isOver(follower, last))) return c.body(null, 204)
    return runEvents(c, follower, { follow: follow !== 'false', points, last, onEnd: openStream() })
  })
  app.get('/v1/runs/:id/pictures/:file', async (c) => {
    const { run } = await followerOf(c)
    const name = `pictures/${c.req.param('file')}`
    if (!picturesLineSchema.shape.file.safeParse(name).success) throw notFound('file')
    const file = await fileBelow(join(run.folder, 'pictures'), c.req.param('file'))
    // What was drawn of a step stays as it is, unless a run is begun anew in the folder.
    const sent = file && (await sendFile(c, file, { 'Cache-Control': 'private, max-age=60' }))
    if (!sent) throw notFound('file')
    return sent
  })
}
