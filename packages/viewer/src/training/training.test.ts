import { describe, expect, it } from 'vitest'
import { EventParser } from './event-parser.js'
import { duration, number, setting } from './format.js'
import { RunData, SCORE } from './run-data.js'
import { linear, logarithmic, roundStep } from './scale.js'
import { nearest, Series, smoothed } from './series.js'

describe('EventParser', () => {
  // The examples of the HTML standard, section 9.2.6, and pieces that end anywhere.
  it.each([
    ['data: YHOO\ndata: +2\ndata: 10\n\n', [{ event: 'message', data: 'YHOO\n+2\n10' }]],
    [
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
      [
        { event: 'message', data: 'first event' },
        { event: 'message', data: 'second event' },
        { event: 'message', data: ' third event' },
      ],
    ],
    [
      'data\n\ndata\ndata\n\ndata:',
      [
        { event: 'message', data: '' },
        { event: 'message', data: '\n' },
      ],
    ],
    [
      'data:test\r\n\r\ndata: test\r\n\r\n',
      [
        { event: 'message', data: 'test' },
        { event: 'message', data: 'test' },
      ],
    ],
    [
      'event: add\ndata: 7\n\nevent: none\n\ndata: 8\n\n',
      [
        { event: 'add', data: '7' },
        { event: 'message', data: '8' },
      ],
    ],
  ])('%j', (text, expected) => {
    expect(new EventParser().push(text)).toEqual(expected)
    const parser = new EventParser()
    expect(Array.from(text).flatMap((letter) => parser.push(letter))).toEqual(expected)
  })

  it('keeps the last id until another comes', () => {
    const parser = new EventParser()
    parser.push('id: 4\ndata: a\n\ndata: b\n\n')
    expect(parser.lastId).toBe('4')
  })
})

describe('curves', () => {
  it('smooth with the start corrected', () => {
    // w = 0.5: m = 1, 2.5 -> /(0.5, 0.75): (0.5*2)/0.5 = 2; (0.5*1 + 0.5*4)/0.75 = 10/3; (1.25 + 3)/0.875 = 34/7.
    const [a, b, c] = smoothed([2, 4, 6], 0.5)
    expect([a, b]).toEqual([2, 10 / 3])
    expect(c).toBeCloseTo(34 / 7, 12)
    expect(smoothed([3, 1, 2], 0)).toEqual([3, 1, 2])
  })

  it('stay bounded and even, and replace what comes twice', () => {
    const series = new Series(8)
    for (let x = 1; x <= 100; x++) series.add(x, 2 * x)
    expect(series.x.length).toBeLessThanOrEqual(8)
    const gaps = series.x.slice(1).map((x, i) => x - series.x[i]!)
    expect(new Set(gaps)).toEqual(new Set([16]))
    expect(series.y).toEqual(series.x.map((x) => 2 * x))
    const at = series.x[2]!
    series.add(at, -1)
    expect(series.y[2]).toBe(-1)
  })

  it('find the nearest point', () => {
    const points = { x: [10, 20, 40], y: [1, 2, 3] }
    expect([0, 14, 15, 16, 31, 99].map((at) => nearest(points, at))).toEqual([0, 0, 0, 1, 2, 2])
    expect(nearest({ x: [], y: [] }, 1)).toBe(-1)
  })
})

describe('axes', () => {
  it.each([
    [10, 5, 2],
    [1, 5, 0.2],
    [0.07, 4, 0.02],
    [4321, 5, 1000],
  ])('step of a span of %f in %i: %f', (span, count, step) => {
    expect(roundStep(span, count)).toBeCloseTo(step, 12)
  })

  it('linear ones end at round values', () => {
    const scale = linear(0.13, 0.87)
    expect(scale.ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
    expect([scale.at(0), scale.at(0.5), scale.at(1)]).toEqual([0, 0.5, 1])
    const flat = linear(3, 3)
    expect(flat.low).toBeLessThan(3)
    expect(flat.high).toBeGreaterThan(3)
  })

  it('logarithmic ones have powers of ten, or 1, 2 and 5 times them', () => {
    expect(logarithmic(0.0004, 30).ticks).toEqual([0.0001, 0.001, 0.01, 0.1, 1, 10, 100])
    expect(logarithmic(0.3, 4).ticks).toEqual([0.2, 0.5, 1, 2, 5])
    expect(logarithmic(0.1, 10).at(1)).toBeCloseTo(0.5, 12)
    expect(logarithmic(1, 1).ticks.length).toBeGreaterThan(1)
  })
})

describe('words', () => {
  it.each([
    [0.12345, '0.123'],
    [-12.5, '−12.5'],
    [12345.6, '12346'],
    [0.00002, '2.0e−5'],
    [0, '0'],
    [null, '–'],
    [Number.NaN, '–'],
  ])('number %f: %s', (value, text) => expect(number(value)).toBe(text))
  it.each([
    [0.2, '1 s'],
    [89, '89 s'],
    [300, '5 min'],
    [7200, '2 h'],
    [12_060, '3 h 21 min'],
    [187_200, '2 d 4 h'],
  ])('%f s: %s', (seconds, text) => expect(duration(seconds)).toBe(text))
  it.each([
    [[64, 64], '[64,64]'],
    [true, 'yes'],
    [null, '–'],
    [1e-4, '0.0001'],
  ])('setting %j: %s', (value, text) => expect(setting(value)).toBe(text))
})

describe('RunData', () => {
  const line = (step: number) => ({ step, phase: 'unet', phaseStep: step })
  const step = (at: number, total: number | null) =>
    ({
      event: 'step',
      data: { ...line(at), losses: { bce: 1, total }, learningRate: 0.1, samplesPerSecond: 4 },
    }) as const
  const validation = (at: number, score: number | null) =>
    ({ event: 'validation', data: { ...line(at), score, best: true, metrics: { dice: score } } }) as const

  it('keeps curves by phase, knows the best, and forgets at a reset', () => {
    const data = new RunData()
    for (const event of [step(1, 3), step(2, null), step(3, 1), validation(2, 0.5), validation(3, 0.4)])
      data.take(event)
    expect(data.phases).toEqual(['unet'])
    expect(data.losses('unet')).toEqual(['total', 'bce'])
    expect(data.metrics('unet')).toEqual([SCORE, 'dice'])
    expect(data.loss('unet', 'total')).toMatchObject({ x: [1, 3], y: [3, 1] })
    expect(data.best('unet')).toBe(2)
    data.take({ event: 'reset', data: {} })
    expect(data.loss('unet', 'total').x).toEqual([])
    expect(data.best('unet')).toBeUndefined()
  })

  it('keeps sheets by step, and a bounded number of them', () => {
    const data = new RunData()
    const sheet = (at: number, href = `${at}`) =>
      ({
        event: 'pictures',
        data: { ...line(at), href, cases: ['a'], classes: ['b'], tile: [1, 1] },
      }) as const
    for (let at = 1; at <= 401; at++) data.take(sheet(at))
    expect(data.sheets.length).toBe(201)
    expect([data.sheets[0]!.step, data.sheets.at(-1)!.step]).toEqual([1, 401])
    data.take(sheet(401, 'again'))
    expect(data.sheets.at(-1)!.href).toBe('again')
  })
})
