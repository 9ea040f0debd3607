import { tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { diceBce } from './dice-bce.js'
import { classTargets, countedSamples } from './targets.js'

const labels = tensor([[[[0, 1, 2, 255]]]]).to({ dtype: 'uint8' }) // [1, 1, 1, 4]
const values = (t: { toTypedArray(): unknown }) => [...(t.toTypedArray() as Float32Array)]

describe('targets', () => {
  it('are one class a label, or unions of labels', () => {
    expect(values(classTargets(labels, 2))).toEqual([0, 1, 0, 0, 0, 0, 1, 0])
    const regions = [[1, 2], [2]]
    expect(values(classTargets(labels, { classes: ['whole', 'core'], regions }))).toEqual([
      0, 1, 1, 0, 0, 0, 1, 0,
    ])
    expect(values(classTargets(labels, { classes: ['a', 'b'] }))).toEqual([0, 1, 0, 0, 0, 0, 1, 0])
  })

  it('count everywhere but under the ignore label, where a task has one', () => {
    expect(countedSamples(labels, {})).toBeNull()
    expect(values(countedSamples(labels, { ignores: true })!)).toEqual([1, 1, 1, 0])
  })
})

describe('the loss of what counts', () => {
  it('is that of the other samples alone, in value and gradient', () => {
    // The fourth sample of each class counts 0, so both classes are those of the first three.
    const logits = tensor([[[[0.3, -1, 2, 7]], [[0.1, 0.5, -0.4, -9]]]]).requiresGrad_() // [1, 2, 1, 4]
    const target = classTargets(labels, 2)
    const some = diceBce(logits, target, countedSamples(labels, { ignores: true }))
    some.dice.add(some.bce).backward()
    const few = tensor([[[[0.3, -1, 2]], [[0.1, 0.5, -0.4]]]]).requiresGrad_()
    const all = diceBce(few, classTargets(labels.narrow(3, 0, 3), 2))
    all.dice.add(all.bce).backward()
    expect(some.dice.item()).toBeCloseTo(all.dice.item(), 6)
    expect(some.bce.item()).toBeCloseTo(all.bce.item(), 6)
    const [a, b] = [values(logits.grad!), values(few.grad!)]
    expect([a[3], a[7]]).toEqual([0, 0])
    const kept = a.filter((_, i) => i % 4 < 3)
    for (const [i, value] of b.entries()) expect(kept[i]).toBeCloseTo(value, 6)
    // BCE by hand: the mean of log(1 + exp(x)) - x y, with targets 0 1 0 and 0 0 1.
    const each = [
      [0.3, 0],
      [-1, 1],
      [2, 0],
      [0.1, 0],
      [0.5, 0],
      [-0.4, 1],
    ]
    const mean = each.reduce((sum, [x, y]) => sum + Math.log1p(Math.exp(x!)) - x! * y!, 0) / 6
    expect(some.bce.item()).toBeCloseTo(mean, 5)
  })

  it('is 0 where nothing counts', () => {
    const nothing = diceBce(tensor([[[[1, -2]]]]), tensor([[[[1, 0]]]]), tensor([[[[0, 0]]]]))
    expect(nothing.bce.item()).toBe(0)
    // (0 + s) / (0 + s) leaves no loss.
    expect(nothing.dice.item()).toBeCloseTo(0, 6)
  })
})
