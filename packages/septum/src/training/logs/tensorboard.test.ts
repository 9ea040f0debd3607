import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EventFileWriter } from './tensorboard.js'

const reader = fileURLToPath(new URL('read_events.py', import.meta.url))
/** Debian's python3-protobuf belongs to Debian's Python, which need not be the first on the path. */
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import google.protobuf']).status === 0,
)
if (!python) process.stderr.write('skipped: event files are read back only with python3-protobuf installed\n')

// A 1 x 1 PNG, 67 bytes.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-events-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function read(path: string): Record<string, unknown>[] {
  const lines = execFileSync(python!, [reader, path], { encoding: 'utf8' }).trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe.skipIf(!python)('EventFileWriter, read back by protobuf', () => {
  it('writes the version, scalars, images and text', () => {
    const writer = new EventFileWriter(folder)
    writer.scalar('loss/total', 0.25, 3)
    writer.scalar('loss/total', -1.5, 2 ** 33 + 1)
    writer.image('figure', png, { width: 1, height: 1, channels: 4 }, 300)
    writer.text('config', 'method: ä', 0)
    writer.close()
    const [version, first, late, image, text] = read(writer.path)
    expect(version).toEqual({
      wall_time: expect.closeTo(Date.now() / 1000, -2),
      file_version: 'brain.Event:2',
    })
    expect(first).toMatchObject({
      step: '3',
      summary: { value: [{ tag: 'loss/total', simple_value: 0.25 }] },
    })
    expect(late).toMatchObject({ step: '8589934593', summary: { value: [{ simple_value: -1.5 }] } })
    expect(image).toMatchObject({
      step: '300',
      summary: {
        value: [
          {
            tag: 'figure',
            image: { height: 1, width: 1, colorspace: 4, encoded_image_string: png.toString('base64') },
          },
        ],
      },
    })
    expect(text).toMatchObject({
      summary: {
        value: [
          {
            tag: 'config',
            metadata: { plugin_data: { plugin_name: 'text' } },
            tensor: {
              dtype: 7,
              tensor_shape: { dim: [{ size: '1' }] },
              string_val: [Buffer.from('method: ä').toString('base64')],
            },
          },
        ],
      },
    })
  })

  it('marks where a resumed run goes on', () => {
    const writer = new EventFileWriter(folder, { resumedAt: 40 })
    writer.close()
    expect(read(writer.path)[1]).toMatchObject({ step: '41', session_log: { status: 1 } })
  })
})

describe('EventFileWriter', () => {
  it('names files by second and host, and never writes into an old one', () => {
    const first = new EventFileWriter(folder)
    first.close()
    const second = new EventFileWriter(folder, { resumedAt: 1 })
    second.close()
    const names = readdirSync(folder).sort()
    expect(names).toHaveLength(2)
    for (const name of names) expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./)
    expect(names[0]).toContain(hostname())
    expect(names.map((name) => join(folder, name))).toEqual([first.path, second.path])
  })

  it('streams: a long run does not gather in memory', () => {
    const writer = new EventFileWriter(folder)
    for (let step = 0; step < 20_000; step++) writer.scalar('loss', step, step)
    // 20,000 records of at least 40 bytes, of which at most one block of 64 KiB still waits.
    expect(statSync(writer.path).size).toBeGreaterThan(20_000 * 40 - 65_536)
    writer.close()
  })

  it('refuses to write after it was closed', () => {
    const writer = new EventFileWriter(folder)
    writer.close()
    writer.close()
    expect(() => writer.scalar('loss', 1, 1)).toThrow(expect.objectContaining({ code: 'log-closed' }))
  })
})
