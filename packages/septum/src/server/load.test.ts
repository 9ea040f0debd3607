import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { picture, type TestBed, testBed } from './testing/test-server.js'

let bed: TestBed
beforeAll(async () => {
  bed = await testBed()
}, 60_000)
afterAll(() => bed.close())

// The long run is bench/server-load.mjs.
it('six seconds at capacity: 200 or 429, a worker that does not grow, few jobs on disk', async () => {
  const before = new Set(readdirSync(tmpdir()))
  const server = await bed.start({ limits: { queue: 3, keepJobs: 8 } })
  const url = `http://127.0.0.1:${server.port}`
  const body = await picture(0, [64, 64])
  const statuses = new Map<number, number>()
  const resident: number[] = []
  const end = Date.now() + 6000
  const client = async () => {
    while (Date.now() < end) {
      const response = await fetch(`${url}/v1/segment`, { method: 'POST', body: new Uint8Array(body) })
      await response.arrayBuffer()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      if (response.status === 429) await sleep(20)
    }
  }
  const watch = async () => {
    while (Date.now() < end) {
      await sleep(500)
      if (server.queue.workerBytes > 0) resident.push(server.queue.workerBytes)
    }
  }
  await Promise.all([watch(), ...Array.from({ length: 8 }, client)])
  expect([...statuses.keys()].sort()).toEqual([200, 429])
  expect(statuses.get(200)!).toBeGreaterThan(10)
  const late = resident.slice(resident.length >> 1)
  expect(late.at(-1)! / late[0]!).toBeLessThan(1.2)
  const spool = readdirSync(tmpdir()).find((name) => name.startsWith('septum-serve-') && !before.has(name))!
  // Eight are kept; a few more may be on their way in or out.
  expect(readdirSync(join(tmpdir(), spool)).length).toBeLessThan(20)
  expect(server.queue.restarts).toBe(0)
  await server.close()
}, 60_000)
