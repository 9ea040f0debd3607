import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../workers/testing.js'
import { contentKey, DiskCache } from './index.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'septum-cache-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const entry = {
  arrays: {
    image: Float32Array.of(0.5, -3, Number.NaN),
    masks: Uint8Array.of(1, 2, 3, 4, 5),
    places: Uint32Array.of(7, 4_000_000_000),
    empty: new Int16Array(0),
  },
  data: { size: [1, 3], maxValue: 1, labels: null },
}
const fileOf = (key: string) => join(dir, `${key}.entry`)
const large = (value: number) => ({ arrays: { values: new Uint8Array(1000).fill(value) }, data: null })

describe('entries', () => {
  it('come back as they were, in another process too', async () => {
    expect(await new DiskCache(dir, { maxBytes: 1e6 }).set('a', entry)).toBe(true)
    const back = await new DiskCache(dir, { maxBytes: 1e6 }).get('a')
    expect(back).toEqual(entry)
    expect(readdirSync(dir)).toEqual(['a.entry'])
  })

  it('damaged anywhere, cut anywhere or empty count as missing and are removed', async () => {
    const cache = new DiskCache(dir, { maxBytes: 1e6 })
    await cache.set('a', entry)
    const whole = readFileSync(fileOf('a'))
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(fileOf('a'), whole.subarray(0, length))
      expect(await cache.get('a')).toBeUndefined()
      expect(readdirSync(dir)).toEqual([])
    }
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1 << (at % 8)
      writeFileSync(fileOf('a'), damaged)
      expect(await cache.get('a'), `byte ${at}`).toBeUndefined()
    }
    writeFileSync(fileOf('a'), Buffer.concat([whole, Buffer.alloc(8)]))
    expect(await cache.get('a')).toBeUndefined()
  })

  it('never leave the folder by their key', async () => {
    const cache = new DiskCache(dir, { maxBytes: 1e6 })
    await expect(cache.get('../a')).rejects.toThrow(/cannot name/)
  })
})

describe('size', () => {
  it('is bounded; what was used longest ago goes', async () => {
    const cache = new DiskCache(dir, { maxBytes: 4000 })
    // An entry takes 1,000 bytes and its header, between 1,100 and 1,333.
    for (const [i, key] of ['a', 'b', 'c'].entries()) {
      await cache.set(key, large(i))
      utimesSync(fileOf(key), 1000 + i, 1000 + i)
    }
    expect(statSync(fileOf('a')).size).toBeLessThan(1333)
    expect(await cache.get('a')).toBeDefined()
    await cache.set('d', large(4))
    expect(readdirSync(dir).sort()).toEqual(['a.entry', 'c.entry', 'd.entry'])
    expect(await cache.get('b')).toBeUndefined()
  })

  it('keeps nothing that is larger than all of it', async () => {
    const cache = new DiskCache(dir, { maxBytes: 500 })
    expect(await cache.set('a', large(1))).toBe(false)
    expect(readdirSync(dir)).toEqual([])
  })

  it('counts entries of before, and clears what a dead process left after an hour', async () => {
    await new DiskCache(dir, { maxBytes: 1e6 }).set('old', large(1))
    utimesSync(fileOf('old'), 1000, 1000)
    writeFileSync(join(dir, 'x-1-abc.part'), 'half')
    writeFileSync(join(dir, 'y-2-def.part'), 'being written')
    utimesSync(join(dir, 'x-1-abc.part'), 1000, 1000)
    await new DiskCache(dir, { maxBytes: 2000 }).set('new', large(2))
    expect(readdirSync(dir).sort()).toEqual(['new.entry', 'y-2-def.part'])
  })

  it('a folder that cannot be made costs the cache, not the run', async () => {
    writeFileSync(join(dir, 'file'), '')
    const cache = new DiskCache(join(dir, 'file', 'below'), { maxBytes: 1e6 })
    expect(await cache.set('a', entry)).toBe(false)
    expect(await cache.get('a')).toBeUndefined()
  })
})

describe('keys', () => {
  it('follow content and settings, not names and times', async () => {
    const [a, b] = [join(dir, 'a'), join(dir, 'b')]
    writeFileSync(a, 'same')
    writeFileSync(b, 'same')
    const key = await contentKey([a], { x: 1, y: [2] })
    expect(await contentKey([b], { y: [2], x: 1 })).toBe(key)
    expect(await contentKey([a], { x: 1, y: [3] })).not.toBe(key)
    expect(await contentKey([a, b], { x: 1, y: [2] })).not.toBe(key)
    writeFileSync(a, 'other')
    expect(await contentKey([a], { x: 1, y: [2] })).not.toBe(key)
    writeFileSync(a, 'same')
    chmodSync(a, 0o600)
    expect(await contentKey([a], { x: 1, y: [2] })).toBe(key)
  })
})

describe('several processes', () => {
  it('write, read and evict the same entries; no read is ever wrong, even when writers are killed', async () => {
    const { program, remove } = await bundle(new URL('./hammer.testing.ts', import.meta.url))
    const start = (seconds: number) => spawn(process.execPath, [fileURLToPath(program), dir, `${seconds}`])
    const ended = (child: ReturnType<typeof start>) => {
      let [out, errors] = ['', '']
      child.stdout.on('data', (data) => {
        out += data
      })
      child.stderr.on('data', (data) => {
        errors += data
      })
      return new Promise<{ code: number | null; out: string; errors: string }>((resolve) =>
        child.on('close', (code) => resolve({ code, out, errors })),
      )
    }
    const readers = [start(3), start(3)].map(ended)
    for (let i = 0; i < 5; i++) {
      const victim = start(10)
      const dead = ended(victim)
      await new Promise((resolve) => setTimeout(resolve, 250 + 30 * i))
      victim.kill('SIGKILL')
      await dead
    }
    for (const { code, out, errors } of await Promise.all(readers)) {
      expect(errors).toBe('')
      expect(code).toBe(0)
      expect(Number(out)).toBeGreaterThan(20)
    }
    const kept = readdirSync(dir).filter((name) => name.endsWith('.entry'))
    const bytes = kept.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
    // Each process checks after its own writes: two others may have added an entry of 80,300 bytes meanwhile.
    expect(bytes).toBeLessThanOrEqual(400_000 + 2 * 80_400)
    remove()
  })
})
