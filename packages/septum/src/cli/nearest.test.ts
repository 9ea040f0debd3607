import { describe, expect, it } from 'vitest'
import { editDistance, nearest } from './nearest.js'

describe('nearest', () => {
  it.each([
    ['trian', 'train'],
    ['arseg', 'ar-seg'],
    ['Evaluate', 'evaluate'],
    ['predct', 'predict'],
    ['metod', undefined],
    ['xyz', undefined],
  ])('%s means %s', (word, expected) => {
    expect(nearest(word, ['train', 'predict', 'evaluate', 'ar-seg', 'unet'])).toBe(expected)
  })

  // Counted by hand: kitten -> sitten -> sittin -> sitting; a swap of neighbours is one change.
  it.each([
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['', 'abc', 3],
    ['same', 'same', 0],
  ])('%s to %s takes %d changes', (a, b, changes) => {
    expect(editDistance(a, b)).toBe(changes)
  })
})
