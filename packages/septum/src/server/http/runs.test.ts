import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultLimits } from '../settings.js'
import { testApp } from '../testing/app.js'
import { RunShelf } from '../trainings/run-shelf.js'
import { runDetailSchema, runEventSchemas, runsSchema } from '../trainings/schemas.js'
import { makeRun, picturesLine, statusOf, stepLine, validationLine } from '../trainings/testing.js'

let root: string
let app: ReturnType<typeof testApp>
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'septum-run-routes-'))
  app = testApp({ runs: new RunShelf(root), limits: { ...defaultLimits, streams: 2 } })
})
afterEach(() => rmSync(root, { recursive: true }))

const ask = (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  app.request(path, { headers: { host: 'localhost', ...headers }, ...(signal && { signal }) })

interface Received {
  readonly event: string
  readonly data: { readonly step?: number; readonly state?: string; readonly href?: string }
  readonly id?: string
}

/** Events of a stream as they come; each is held against its schema. */
async function* eventsOf(response: Response): AsyncGenerator<Received> {
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true })
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        rest
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      rest = rest.slice(end + 2)
      if (!fields.event) continue
      const data = runEventSchemas[fields.event as keyof typeof runEventSchemas].parse(
        JSON.parse(fields.data!),
      )
      yield { event: fields.event, data, ...(fields.id && { id: fields.id }) }
    }
  }
}
async function all(path: string, headers: Record<string, string> = {}): Promise<Received[]> {
  const found: Received[] = []
  for await (const event of eventsOf(await ask(path, headers))) found.push(event)
  return found
}
const named = (events: readonly Received[]) =>
  events.map(({ event, data }) => `${event} ${data.step ?? ''}`.trim())

describe('routes of trainings', () => {
  it('list and describe runs as the schemas say', async () => {
    makeRun(root, 'a', stepLine(10) + validationLine(10, 0.5), statusOf())
    makeRun(root, 'old', stepLine(10))
    const { runs } = runsSchema.parse(await (await ask('/v1/runs')).json())
    expect(runs.map(({ id }) => id).sort()).toEqual(['a', 'old'])
    const one = await ask('/v1/runs/a')
    expect(one.headers.get('cache-control')).toBe('no-store')
    expect(runDetailSchema.parse(await one.json())).toMatchObject({ state: 'running', secondsLeft: 35 })
    expect(JSON.stringify(await (await ask('/v1/runs/a')).json())).not.toContain('someone')
    for (const id of ['none', '..', '%2e%2e', 'a%2f..'])
      expect((await ask(`/v1/runs/${id}`)).status, id).toBe(404)
  })

  it('are not there where no folder of runs is served', async () => {
    app = testApp()
    for (const path of ['', '/a', '/a/events', '/a/pictures/b.png'])
      expect((await ask(`/v1/runs${path}`)).status).toBe(404)
    expect(await (await ask('/models.json')).json()).toEqual({ api: 'v1/', models: [] })
  })

  it('give pictures of the run and no other file', async () => {
    const folder = makeRun(root, 'a', picturesLine(10, 'pictures/unet-0000010.png'), statusOf())
    mkdirSync(join(folder, 'pictures'))
    writeFileSync(join(folder, 'pictures/unet-0000010.png'), 'picture')
    writeFileSync(join(folder, 'secret.png'), 'secret')
    symlinkSync(join(folder, 'secret.png'), join(folder, 'pictures/link.png'))
    const [picture] = (await all('/v1/runs/a/events?follow=false')).filter(
      ({ event }) => event === 'pictures',
    )
    expect(picture!.data.href).toBe('/v1/runs/a/pictures/unet-0000010.png')
    const sent = await ask(picture!.data.href!)
    expect([sent.headers.get('content-type'), await sent.text()]).toEqual(['image/png', 'picture'])
    for (const name of [
      '..%2fsecret.png',
      'link.png',
      'none.png',
      '%2e%2e%2fconfig.yaml',
      'unet-0000010.png%00',
    ])
      expect((await ask(`/v1/runs/a/pictures/${name}`)).status, name).toBe(404)
  })

  it('pass over pictures of a log that name other files', async () => {
    makeRun(
      root,
      'a',
      picturesLine(1, '../secret.png') + picturesLine(2, '/etc/passwd') + stepLine(3),
      statusOf(),
    )
    expect(named(await all('/v1/runs/a/events?follow=false'))).toEqual(['run 30', 'step 3', 'caughtup'])
  })
})

