import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planeBundle } from '../inference/testing.js'
import { type AppOptions, createApp } from './app.js'
import type { Access } from './http/guards.js'
import { openApi } from './http/openapi.js'
import type { JobQueue } from './jobs/job-queue.js'
import { silentLog } from './log.js'
import { Metrics } from './metrics.js'
import { readModels, type ServedModel } from './models.js'
import { defaultLimits } from './settings.js'

let models: ServedModel[]
let folder: string
beforeAll(async () => {
  models = await readModels([planeBundle, planeBundle])
  folder = mkdtempSync(join(tmpdir(), 'septum-app-'))
  mkdirSync(join(folder, 'viewer'))
  writeFileSync(join(folder, 'viewer/index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'viewer/viewer.js'), 'export {}')
  writeFileSync(join(folder, 'secret.txt'), 'secret')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const idle = {
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

function app(access: Partial<Access> = {}, options: Partial<AppOptions> = {}): Hono {
  return createApp({
    models,
    queue: idle,
    limits: defaultLimits,
    metrics: new Metrics(),
    spool: folder,
    log: silentLog,
    version: '1.2.3',
    closing: () => false,
    viewer: join(folder, 'viewer'),
    access: { loopback: true, hosts: [], origins: [], ...access },
    ...options,
  })
}
const ask = (on: Hono, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  on.request(path, { method, headers: { host: 'localhost:8080', ...headers } })

describe('who may ask', () => {
  it.each([
    ['localhost:8080', 200],
    ['127.0.0.1', 200],
    ['[::1]:99', 200],
    ['evil.example', 421],
    ['localhost.evil.example:8080', 421],
    ['192.168.0.9:8080', 421],
    ['', 421],
    ['localhost:8080, evil.example', 421],
  ])('host %s on loopback: %i', async (host, status) => {
    expect((await ask(app(), '/health', { host })).status).toBe(status)
  })

  it.each([
    ['192.168.0.9:8080', 200],
    ['scanner.hospital.example', 200],
    ['evil.example', 421],
  ])('host %s elsewhere: %i', async (host, status) => {
    const open = app({ loopback: false, hosts: ['scanner.hospital.example'] })
    expect((await ask(open, '/health', { host })).status).toBe(status)
  })

  it.each([
    [{ origin: 'http://localhost:8080' }, 200, null],
    [{ origin: 'http://evil.example' }, 403, null],
    [{ origin: 'null' }, 403, null],
    [{ origin: 'http://localhost:9999' }, 403, null],
    [{ 'sec-fetch-site': 'cross-site' }, 403, null],
    [{ 'sec-fetch-site': 'same-origin' }, 200, null],
    [{ origin: 'https://pacs.example' }, 200, 'https://pacs.example'],
  ])('%o: %i', async (headers, status, cors) => {
    const response = await ask(app({ origins: ['https://pacs.example'] }), '/v1/models', headers as never)
    expect(response.status).toBe(status)
    expect(response.headers.get('access-control-allow-origin')).toBe(cors)
  })

  it('the token opens what is not the page', async () => {
    const on = app({ token: 'let-me-in' })
    const statuses = async (path: string) =>
      Promise.all(
        [
          {},
          { authorization: 'Bearer wrong' },
          { authorization: 'Bearer let-me-in' },
          { cookie: 'a=b; septum-token=let-me-in' },
          { cookie: 'septum-token=let-me' },
        ].map(async (headers) => (await ask(on, path, headers as never)).status),
      )
    expect(await statuses('/v1/models')).toEqual([401, 401, 200, 200, 401])
    expect(await statuses('/models/plane/model.json')).toEqual([401, 401, 200, 200, 401])
    expect(await statuses('/metrics')).toEqual([401, 401, 200, 200, 401])
    expect(await statuses('/health')).toEqual([200, 200, 200, 200, 200])
    expect(await statuses('/viewer.js')).toEqual([200, 200, 200, 200, 200])
    const signed = await ask(on, '/?token=let-me-in')
    expect([signed.status, signed.headers.get('location')]).toEqual([303, '/'])
    expect(signed.headers.get('set-cookie')).toBe('septum-token=let-me-in; HttpOnly; SameSite=Strict; Path=/')
    expect((await ask(on, '/?token=guess')).status).toBe(401)
  })
})

describe('the page', () => {
  it('comes with a policy that allows nothing from elsewhere', async () => {
    const response = await ask(app(), '/')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = response.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|https?:|\*/)
    expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it.each(['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/viewer.js%00', '/none.js'])(
    '%s is not there',
    async (path) => {
      expect(
        (await app().request(new Request(`http://localhost${path}`, { headers: { host: 'localhost' } })))
          .status,
      ).toBe(404)
    },
  )

  it('says so where the viewer is not built', async () => {
    const response = await ask(app({}, { viewer: join(folder, 'none') }), '/')
    expect(await response.text()).toMatch(/^Septum 1\.2\.3\. The viewer is not built/)
  })
})

it('a full queue says when to come again', async () => {
  const response = await ask(app(), '/v1/segment', {}, 'POST')
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
})

it('bundles of one name get numbers', () => {
  expect(models.map(({ id }) => id)).toEqual(['plane', 'plane-2'])
})

describe('the description', () => {
  const description = openApi('1.2.3') as {
    openapi: string
    paths: Record<
      string,
      Record<string, { responses: Record<string, unknown>; parameters?: { name: string; in: string }[] }>
    >
    components: { schemas: Record<string, unknown> }
  }

  it('has every route and no other', () => {
    const routes = app()
      .routes.filter(({ method, path }) => method !== 'ALL' && path !== '/*' && path !== '/models.json')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
    const described = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect([...new Set(routes)].sort()).toEqual(described.sort())
  })

  it('is complete: references lead somewhere, parameters of paths are named, every answer is described', () => {
    const text = JSON.stringify(description)
    for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(Object.keys(description.components.schemas)).toContain(name)
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const { parameters = [], responses } of Object.values(methods)) {
        const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
        expect([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)).toEqual(named)
        for (const [status, response] of Object.entries(responses)) {
          expect(status).toMatch(/^[2-5]\d\d$/)
          expect(response).toHaveProperty('description')
        }
      }
    }
    const query = description.paths['/v1/segment']!.post!.parameters!.map(({ name }) => name)
    expect(query).toEqual(expect.arrayContaining(['model', 'samples', 'seed', 'wait', 'format']))
  })

  it('is served', async () => {
    expect(await (await ask(app(), '/openapi.json')).json()).toMatchObject({ openapi: '3.1.0' })
  })
})
