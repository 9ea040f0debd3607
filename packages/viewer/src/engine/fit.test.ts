import { describe, expect, it } from 'vitest'
import fixture from '../fixtures/viewer.json' with { type: 'json' }
import { bilinear, networkSize, placementOf, toImage, toNetwork } from './fit.js'

const fixed = (side: number) => ({ trained: [side, side], fixed: true, multipleOf: 1 })
const crop = { fit: 'crop' } as const
const numbers = (length: number) => Float32Array.from({ length }, (_, i) => i + 1)

describe('bilinear', () => {
  const { size, plane, to } = fixture.resize
  it.each(to)('to $size equals PyTorch', ({ size: target, values }) => {
    const made = bilinear(Float32Array.from(plane), size as [number, number], target as [number, number])
    expect(made.length).toBe(values.length)
    for (const [i, value] of values.entries()) expect(made[i]).toBeCloseTo(value, 5)
  })
})

describe('placement', () => {
  it('takes the middle, the rest of an odd difference at the far side', () => {
    // (5 - 2) / 2 = 1.5, rounded down as in training.
    const placement = placementOf([5, 5], fixed(2), crop)
    expect(placement).toEqual({ kind: 'crop', window: [2, 2], top: 1, left: 1 })
    // Rows 1 and 2, columns 1 and 2 of 1 … 25.
    const seen = toNetwork(numbers(25), [5, 5], placement)
    expect([...seen]).toEqual([7, 8, 12, 13])
    const back = toImage(seen, [5, 5], placement, 'nearest')
    expect([...back]).toEqual([0, 0, 0, 0, 0, 0, 7, 8, 0, 0, 0, 12, 13, ...new Array(12).fill(0)])
  })

  it('puts a smaller image into the middle and takes it out of there', () => {
    const placement = placementOf([1, 2], fixed(4), crop)
    // (1 - 4) / 2 = -1.5, rounded down: two rows above, one below; columns one and one.
    const seen = toNetwork(numbers(2), [1, 2], placement)
    expect([...seen]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0])
    expect([...toImage(seen, [1, 2], placement, 'nearest')]).toEqual([1, 2])
  })

  it('follows a chosen centre and stays inside the image', () => {
    const at = (y: number, x: number) => placementOf([8, 8], fixed(4), crop, [y, x])
    expect(at(4, 5)).toMatchObject({ top: 2, left: 3 })
    expect(at(0, 99)).toMatchObject({ top: 0, left: 4 })
  })

  it('takes any size as it is, and stretches where training did', () => {
    const any = { trained: [4, 4], fixed: false, multipleOf: 2 }
    expect(placementOf([9, 7], any, crop)).toEqual({ kind: 'whole' })
    const stretch = placementOf([2, 2], any, { fit: 'stretch' })
    expect(networkSize([2, 2], stretch)).toEqual([4, 4])
    // Each pixel of a 4 x 4 map that covers a quarter comes back as its nearest one: rows and columns 1 and 3.
    expect([...toImage(numbers(16), [2, 2], stretch, 'nearest')]).toEqual([6, 8, 14, 16])
  })
})
