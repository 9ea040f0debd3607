import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPicture } from '../formats/index.js'
import { planeBundle } from '../inference/testing.js'
import { errorSchema, healthSchema, type JobView, jobSchema, modelsSchema } from './http/schemas.js'
import type { RunningServer } from './serve.js'
import { commands } from './testing/commands.js'
import { picture, type TestBed, testBed } from './testing/test-server.js'

type Body = NonNullable<NonNullable<Parameters<typeof fetch>[1]>['body']>

let bed: TestBed
let server: RunningServer
beforeAll(async () => {
  bed = await testBed()
  server = await bed.start()
}, 60_000)
afterAll(() => bed.close())

const at = (path: string, on = server) => `http://127.0.0.1:${on.port}${path}`
const post = (body: Body | Buffer, query = '', on = server, init: RequestInit = {}) =>
  fetch(at(`/v1/segment${query}`, on), { method: 'POST', body: body as Body, ...init })
const jobOf = async (response: Response): Promise<JobView> => jobSchema.parse(await response.json())
const problemOf = async (response: Response) => errorSchema.parse(await response.json()).error
async function settled(id: string, on = server): Promise<JobView> {
  for (;;) {
    const job = await jobOf(await fetch(at(`/v1/jobs/${id}`, on)))
    if (!['waiting', 'running'].includes(job.state)) return job
    await sleep(50)
  }
}

describe('segmenting', () => {
  it('answers a small picture at once, with statistics and files', async () => {
    const response = await post(await picture())
    expect(response.status).toBe(200)
    const { state, result, model } = await jobOf(response)
    expect([state, model, result!.size]).toEqual(['done', 'plane', [8, 8]])
    // 200 of 255 is 0.784: a mean over all nine pixels is above 0.5, one over the four at a corner (0.349) is not.
    expect(result!.classes.map(({ name, samples }) => [name, samples])).toEqual([
      ['bright', 60],
      ['dark', 0],
    ])
    const mask = result!.files.find(({ kind }) => kind === 'mask')!
    const file = await fetch(at(mask.href))
    expect(file.headers.get('content-type')).toBe('image/png')
    const path = join(bed.folder, 'mask.png')
    writeFileSync(path, Buffer.from(await file.arrayBuffer()))
    const { data } = await readPicture(path)
    expect([...data].filter((value) => value === 1).length).toBe(60)
    expect(result!.files.map(({ kind }) => kind).sort()).toEqual([
      'mask',
      'probability',
      'probability',
      'uncertainty',
      'uncertainty',
    ])
  })

  it('gives the mask itself, in the format asked for', async () => {
    const response = await post(await picture(), '?result=mask&format=nifti&maps=false')
    expect(response.headers.get('content-type')).toBe('application/gzip')
    expect(Buffer.from(await response.arrayBuffer()).readUInt16BE()).toBe(0x1f8b)
  })

  it('answers 202 without waiting; the job tells its progress as events', async () => {
    const response = await post(await picture(commands.slow, [8, 40]), '?wait=0&overlap=0.5')
    expect(response.status).toBe(202)
    const { id } = await jobOf(response)
    expect(response.headers.get('location')).toBe(`/v1/jobs/${id}`)
    const events = await fetch(at(`/v1/jobs/${id}/events`))
    expect(events.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const seen = (await events.text())
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => jobSchema.parse(JSON.parse(line.slice(6))))
    expect(seen.at(-1)).toMatchObject({ state: 'done', progress: { done: 9, total: 9 } })
    expect(seen.length).toBeGreaterThan(1)
  })

  it('cancels what runs and what waits, and removes what is finished', async () => {
    const [running, waiting] = await Promise.all(
      [commands.block, 0].map(async (command) => jobOf(await post(await picture(command), '?wait=0'))),
    )
    for (const job of [waiting!, running!])
      expect((await fetch(at(`/v1/jobs/${job.id}`), { method: 'DELETE' })).status).toBe(204)
    expect((await settled(waiting!.id)).state).toBe('cancelled')
    expect((await settled(running!.id)).state).toBe('cancelled')
    const done = await jobOf(await post(await picture()))
    await fetch(at(`/v1/jobs/${done.id}`), { method: 'DELETE' })
    expect((await fetch(at(`/v1/jobs/${done.id}`))).status).toBe(404)
    expect((await fetch(at(done.result!.files[0]!.href))).status).toBe(404)
  }, 30_000)

  it('takes images of its own folder by reference, and none beside it', async () => {
    const data = join(bed.folder, 'data')
    await mkdir(data)
    writeFileSync(join(data, 'a.png'), await picture())
    writeFileSync(join(bed.folder, 'secret.png'), await picture())
    const own = await bed.start({ data })
    const ask = (reference: unknown, on = own) =>
      post(JSON.stringify({ reference }), '', on, { headers: { 'Content-Type': 'application/json' } })
    expect((await ask('a.png')).status).toBe(200)
    for (const path of ['../secret.png', join(bed.folder, 'secret.png'), 'b.png', '.', 'a.png\0'])
      expect((await ask(path)).status, path).toBe(404)
    expect((await ask(5)).status).toBe(400)
    expect((await ask('x'.repeat(5000))).status).toBe(413)
    expect((await ask('a.png', server)).status).toBe(404)
    expect(readFileSync(join(data, 'a.png')).length).toBeGreaterThan(0)
    await own.close()
  }, 30_000)
})

