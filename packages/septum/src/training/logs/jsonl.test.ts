import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { JsonLinesLog } from './jsonl.js'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-log-'))
  path = join(folder, 'log.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true }))

function writeSteps(from: number, to: number): void {
  const log = new JsonLinesLog(path)
  for (let step = from; step <= to; step++) {
    log.write({ step, loss: 1 / step })
    if (step % 10 === 0) log.write({ step, phase: 'autoencoder', score: step / 100 })
  }
  log.close()
}

describe('JsonLinesLog', () => {
  it('writes one JSON object a line, NaN as null', () => {
    const log = new JsonLinesLog(path)
    log.write({ step: 1, loss: Number.NaN, note: 'two\nlines' })
    log.close()
    expect(readFileSync(path, 'utf8')).toBe('{"step":1,"loss":null,"note":"two\\nlines"}\n')
  })

  it('reaches the disk within about a second without being closed', async () => {
    const log = new JsonLinesLog(path)
    log.write({ step: 1 })
    expect(readFileSync(path, 'utf8')).toBe('')
    await wait(1300)
    expect(readFileSync(path, 'utf8')).toBe('{"step":1}\n')
    log.close()
  })

  it('creates no file before the first line', () => {
    const log = new JsonLinesLog(path)
    log.resumeAt(5)
    log.close()
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    ['between lines', ''],
    ['inside a line', '{"step":48,"lo'],
    ['inside a line that already is JSON', '{"step":48}'],
    ['with a block of zeros after a power cut', '\0\0\0\0\n'],
  ])('after a kill %s, resuming gives the log of an uninterrupted run', (_, tail) => {
    writeSteps(1, 100)
    const uninterrupted = readFileSync(path, 'utf8')
    rmSync(path)
    writeSteps(1, 47)
    appendFileSync(path, tail)
    new JsonLinesLog(path).resumeAt(40)
    writeSteps(41, 100)
    expect(readFileSync(path, 'utf8')).toBe(uninterrupted)
  })

  it('finds its place in a log of many blocks, with characters across their borders', () => {
    const line = (step: number) => `${JSON.stringify({ step, note: 'é'.repeat(700) })}\n`
    const lines = Array.from({ length: 300 }, (_, i) => line(i))
    writeFileSync(path, lines.join(''))
    new JsonLinesLog(path).resumeAt(250)
    expect(readFileSync(path, 'utf8')).toBe(lines.slice(0, 251).join(''))
  })

  it('says where a log cannot be opened', () => {
    expect(() => new JsonLinesLog(join(folder, 'missing', 'log.jsonl')).write({ step: 1 })).toThrow(
      expect.objectContaining({ code: 'log-open', place: { file: join(folder, 'missing', 'log.jsonl') } }),
    )
  })
})
