import { describe, expect, it } from 'vitest'
import { LabelFusion, type LabelRule, maskOfClass, stackedMasks } from './label-fusion.js'

const fused = (rule: LabelRule, maps: readonly number[][], turns = maps.map((_, c) => c)) => {
  const fusion = new LabelFusion(maps[0]!.length, rule)
  for (const c of turns) fusion.add(c, Float32Array.from(maps[c]!))
  return [...fusion.labels]
}

describe('LabelFusion', () => {
  it('takes the most probable class above one half, the first of equal ones, in any order', () => {
    const maps = [
      [0.6, 0.9, 0.4, 0.5, 0.7],
      [0.7, 0.8, 0.3, 0.5, 0.7],
    ]
    // Labels need not rise with the classes.
    const rule = { labels: [7, 4] }
    expect(fused(rule, maps)).toEqual([4, 7, 0, 0, 7])
    expect(fused(rule, maps, [1, 0])).toEqual([4, 7, 0, 0, 7])
  })

  it('paints regions in their order, whatever order they come in', () => {
    // nnU-Net's BraTS: whole (2), core (1), enhancing (3) are painted one over the other.
    const rule = { labels: [3, 2, 1], order: [1, 2, 0] }
    const maps = [
      [0, 0, 0.6, 0, 0.51],
      [0.6, 0.9, 0.7, 0.5, 0],
      [0, 0.6, 0.9, 0, 0.99],
    ]
    for (const turns of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ])
      expect(fused(rule, maps, turns)).toEqual([2, 1, 3, 0, 3])
  })

  it('paints over a region whose label is that of a smaller one', () => {
    // Both = 1 + 2 has no label of its own and is painted as 1; right = 2 lies over it, left = 1 too.
    const rule = { labels: [1, 2, 1], order: [0, 1, 2] }
    const maps = [
      [1, 1, 1],
      [0, 1, 0],
      [0, 0, 1],
    ]
    expect(fused(rule, maps)).toEqual([1, 2, 1])
  })
})

it('a region is where any of its labels is', () => {
  const labels = Uint8Array.from([0, 1, 2, 3])
  const whole = { label: 2, region: [1, 2, 3] }
  const core = { label: 1, region: [1, 3] }
  expect([...maskOfClass(labels, whole)]).toEqual([0, 1, 1, 1])
  expect([...maskOfClass(labels, { label: 2 })]).toEqual([0, 0, 1, 0])
  expect([...stackedMasks(labels, [whole, core])]).toEqual([0, 1, 1, 1, 0, 1, 0, 1])
})
