import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findRuns, flatten } from './folder.js'
import { LogReader } from './log-reader.js'
import { RunFollower } from './run-follower.js'
import { RunShelf } from './run-shelf.js'
import { standingOf } from './state.js'
import { makeRun, statusOf, stepLine, validationLine } from './testing.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'septum-runs-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('LogReader', () => {
  const file = () => join(root, 'log.jsonl')
  const texts = async (reader: LogReader) => (await reader.read()).lines.map(({ text }) => text)

  it('reads what was added, and half lines only once they are whole', async () => {
    const reader = new LogReader(file())
    expect(await reader.read()).toEqual({ lines: [], restarted: false, more: false })
    writeFileSync(file(), 'one\ntwo\nthr')
    expect(await texts(reader)).toEqual(['one', 'two'])
    expect(await texts(reader)).toEqual([])
    appendFileSync(file(), 'ee\n')
    expect(await texts(reader)).toEqual(['three'])
  })

  it('is told when a resumed run cut its log and wrote on past the old end', async () => {
    writeFileSync(file(), [1, 2, 3].map((n) => stepLine(n)).join(''))
    const reader = new LogReader(file())
    expect(await texts(reader)).toHaveLength(3)
    truncateSync(file(), stepLine(1).length)
    expect(await reader.read()).toMatchObject({ restarted: true, lines: [{}] })
    appendFileSync(file(), stepLine(2, 9) + stepLine(3, 9) + stepLine(4, 9))
    expect(await texts(reader)).toHaveLength(3)
    // Another log of the same lines' lengths: the last bytes differ.
    writeFileSync(file(), [5, 6, 7, 8].map((n) => stepLine(n)).join(''))
    const again = await reader.read()
    expect(again.restarted).toBe(true)
    expect(again.lines).toHaveLength(4)
    rmSync(file())
    expect(await reader.read()).toEqual({ lines: [], restarted: true, more: false })
  })

  it('goes on from a place that was kept, and begins anew where the place is not of this log', async () => {
    writeFileSync(file(), 'one\ntwo\n')
    const first = new LogReader(file())
    await first.read()
    appendFileSync(file(), 'three\n')
    expect(await texts(new LogReader(file(), first.place))).toEqual(['three'])
    const foreign = new LogReader(file(), { offset: 4, mark: '0123456789abcdef' })
    expect(await foreign.read()).toMatchObject({ restarted: true, lines: [{}, {}, {}] })
    const beyond = new LogReader(file(), { offset: 4000, mark: '0123456789abcdef' })
    expect((await beyond.read()).restarted).toBe(true)
  })

  it('reads much in parts, with characters across the borders of blocks', async () => {
    const line = 'é'.repeat(40_001)
    writeFileSync(file(), `${Array.from({ length: 9 }, () => line).join('\n')}\n`)
    const reader = new LogReader(file())
    let count = 0
    for (let more = true; more; ) {
      const part = await reader.read(1 << 17)
      for (const { text } of part.lines) expect(text).toBe(line)
      count += part.lines.length
      expect(part.lines.length).toBeLessThan(5)
      more = part.more
    }
    expect(count).toBe(9)
  })

  it('passes over a file that is no log', async () => {
    writeFileSync(file(), `${'x'.repeat(5 << 20)}\nend\n`)
    const found = await texts(new LogReader(file()))
    expect(found.at(-1)).toBe('end')
  })
})

describe('standing of a run', () => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString()
  const alive = (_pid: number): boolean => true
  const fresh = { finished: false, changed: now - 2000 }
  it.each([
    ['at work', { updated: at(3), started: at(900) }, fresh, alive, 'running'],
    ['silent', { updated: at(90), started: at(900) }, fresh, alive, 'stalled'],
    ['killed on this machine', { updated: at(3), started: at(9) }, fresh, () => false, 'failed'],
    ['killed elsewhere', { updated: at(90), host: 'other', started: at(900) }, fresh, () => false, 'stalled'],
    ['elsewhere', { updated: at(3), host: 'other', started: at(900) }, fresh, () => false, 'running'],
    [
      'stuck in a step',
      { updated: at(3), started: at(9000) },
      { finished: false, changed: now - 400_000 },
      alive,
      'stalled',
    ],
    [
      'in a long step',
      { updated: at(3), started: at(9000), secondsPerStep: 60 },
      { finished: false, changed: now - 400_000 },
      alive,
      'running',
    ],
    [
      'in a long validation',
      { updated: at(3), started: at(9000), activity: 'validating' as const },
      { finished: false, changed: now - 4e6 },
      alive,
      'running',
    ],
    ['finished', { state: 'finished' as const, updated: at(9e6) }, fresh, () => false, 'finished'],
    ['interrupted', { state: 'interrupted' as const, updated: at(9e6) }, fresh, () => false, 'interrupted'],
    [
      'failed',
      { state: 'failed' as const, error: { code: 'loss-not-finite', message: 'NaN' } },
      fresh,
      alive,
      'failed',
    ],
  ] as const)('%s', (_, more, traces, isAlive, expected) => {
    const standing = standingOf(statusOf(more), traces, now, isAlive)
    expect(standing.state).toBe(expected)
    expect(standing.reason === undefined).toBe(['running', 'finished', 'interrupted'].includes(expected))
  })

  it.each([
    ['finished', { finished: true, changed: now - 1e9 }],
    ['running', { finished: false, changed: now - 1000 }],
    ['stalled', { finished: false, changed: now - 1e6 }],
    ['stalled', { finished: false, changed: null }],
  ] as const)('of an older run: %s', (expected, traces) => {
    expect(standingOf(null, traces, now, alive).state).toBe(expected)
  })
})

