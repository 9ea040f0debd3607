import { describe, expect, it } from 'vitest'
import { History } from './history.js'
import { once } from './once.js'
import { parseSpacing } from './settings.js'

describe('History', () => {
  it('undoes and redoes', () => {
    const history = new History(1, () => 0)
    history.set(2, 'a')
    history.set(3, 'b')
    history.undo()
    expect(history.present).toBe(2)
    history.undo()
    history.undo()
    expect(history.present).toBe(1)
    history.redo()
    expect(history.present).toBe(2)
    history.set(9, 'c')
    expect(history.canRedo).toBe(false)
  })

  it('a dragged slider is one step, two separate moves are two', () => {
    let time = 0
    const history = new History(0, () => time)
    for (let value = 1; value <= 5; value++) {
      time += 50
      history.set(value, 'slider')
    }
    time += 5000
    history.set(6, 'slider')
    history.undo()
    expect(history.present).toBe(5)
    history.undo()
    expect(history.present).toBe(0)
  })

  it('forgets when another image is opened', () => {
    const history = new History(0, () => 0)
    history.set(1, 'a')
    history.reset(0)
    expect(history.canUndo).toBe(false)
  })
})

describe('parseSpacing', () => {
  it.each([
    ['0.7', [0.7, 0.7]],
    ['0,7', [0.7, 0.7]],
    ['0.7 x 0.8', [0.7, 0.8]],
    ['0.7×0.8', [0.7, 0.8]],
    ['  ', null],
    ['-1', undefined],
    ['0', undefined],
    ['wide', undefined],
    ['1 x', undefined],
    ['1 x 2 x 3', undefined],
  ] as const)('%j', (text, expected) => {
    expect(parseSpacing(text)).toEqual(expected)
  })
})

describe('once', () => {
  it('computes again only for other arguments', () => {
    let calls = 0
    const double = once((value: number) => {
      calls++
      return 2 * value
    })
    expect([double(1), double(1), double(2), double(1)]).toEqual([2, 2, 4, 2])
    expect(calls).toBe(3)
  })
})