describe('forms', () => {
  const dicom = (name: string) => readFileSync(new URL(`../formats/dicom/fixtures/${name}`, import.meta.url))
  const form = (fields: Record<string, string>, ...files: (readonly [name: string, bytes: Buffer])[]) => {
    const data = new FormData()
    for (const [name, value] of Object.entries(fields)) data.append(name, value)
    for (const [name, bytes] of files) data.append('image', new Blob([new Uint8Array(bytes)]), name)
    return data
  }

  it('bring the image as a file and settings as fields', async () => {
    const image = await picture()
    const response = await post(form({ format: 'nifti', result: 'mask', maps: 'false' }, ['x.png', image]))
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/gzip'])
    expect(Buffer.from(await response.arrayBuffer()).readUInt16BE()).toBe(0x1f8b)
    // What the address says counts for more.
    const both = await post(form({ model: 'none' }, ['x.png', image]), '?model=plane')
    expect(both.status).toBe(200)
  })

  it('with names that would leave the folder, or name a patient, are taken like any other', async () => {
    const names = ['../../../tmp/mueller.png', 'Mueller^Anna.dcm', 'a\0b.png', '']
    for (const name of names)
      expect((await post(form({}, [name || '.', await picture()]))).status, name).toBe(200)
    expect(bed.lines.join('')).not.toMatch(/mueller/i)
    expect(readdirSync(tmpdir())).not.toContain('mueller.png')
  })

  it('with a patient in the DICOM header leave nothing of it in the log', async () => {
    const file = dicom('explicit.dcm')
    expect(file.includes('Planted^Secretname')).toBe(true)
    expect((await post(form({}, ['Secretname.dcm', file]))).status).toBe(200)
    expect((await post(dicom('series.zip'))).status).toBe(200)
    // A file that cannot be read is told of without naming it.
    expect((await post(file.subarray(0, 900))).status).toBe(422)
    expect(bed.lines.join('')).not.toMatch(/secretname|IDSECRET/i)
  })

  it('with several files are one series, or refused', async () => {
    const mixed = await post(form({}, ['1.dcm', dicom('explicit.dcm')], ['2.png', await picture()]))
    expect([mixed.status, (await problemOf(mixed)).code]).toEqual([415, 'server-format'])
    const slices = Object.values(unzipSync(dicom('series.zip')))
      .map((bytes) => Buffer.from(bytes))
      .filter((bytes) => bytes.toString('latin1', 128, 132) === 'DICM')
    expect(slices.length).toBeGreaterThan(1)
    // In any order: their headers say where they lie.
    const series = await post(form({}, ...slices.reverse().map((slice) => ['x', slice] as const)))
    expect(series.status, await series.clone().text()).toBe(200)
    expect((await jobOf(series)).result!.size[0]).toBe(slices.length)
  })

  it.each([
    ['no file', () => form({ seed: '1' }), 400, 'server-upload'],
    ['an unknown setting', async () => form({ colour: 'red' }, ['x', await picture()]), 400, 'server-query'],
    [
      'an unknown model',
      async () => form({ model: 'none' }, ['x', await picture()]),
      404,
      'server-not-found',
    ],
    [
      'a field that is too long',
      async () => form({ seed: '1'.repeat(2000) }, ['x', await picture()]),
      400,
      'server-upload',
    ],
    ['an empty file', () => form({}, ['x', Buffer.alloc(0)]), 400, 'server-upload'],
  ])('with %s are refused', async (_, body, status, code) => {
    const response = await post(await body())
    expect([response.status, (await problemOf(response)).code]).toEqual([status, code])
  })

  it('that break off or are none are refused, and give their place back', async () => {
    const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
    for (const body of [
      '',
      'no form',
      '--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\nabc',
    ])
      expect((await post(body || '\r\n', '', server, { headers })).status).toBe(400)
    const none = await post('x', '', server, { headers: { 'Content-Type': 'multipart/form-data' } })
    expect(none.status).toBe(400)
    expect(healthSchema.parse(await (await fetch(at('/health'))).json()).waiting).toBe(0)
  })
})