describe('events of a training', () => {
  it('begin with the log and end when they need not follow', async () => {
    makeRun(root, 'a', stepLine(10) + validationLine(10, null) + stepLine(20), statusOf())
    const events = await all('/v1/runs/a/events?follow=false')
    expect(named(events)).toEqual(['run 30', 'step 10', 'validation 10', 'step 20', 'caughtup'])
    // Every other event counts on the place of the last: only a whole block moves it.
    expect(events.map(({ id }) => id !== undefined)).toEqual([false, false, false, true, true])
  })

  it('follow a log that grows, line by line and half lines too, and end with the run', async () => {
    const folder = makeRun(root, 'a', stepLine(10), statusOf())
    const log = join(folder, 'log.jsonl')
    const stream = eventsOf(await ask('/v1/runs/a/events'))
    const next = async () => {
      const { value } = await stream.next()
      return value && `${value.event} ${value.data.step ?? ''}`.trim()
    }
    expect([await next(), await next(), await next()]).toEqual(['run 30', 'step 10', 'caughtup'])
    const line = stepLine(20)
    appendFileSync(log, line.slice(0, 30))
    setTimeout(() => appendFileSync(log, line.slice(30)), 1200)
    expect(await next()).toBe('step 20')
    appendFileSync(log, validationLine(20, 0.5))
    const seen = [await next(), await next()]
    // The best changed, so the run is told again.
    expect(seen.sort()).toEqual(['run 30', 'validation 20'])
    writeFileSync(join(folder, 'status.json'), JSON.stringify(statusOf({ state: 'finished', step: 100 })))
    appendFileSync(log, stepLine(100))
    expect([await next(), await next()].sort()).toEqual(['run 100', 'step 100'])
    expect((await stream.next()).done).toBe(true)
  }, 20_000)

  it('go on where a client stopped, and say when the log was begun anew', async () => {
    const folder = makeRun(root, 'a', stepLine(10) + stepLine(20), statusOf())
    const log = join(folder, 'log.jsonl')
    const { id } = (await all('/v1/runs/a/events?follow=false')).at(-1)!
    appendFileSync(log, stepLine(30))
    const again = { 'last-event-id': id! }
    expect(named(await all('/v1/runs/a/events?follow=false', again))).toEqual([
      'run 30',
      'step 30',
      'caughtup',
    ])
    // Resumed at step 10: what the client knows of step 20 is void.
    truncateSync(log, stepLine(10).length)
    appendFileSync(log, stepLine(20, 7) + stepLine(30, 7))
    expect(named(await all('/v1/runs/a/events?follow=false', again))).toEqual([
      ...['run 30', 'reset', 'step 10', 'step 20', 'step 30', 'caughtup'],
    ])
    for (const bad of ['x', '-1', '99999999999999999999-0000000000000000', '4-zz'])
      expect(named(await all('/v1/runs/a/events?follow=false', { 'last-event-id': bad }))).toHaveLength(5)
  })

  it('of a finished run end, and a client that has them all need not come again', async () => {
    makeRun(root, 'a', stepLine(10), statusOf({ state: 'finished' }))
    const events = await all('/v1/runs/a/events')
    expect(named(events)).toEqual(['run 30', 'step 10', 'caughtup'])
    const again = await ask('/v1/runs/a/events', { 'last-event-id': events.at(-1)!.id! })
    expect(again.status).toBe(204)
  })

  it('are thinned where there are many, and keep every validation', async () => {
    const lines = Array.from(
      { length: 3000 },
      (_, i) => stepLine(i + 1) + (i % 1000 === 5 ? validationLine(i + 1, 0.1) : ''),
    )
    makeRun(root, 'a', lines.join(''), statusOf())
    const events = await all('/v1/runs/a/events?follow=false&points=200')
    const steps = events.filter(({ event }) => event === 'step').length
    // About 200: lines are longer or shorter than what the thinning counts with.
    expect(steps).toBeGreaterThan(100)
    expect(steps).toBeLessThan(300)
    expect(events.filter(({ event }) => event === 'validation')).toHaveLength(3)
  })

  it('are bounded in number, and free their place', async () => {
    makeRun(root, 'a', stepLine(10), statusOf())
    const open = await Promise.all([ask('/v1/runs/a/events'), ask('/v1/runs/a/events')])
    const third = await ask('/v1/runs/a/events')
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '5'])
    for (const response of open) await response.body!.cancel()
    await expect
      .poll(
        async () => {
          const one = await ask('/v1/runs/a/events?follow=false')
          await one.body?.cancel()
          return one.status
        },
        { timeout: 5000 },
      )
      .toBe(200)
    expect((await ask('/v1/runs/a/events?points=1')).status).toBe(400)
  }, 20_000)

  it('need the token like everything else', async () => {
    makeRun(root, 'a', stepLine(10), statusOf())
    app = testApp({
      runs: new RunShelf(root),
      access: { loopback: false, token: 't', hosts: [], origins: [] },
    })
    for (const path of ['', '/a', '/a/events', '/a/pictures/b.png'])
      expect((await ask(`/v1/runs${path}`)).status).toBe(401)
  })
})