describe('runs of a folder', () => {
  it('are found below it, a few levels deep, and links are not followed', async () => {
    makeRun(root, 'a')
    makeRun(root, 'grid/lr 0.1')
    makeRun(root, 'too/many/levels/down')
    mkdirSync(join(root, 'empty'))
    makeRun(root, 'a/inside')
    symlinkSync(join(root, 'a'), join(root, 'link'))
    const { runs, left } = await findRuns(root)
    expect(runs.map(({ id, name }) => [id, name])).toEqual([
      ['a', 'a'],
      ['grid~2flr~200.1', 'grid/lr 0.1'],
    ])
    expect(left).toBe(0)
    // The folder of one run is a folder of runs.
    expect((await findRuns(join(root, 'a'))).runs.map(({ id }) => id)).toEqual(['a'])
    expect((await findRuns(join(root, 'nowhere'))).runs).toEqual([])
  })

  it('come the last changed first; ids are compared, never joined to a path', async () => {
    makeRun(root, 'old', stepLine(1), statusOf({ state: 'finished', updated: '2020-01-01T00:00:00.000Z' }))
    makeRun(root, 'new', stepLine(1), statusOf())
    utimesSync(join(root, 'old/log.jsonl'), 1, 1)
    const shelf = new RunShelf(root)
    expect((await shelf.list()).runs.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'new running',
      'old finished',
    ])
    for (const id of ['..', '../old', 'old/', 'OLD', '']) expect(await shelf.find(id)).toBeUndefined()
    expect(await shelf.find('old')).toBeDefined()
  })

  it('tell of their best validation, time left and settings, and of no path', async () => {
    const folder = makeRun(
      root,
      'run',
      stepLine(10) + validationLine(10, 0.5) + stepLine(20) + validationLine(20, 0.75),
      statusOf(),
    )
    const follower = new RunFollower({ id: 'run', name: 'run', folder })
    // 70 of 100 steps are left, half a second each.
    expect(await follower.detail()).toMatchObject({
      dataset: 'lidc',
      best: [{ phase: 'unet', step: 20, score: 0.75 }],
      secondsLeft: 35,
      config: { method: 'unet', 'data.path': 'lidc', 'options.lr': 0.1 },
    })
    appendFileSync(
      join(folder, 'log.jsonl'),
      `${validationLine(30, null)}no json\n{"event":"other"}\n${validationLine(40, 0.7)}`,
    )
    expect((await follower.view()).best).toEqual([{ phase: 'unet', step: 20, score: 0.75 }])
    // Resumed at step 10: the better one is undone.
    truncateSync(join(folder, 'log.jsonl'), stepLine(10).length + validationLine(10, 0.5).length)
    expect((await follower.view()).best).toEqual([{ phase: 'unet', step: 10, score: 0.5 }])
  })

  it('are told of although their files are damaged', async () => {
    const folder = makeRun(root, 'run', 'garbage\n')
    writeFileSync(join(folder, 'status.json'), '{"state":"runn')
    writeFileSync(join(folder, 'config.yaml'), 'a: [')
    const found = await new RunFollower({ id: 'run', name: 'run', folder }).detail()
    expect(found).toMatchObject({ state: 'running', method: null, config: {}, steps: null })
  })

  it('flatten keeps lists and empty objects, and shortens folders', () => {
    expect(flatten({ a: { b: [1, 2], c: {} }, d: 'C:\\data\\ct', e: '/data/ct/' })).toEqual({
      'a.b': [1, 2],
      'a.c': {},
      d: 'ct',
      e: 'ct',
    })
  })
})