describe('bad requests', () => {
  it.each([
    ['nothing', '', 400, 'server-upload'],
    ['text', 'GIF89a or anything', 415, 'server-format'],
    ['zeros', new Uint8Array(5000), 415, 'server-format'],
    ['a zip that is none', Buffer.from('PK\x03\x04garbage'), 422, undefined],
    ['a DICOM file that ends', Buffer.concat([Buffer.alloc(128), Buffer.from('DICM\x02\0')]), 422, undefined],
    [
      'gzip of nothing',
      Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      422,
      undefined,
    ],
  ])('%s', async (_, body, status, code) => {
    const response = await post(body as Body)
    expect(response.status).toBe(status)
    const problem = await problemOf(response)
    if (code) expect(problem.code).toBe(code)
    // What the client sees names no path of the server.
    expect(JSON.stringify(problem)).not.toContain(tmpdir())
  })

  it('random bytes after every known beginning never bring the worker down', async () => {
    const before = server.queue.restarts
    const heads = [
      '\x89PNG\r\n\x1a\n',
      '\xff\xd8\xff',
      'PK\x03\x04',
      '\x1f\x8b',
      'NRRD0005\n',
      '\x93NUMPY\x01\0',
      'II*\0',
      'BM',
    ]
    for (const [i, head] of heads.entries()) {
      const noise = Buffer.from(Array.from({ length: 700 }, (_, k) => (k * 7919 + i * 104729) % 256))
      expect((await post(Buffer.concat([Buffer.from(head, 'latin1'), noise]))).status).toBe(422)
    }
    expect(server.queue.restarts).toBe(before)
  })

  it.each([
    ['?model=none', 404],
    ['?samples=0', 400],
    ['?samples=abc', 400],
    ['?format=exe', 400],
    ['?unknown=1', 400],
    ['?overlap=1', 400],
    ['?wait=-1', 400],
  ])('%s', async (query, status) => {
    expect((await post(await picture(), query)).status).toBe(status)
  })

  it('unknown addresses and ways out of folders', async () => {
    for (const path of [
      '/v1/nothing',
      '/v1/jobs/abc',
      '/models/plane/..%2f..%2fexpected.json',
      '/models/plane/x',
      '/..%2f..%2fetc%2fpasswd',
      '/%00',
    ])
      expect((await fetch(at(path))).status, path).toBe(404)
    expect((await fetch(at('/models/plane/model.json'))).status).toBe(200)
    expect(Buffer.from(await (await fetch(at('/models/plane/model.onnx'))).arrayBuffer())).toEqual(
      readFileSync(join(planeBundle, 'model.onnx')),
    )
  })

  it('pictures that need too much work, uploads that are too large', async () => {
    const small = await bed.start({ limits: { work: 60, uploadBytes: 2000 } })
    const work = await post(await picture(), '', small)
    expect([work.status, (await problemOf(work)).code]).toEqual([413, 'server-work'])
    const declared = await post(Buffer.alloc(3000), '', small)
    expect([declared.status, (await problemOf(declared)).code]).toEqual([413, 'server-upload-size'])
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(500)),
    })
    const endless = await post(stream, '', small, { duplex: 'half' } as RequestInit).catch(() => undefined)
    // The answer comes before the upload ends: some clients see it, others a closed connection.
    expect([413, undefined]).toContain(endless?.status)
    await small.close()
  }, 30_000)
})

