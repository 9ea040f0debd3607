import { describe, expect, it } from 'vitest'
import { formatScore } from './actions/scores.js'
import { formatTable, wrapText } from './table.js'
import { fitText, paintNothing, printable, textWidth } from './terminal.js'

const style = { columns: 40, paint: paintNothing }

describe('formatTable', () => {
  it('lines up columns, digits to the right, wide characters counted as two', () => {
    const heads = [{ title: 'name' }, { title: 'steps', align: 'right' as const }, { title: 'note' }]
    const rows = [
      ['肺', '5', 'x'],
      ['segmentor', '12345678', ''],
    ]
    expect(formatTable(heads, rows, style)).toEqual([
      'name          steps  note',
      '肺                5  x',
      'segmentor  12345678',
    ])
  })

  it('wraps or cuts the last column to the width', () => {
    const words = 'one two three four five six seven eight'
    const wrapped = formatTable([{ title: 'a' }, { title: 'b', wrap: true }], [['key', words]], style)
    expect(wrapped).toEqual(['a    b', 'key  one two three four five six seven', '     eight'])
    const cut = formatTable([{ title: 'a' }, { title: 'b' }], [['key', words]], style)
    expect(cut[1]).toBe('key  one two three four five six seven …')
  })
})

describe('formatScore', () => {
  it.each([
    [{ mean: 0.3232, interval: [0.298, 0.3514] as const }, '0.323 [0.298, 0.351]'],
    [{ mean: 12.345, interval: [9.99, 101] as const }, '12.35 [9.990, 101.0]'],
    [{ mean: 0.5, interval: null }, '0.500'],
    [{ mean: Number.NaN, interval: [0, 1] as const }, '-'],
    [{ mean: 0.5, interval: [Number.NaN, Number.NaN] as const }, '0.500'],
  ])('%j', (row, expected) => {
    expect(formatScore(row)).toBe(expected)
  })
})

describe('text', () => {
  it('measures and cuts by columns', () => {
    expect(textWidth('é肺🫁')).toBe(5)
    expect(fitText('肺肺肺', 5)).toBe('肺肺…')
    expect(fitText('abc', 0)).toBe('')
    expect(wrapText('a verylongword b', 5)).toEqual(['a', 'verylongword', 'b'])
  })

  it('shows control characters', () => {
    expect(printable('a\x1b[31mb\rc\u009b\n')).toBe('a?[31mb?c?\n')
  })
})
