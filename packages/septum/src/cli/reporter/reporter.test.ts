import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { allowsColour, allowsUnicode, paintAnsi, paintNothing, textWidth } from '../terminal.js'
import { formatDetails, formatDuration, formatNumber } from './format.js'
import { JsonReporter } from './json-reporter.js'
import { progressLine } from './line.js'
import { Pace } from './pace.js'
import { PlainReporter } from './plain-reporter.js'
import { TerminalReporter } from './terminal-reporter.js'

/** A stream that keeps what was written and a clock that is moved by hand. */
function bench(columns = 80) {
  const events = new EventEmitter()
  const written: string[] = []
  const time = { now: 0 }
  const stream = {
    columns,
    isTTY: true,
    write: (text: string) => void written.push(text),
    on: (name: 'resize', listener: () => void) => events.on(name, listener),
    off: (name: 'resize', listener: () => void) => events.off(name, listener),
  }
  return { stream, written, time, events, clock: () => time.now }
}

/** What a terminal shows after these writes: enough of one to follow CR, LF, erase line and erase below. */
function screen(written: readonly string[]): string[] {
  const lines = ['']
  let column = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is parsed
  for (const [token] of written.join('').matchAll(/\x1b\[[JK]|[\s\S]/g)) {
    const last = lines.length - 1
    if (token === '\r') column = 0
    else if (token === '\n') {
      lines.push('')
      column = 0
    } else if (token.startsWith('\x1b')) lines[last] = lines[last]!.slice(0, column)
    else {
      lines[last] = lines[last]!.slice(0, column) + token + lines[last]!.slice(column + 1)
      column++
    }
  }
  return lines
}

describe('TerminalReporter', () => {
  const open = (columns?: number) => {
    const parts = bench(columns)
    const reporter = new TerminalReporter({
      stream: parts.stream,
      unicode: true,
      paint: paintNothing,
      clock: parts.clock,
    })
    return { ...parts, reporter }
  }

  it('draws at most ten times a second', () => {
    const { reporter, written, time } = open()
    const bar = reporter.progress('train', 1000, 'steps')
    for (let i = 1; i <= 1000; i++) {
      time.now = i / 500
      bar.update(i, { loss: 0.5 })
    }
    // 2 seconds: the first drawing and at most ten in each.
    expect(written.length).toBeLessThanOrEqual(21)
    expect(written.length).toBeGreaterThan(15)
    bar.finish()
  })

  it('keeps text above the line and leaves a summary', () => {
    const { reporter, written, time } = open()
    const bar = reporter.progress('train', 2, 'steps')
    time.now = 1
    bar.update(1, { loss: 0.5 })
    reporter.warn('look at\x1b[2J this')
    expect(screen(written)).toEqual([
      'warning: look at?[2J this',
      expect.stringMatching(/^train ━+╸?─+ {2}50 %/),
    ])
    time.now = 2
    bar.update(2, { loss: 0.25, case: 'a' })
    bar.finish()
    bar.update(1)
    expect(screen(written)).toEqual([
      'warning: look at?[2J this',
      '✓ train  2 steps · 0:02 · loss 0.2500',
      '',
    ])
  })

  it('counts one of something', () => {
    const { reporter, written } = open()
    const bar = reporter.progress('images', 1, 'images')
    bar.update(1)
    bar.finish()
    expect(screen(written)).toEqual(['✓ images  1 image · 0:00', ''])
  })

  it('shows the innermost task, which leaves nothing behind', () => {
    const { reporter, written } = open()
    const outer = reporter.progress('train', 2)
    const inner = reporter.progress('validation', 2)
    expect(screen(written)).toEqual([expect.stringMatching(/^validation/)])
    inner.finish()
    expect(screen(written)).toEqual([expect.stringMatching(/^train/)])
    outer.finish()
    expect(screen(written)).toEqual(['– train  0 of 2 · 0:00', ''])
  })

  it('redraws for a new width and lets go of the stream', () => {
    const { reporter, written, stream, events } = open(100)
    const bar = reporter.progress('train', 2)
    stream.columns = 20
    events.emit('resize')
    expect(textWidth(screen(written).at(-1)!)).toBeLessThan(20)
    bar.finish()
    expect(events.listenerCount('resize')).toBe(0)
  })

  it('says only warnings when it is quiet', () => {
    const { stream, written, clock } = bench()
    const reporter = new TerminalReporter({ stream, unicode: true, paint: paintNothing, clock, quiet: true })
    const bar = reporter.progress('train', 2)
    reporter.info('x')
    bar.update(1)
    bar.finish()
    reporter.warn('y')
    expect(written).toEqual(['warning: y\n'])
  })
})

describe('progressLine', () => {
  const state = {
    label: 'segmentor',
    done: 1234,
    total: 8500,
    unit: 'steps',
    details: { loss: 0.41237, 'samples/s': 118.4, 'best GED': 0.35 },
    elapsedSeconds: 63,
    secondsLeft: 371,
  }

  it('shows everything where there is room', () => {
    expect(progressLine(state, { columns: 140, unicode: true, paint: paintNothing })).toBe(
      `segmentor ━━━━${'─'.repeat(26)}  14 %  1234/8500 steps · loss 0.4124 · 118 samples/s · best GED 0.3500 · 1:03 · 6:11 left`,
    )
  })

  it('keeps what is most wanted in a narrow terminal', () => {
    expect(progressLine(state, { columns: 52, unicode: false, paint: paintNothing })).toBe(
      'segmentor [#........]  14 %  loss 0.4124 | 6:11 left',
    )
  })

  it.each(Array.from({ length: 130 }, (_, columns) => columns + 1))('fits %d columns', (columns) => {
    for (const unicode of [true, false]) {
      const line = progressLine(state, { columns, unicode, paint: paintNothing })
      expect(textWidth(line)).toBeLessThanOrEqual(Math.max(columns, '  14 %'.length))
    }
  })

  it('colours without changing the text', () => {
    const plain = progressLine(state, { columns: 90, unicode: true, paint: paintNothing })
    const coloured = progressLine(state, { columns: 90, unicode: true, paint: paintAnsi })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(plain)
    expect(coloured).not.toBe(plain)
  })
})

describe('PlainReporter', () => {
  it('speaks after 5 % and 10 seconds, after 5 minutes of silence, and at the end', () => {
    const { stream, written, time, clock } = bench()
    const reporter = new PlainReporter(stream, { clock })
    const bar = reporter.progress('train', 1000, 'steps')
    const at = (seconds: number, done: number) => {
      time.now = seconds
      bar.update(done, { loss: 0.5 })
    }
    at(1, 1)
    at(12, 120)
    at(15, 300)
    at(30, 310)
    at(35, 311)
    at(312, 320)
    at(331, 321)
    time.now = 340
    bar.finish()
    expect(written).toEqual([
      // Speed: (e^(-11/30) 1 + 119) units in (e^(-11/30) 1 + 11) s = 119.69 / 11.69 = 10.24; 880 / 10.24 = 86 s.
      'train: 120/1000 steps, 12 %, loss 0.5000, 0:12, 1:26 left\n',
      expect.stringMatching(/^train: 310\/1000 steps, 31 %, loss 0.5000, 0:30, /),
      expect.stringMatching(/^train: 321\/1000 steps, 32 %, loss 0.5000, 5:31, /),
      'train: stopped, 321 of 1000 steps, 5:40, loss 0.5000\n',
    ])
  })
})

describe('JsonReporter', () => {
  it('writes an event a line, progress once a second', () => {
    const { stream, written, time, clock } = bench()
    const reporter = new JsonReporter(stream, { clock })
    const bar = reporter.progress('train', 4)
    for (const [now, done] of [
      [0.5, 1],
      [1, 2],
      [1.5, 3],
    ] as const) {
      time.now = now
      bar.update(done, { loss: Number.NaN })
    }
    bar.finish()
    reporter.warn('w')
    const events = written.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events.map(({ event, done, finished }) => [event, done, finished])).toEqual([
      ['progress', 0, false],
      ['progress', 2, false],
      ['progress', 3, true],
      ['warning', undefined, undefined],
    ])
    expect(events[1]).toMatchObject({ details: { loss: null }, secondsLeft: 1 })
    expect(written.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
  })
})

describe('Pace', () => {
  it('knows a steady speed', () => {
    const pace = new Pace(0)
    expect(pace.secondsLeft(100, 0)).toBeUndefined()
    for (let i = 1; i <= 20; i++) pace.update(i, i * 2)
    expect(pace.speed).toBeCloseTo(0.5, 10)
    // 80 units at half a unit a second; 5 seconds later 5 fewer.
    expect(pace.secondsLeft(100, 40)).toBeCloseTo(160, 8)
    expect(pace.secondsLeft(100, 45)).toBeCloseTo(155, 8)
  })

  it('does not count the work before a resume', () => {
    const pace = new Pace(0)
    pace.update(5000, 1)
    expect(pace.speed).toBeUndefined()
    pace.update(5010, 11)
    expect(pace.speed).toBeCloseTo(1, 10)
  })

  it('follows a change of speed within a minute or two', () => {
    const pace = new Pace(0)
    for (let t = 1; t <= 300; t++) pace.update(t * 10, t)
    for (let t = 1; t <= 120; t++) pace.update(3000 + t, 300 + t)
    // The old speed weighs exp(-120 / 30) = 0.018: 1 + 9 * 0.018 = 1.16.
    expect(pace.speed).toBeCloseTo(1.165, 2)
  })
})

describe('numbers', () => {
  it.each([
    [7, '0:07'],
    [759.6, '12:40'],
    [11_100, '3:05:00'],
    [183_600, '2 d 03:00 h'],
    [Number.NaN, '-:--'],
  ])('%d seconds is %s', (seconds, expected) => expect(formatDuration(seconds)).toBe(expected))

  it.each([
    [0.41237, '0.4124'],
    [12.345, '12.35'],
    [1234.5, '1235'],
    [0.00012, '1.20e-4'],
    [3, '3'],
  ])('%d is %s', (value, expected) => expect(formatNumber(value)).toBe(expected))

  it('names details', () => {
    expect(formatDetails({ loss: 0.5, 'samples/s': 9.26, case: 'a\nb' })).toEqual([
      'loss 0.5000',
      '9.3 samples/s',
      'case a b',
    ])
  })
})

describe('terminal abilities', () => {
  it('honours NO_COLOR, TERM and the locale', () => {
    const tty = { isTTY: true, write() {} }
    expect(allowsColour(tty, {})).toBe(true)
    expect(allowsColour(tty, { NO_COLOR: '1' })).toBe(false)
    expect(allowsColour(tty, { NO_COLOR: '' })).toBe(true)
    expect(allowsColour(tty, { TERM: 'dumb' })).toBe(false)
    expect(allowsColour({ write() {} }, {})).toBe(false)
    expect(allowsUnicode({ LANG: 'de_DE.UTF-8' }, 'linux')).toBe(true)
    expect(allowsUnicode({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, 'linux')).toBe(false)
    expect(allowsUnicode({}, 'linux')).toBe(false)
    expect(allowsUnicode({}, 'darwin')).toBe(true)
  })
})