describe('trouble', () => {
  it('a worker that dies is started again; the job and what waits are not lost', async () => {
    const [again, after] = await Promise.all([
      post(await picture(commands.dieOnce)),
      sleep(100).then(async () => post(await picture())),
    ])
    expect([again.status, after.status]).toEqual([200, 200])
    expect(server.queue.restarts).toBeGreaterThanOrEqual(1)
  }, 30_000)

  it('an image that kills the worker twice is given up, the next one is served', async () => {
    const [bad, good] = await Promise.all([
      post(await picture(commands.die)),
      sleep(100).then(async () => post(await picture())),
    ])
    expect([bad.status, (await problemOf(bad)).code]).toEqual([422, 'server-worker'])
    expect(good.status).toBe(200)
  }, 30_000)

  it('a worker killed from outside costs nothing', async () => {
    const slow = post(await picture(commands.slow, [8, 60]))
    await sleep(300)
    process.kill(server.queue.workerPid!, 'SIGKILL')
    expect((await slow).status).toBe(200)
  }, 30_000)

  it('a full queue refuses with the time to wait; nothing else fails', async () => {
    const small = await bed.start({ limits: { queue: 2 } })
    const slow = await picture(commands.slow, [8, 24])
    await post(await picture(), '', small)
    const responses = await Promise.all(Array.from({ length: 12 }, () => post(slow, '', small)))
    const statuses = responses.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    // One runs, two wait; more may follow as places come free while the requests arrive.
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(2)
    const refused = responses.find(({ status }) => status === 429)!
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    await small.close()
  }, 30_000)

  it('a deadline ends a job that runs or waits', async () => {
    const hasty = await bed.start({ limits: { deadlineMs: 3000 } })
    await post(await picture(), '', hasty)
    const [runs, waits] = await Promise.all([
      post(await picture(commands.block), '', hasty),
      sleep(50).then(async () => post(await picture(), '', hasty)),
    ])
    expect([runs.status, (await problemOf(runs)).code]).toEqual([422, 'server-deadline'])
    expect([waits.status, (await problemOf(waits)).code]).toEqual([422, 'server-deadline'])
    while ((await fetch(at('/health', hasty))).status !== 200) await sleep(50)
    expect((await post(await picture(), '', hasty)).status).toBe(200)
    await hasty.close()
  }, 30_000)

  it('slow and broken uploads give their place in the queue back', async () => {
    const small = await bed.start({ limits: { queue: 1, uploadIdleMs: 400 } })
    const sockets = [0, 1].map(() => connect(small.port, '127.0.0.1'))
    const head = `POST /v1/segment HTTP/1.1\r\nHost: localhost:${small.port}\r\nContent-Length: 1000\r\n\r\n`
    let answer = ''
    sockets[0]!.on('data', (chunk) => {
      answer += chunk
    })
    sockets[0]!.write(`${head}some`)
    await sleep(100)
    expect((await post(await picture(), '', small)).status).toBe(429)
    await sleep(800)
    expect(answer).toMatch(/^HTTP\/1\.1 408/)
    sockets[1]!.write(`${head}some`)
    await sleep(100)
    sockets[1]!.destroy()
    await sleep(200)
    expect((await post(await picture(), '', small)).status).toBe(200)
    sockets[0]!.destroy()
    await small.close()
  }, 30_000)

  it('an upload that trickles is ended, too', async () => {
    const small = await bed.start({ limits: { queue: 1, uploadIdleMs: 400 } })
    const socket = connect(small.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.write(`POST /v1/segment HTTP/1.1\r\nHost: localhost:${small.port}\r\nContent-Length: 1000\r\n\r\n`)
    for (let i = 0; i < 12 && !answer; i++) {
      socket.write('x')
      await sleep(100)
    }
    expect(answer).toMatch(/^HTTP\/1\.1 408[\s\S]*less than 1024 bytes a second/)
    socket.destroy()
    await small.close()
  }, 30_000)

  it('a client that leaves takes its job along', async () => {
    const controller = new AbortController()
    const left = post(await picture(commands.block), '', server, { signal: controller.signal })
    await sleep(300)
    controller.abort()
    await expect(left).rejects.toThrow()
    const begun = Date.now()
    expect((await post(await picture())).status).toBe(200)
    expect(Date.now() - begun).toBeLessThan(15_000)
  }, 30_000)

  it('stops in good order: what runs ends, new jobs are refused, nothing stays on disk', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('septum-serve-'))
    const own = await bed.start()
    const spools = readdirSync(tmpdir()).filter(
      (name) => name.startsWith('septum-serve-') && !before.includes(name),
    )
    expect(spools.length).toBe(1)
    await post(await picture(), '', own)
    const slow = post(await picture(commands.slow, [8, 40]), '', own)
    const waits = sleep(50).then(async () => post(await picture(), '', own))
    await sleep(400)
    const closed = own.close()
    expect([(await slow).status, (await waits).status]).toEqual([200, 422])
    await closed
    await expect(fetch(at('/health', own))).rejects.toThrow()
    expect(readdirSync(tmpdir())).not.toContain(spools[0])
    expect(() => process.kill(own.queue.workerPid!, 0)).toThrow()
  }, 30_000)
})

