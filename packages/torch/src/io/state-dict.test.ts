import { describe, expect, it } from 'vitest'
import type { PthValue } from './pickle-value.js'
import { openPth } from './pth.js'
import type { PthTensor } from './pth-tensor.js'
import { flattenStateDict } from './state-dict.js'
import { errorOf, fixture } from './testing.js'

const rootOf = (name: string) => openPth(fixture(name)).root
const tensor = (rootOf('dtypes.pth') as Map<string, PthTensor>).get('float32')!
const map = (entries: Record<string, PthValue>): PthValue => new Map(Object.entries(entries))

// The names that nn.Conv2d and nn.BatchNorm2d give their tensors in PyTorch.
const NAMES = [
  'conv.weight',
  'conv.bias',
  'norm.weight',
  'norm.bias',
  'norm.running_mean',
  'norm.running_var',
  'norm.num_batches_tracked',
]

describe('flattenStateDict', () => {
  it('takes a state dict as it is', () => {
    const { tensors, unwrapped, skipped } = flattenStateDict(rootOf('state-dict.pth'))
    expect([...tensors.keys()]).toEqual(NAMES)
    expect(unwrapped).toEqual([])
    expect(skipped).toEqual([])
  })

  it('finds it in a training checkpoint of a DataParallel model', () => {
    const { tensors, unwrapped } = flattenStateDict(rootOf('training.pth'))
    expect([...tensors.keys()]).toEqual(NAMES)
    expect(unwrapped).toEqual(['state_dict', 'module.'])
    expect(tensors.get('conv.weight')!.shape).toEqual([3, 2, 3, 3])
  })

  it.each([
    ['model', map({ model: map({ a: tensor }), epoch: 1 }), ['a'], ['model']],
    [
      'two wrappers',
      map({ net: map({ model_state_dict: map({ a: tensor }) }) }),
      ['a'],
      ['net', 'model_state_dict'],
    ],
    [
      'nested modules',
      map({ encoder: map({ a: tensor }), head: map({ b: map({ c: tensor }) }) }),
      ['encoder.a', 'head.b.c'],
      [],
    ],
    ['a compiled parallel model', map({ 'module._orig_mod.a': tensor }), ['a'], ['module.', '_orig_mod.']],
    ['a prefix of some names only', map({ 'module.a': tensor, b: tensor }), ['module.a', 'b'], []],
    ['a wrapper without tensors', map({ model: map({ depth: 3 }), a: tensor }), ['a'], []],
    ['a layer called model', map({ model: map({ '0.weight': tensor }) }), ['0.weight'], ['model']],
  ])('%s', (_, root, names, unwrapped) => {
    const result = flattenStateDict(root)
    expect([...result.tensors.keys()]).toEqual(names)
    expect(result.unwrapped).toEqual(unwrapped)
  })

  it('bounds a dict that is shared along 2^60 paths', () => {
    let root = map({ weight: tensor })
    for (let level = 0; level < 60; level++) root = map({ a: root, b: root })
    expect(errorOf(() => flattenStateDict(root)).code).toBe('pth-names')
  })

  it('says what it has left out', () => {
    const root = map({ a: tensor, version: 2, extra: map({ note: 'x' }) })
    expect(flattenStateDict(root).skipped).toEqual(['version', 'extra'])
  })

  it.each([
    ['pth-no-tensors', map({ epoch: 3, config: 'x' })],
    ['pth-no-tensors', 3],
    ['pth-no-tensors', [1, 2]],
    ['pth-names', tensor],
    ['pth-names', map({ 'a.b': tensor, a: map({ b: tensor }) })],
  ])('throws %s', (code, root) => {
    expect(errorOf(() => flattenStateDict(root, 'x.pth'))).toMatchObject({ code, place: { file: 'x.pth' } })
  })
})
