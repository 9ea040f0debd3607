import { checkpoint, keep, liveTensors, nn, noGrad, ones, randn, scope, type Tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'

describe('scope', () => {
  it('frees what is not returned', () => {
    const before = liveTensors()
    const x = scope(() => {
      const a = ones([2])
      const b = a.add(1)
      return b.mul(2)
    })
    expect(liveTensors()).toBe(before + 1)
    expect(x.toArray()).toEqual([4, 4])
    x.free()
    expect(liveTensors()).toBe(before)
  })

  it('lets tensors in arrays, objects and maps go to the scope outside', () => {
    const before = liveTensors()
    scope(() => {
      const { list, map, deep } = scope(() => {
        const [a, b, c] = [ones([1]), ones([2]), ones([3])]
        ones([9])
        return { list: [a], map: new Map([['b', b]]), deep: { c, more: [{ none: null, text: 'x' }] } }
      })
      expect([list[0]!.shape, map.get('b')!.shape, deep.c.shape]).toEqual([[1], [2], [3]])
      expect(liveTensors()).toBe(before + 3)
    })
    expect(liveTensors()).toBe(before)
  })

  it('frees after an error too, and keeps what was given to keep()', () => {
    const before = liveTensors()
    let kept: Tensor | undefined
    expect(() =>
      scope(() => {
        kept = keep(ones([1]))
        ones([2])
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(liveTensors()).toBe(before + 1)
    expect(kept!.item()).toBe(1)
    kept!.free()
  })

  it('does not free tensors of outer scopes that are returned or used', () => {
    const outer = ones([1])
    expect(scope(() => outer)).toBe(outer)
    expect(scope(() => outer.add_(1))).toBe(outer)
    expect(outer.item()).toBe(2)
  })

  it('nests deeply and holds many tensors', () => {
    const before = liveTensors()
    const deep = (n: number): number => (n === 0 ? 0 : scope(() => ones([1]).item() + deep(n - 1)))
    expect(deep(200)).toBe(200)
    scope(() => {
      for (let i = 0; i < 70_000; i++) ones([1])
    })
    expect(liveTensors()).toBe(before)
  })

  it('frees the graph of a training step, its gradients stay until zeroGrad', () => {
    const model = new nn.Linear(3, 2)
    const before = liveTensors()
    for (let i = 0; i < 3; i++) {
      scope(() =>
        model
          .forward(randn([4, 3]))
          .sum()
          .backward(),
      )
      expect(model.weight.grad!.shape).toEqual([2, 3])
      model.zeroGrad()
    }
    // `grad` above made three handles that the garbage collector has yet to take.
    expect(liveTensors() - before).toBeLessThanOrEqual(3)
  })
})

it('checkpoint leaves nothing behind, with and without a graph', () => {
  const model = new nn.Sequential(new nn.Linear(3, 3), new nn.Tanh())
  const segment = (x: Tensor) => model.forward(x)
  const step = () => {
    scope(() =>
      checkpoint(segment, randn([2, 3]).requiresGrad_())
        .sum()
        .backward(),
    )
    scope(() => void checkpoint(segment, randn([2, 3])))
    scope(() => void noGrad(() => checkpoint(segment, randn([2, 3]))))
  }
  step()
  const before = liveTensors()
  for (let i = 0; i < 5; i++) step()
  expect(liveTensors()).toBe(before)
})