it('a server removes what a killed one left, not what another one uses', async () => {
  // Process numbers end at 2^22 on Linux: none has this one.
  const [dead, alive] = [`septum-serve-${2 ** 22 + 1}-x`, `septum-serve-${process.pid}-test`]
  for (const name of [dead, alive]) await mkdir(join(tmpdir(), name, 'in'), { recursive: true })
  await (await bed.start()).close()
  const left = readdirSync(tmpdir())
  expect([left.includes(dead), left.includes(alive)]).toEqual([false, true])
  rmSync(join(tmpdir(), alive), { recursive: true })
}, 30_000)

describe('watching', () => {
  it('models, health and metrics', async () => {
    const { models } = modelsSchema.parse(await (await fetch(at('/v1/models'))).json())
    expect(models).toMatchObject([
      { id: 'plane', classes: [{ name: 'bright' }, { name: 'dark' }], samples: 1 },
    ])
    expect(await (await fetch(at('/models.json'))).json()).toEqual({
      api: 'v1/',
      models: [{ id: 'plane', title: 'plane (Mean of a neighbourhood)', url: 'models/plane/' }],
    })
    await post(await picture())
    const health = await fetch(at('/health'))
    expect([health.status, healthSchema.parse(await health.json()).status]).toEqual([200, 'ok'])
    const text = await (await fetch(at('/metrics'))).text()
    expect(text).toMatch(/^septum_jobs_total\{state="done"\} [1-9]/m)
    expect(text).toMatch(/^septum_requests_total\{method="POST",route="\/v1\/segment",status="200"\} [1-9]/m)
    expect(text).toMatch(/^septum_resident_bytes\{process="worker"\} [1-9]/m)
    // The text format: comments, or a name with labels and a number.
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"\\\n]*"(,\w+="[^"\\\n]*")*\})? [-+\d.e]+)$/)
  })

  it('logs are JSON and hold no name of a file', async () => {
    await post(await picture(), '?model=Mueller')
    await fetch(at('/Mueller^Anna.dcm'))
    for (const line of bed.lines)
      expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/info|warn/) })
    const all = bed.lines.join('')
    expect(all).not.toContain('Mueller')
    expect(all).not.toContain(tmpdir())
    expect(all).toMatch(/"event":"job".*"state":"done"/)
  })
})
