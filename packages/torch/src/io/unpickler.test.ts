import { Random, SeptumError } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { failIn } from './fail.js'
import type { PickleValue } from './pickle-value.js'
import { plain, storageOf } from './plain.js'
import { type PthStorage, PthTensor } from './pth-tensor.js'
import { errorOf } from './testing.js'
import { unpickle } from './unpickler.js'

const fail = failIn('test.pth')

/** Reads a pickle given as text with one character for each byte. */
function read(text: string): PickleValue {
  const storages = new Map<string, PthStorage>()
  return unpickle(Buffer.from(text, 'latin1'), 0, (id) => storageOf(id, storages, fail).storage, fail).value
}

const string = (text: string) => `X${String.fromCharCode(text.length)}\0\0\0${text}`
const STORAGE = `(${string('storage')}ctorch\nFloatStorage\n${string('0')}${string('cpu')}K\x06tQ`
const ORDERED_DICT = 'ccollections\nOrderedDict\n'
const rebuild = (offset: string, size: string, stride: string, storage = STORAGE) =>
  `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${offset}${size}${stride}\x89${ORDERED_DICT})RtR`

describe('unpickle', () => {
  // Written by hand from the instruction table of Python's pickletools.py.
  it.each<[string, PickleValue]>([
    ['\x80\x02N.', null],
    ['K\xff.', 255],
    ['M\x01\x02.', 513],
    ['J\xff\xff\xff\xff.', -1],
    ['\x8a\0.', 0],
    ['\x8a\x01\xff.', -1],
    ['\x8a\x02\xff\0.', 255],
    ['\x8a\x09\0\0\0\0\0\0\0\0\x01.', 2n ** 64n],
    ['\x8a\x08\0\0\0\0\0\0\0\x80.', -(2n ** 63n)],
    ['G\x3f\xf8\0\0\0\0\0\0.', 1.5],
    ['U\x02hi.', 'hi'],
    ['T\x02\0\0\0hi.', 'hi'],
    ['X\x02\0\0\0\xc3\xa9.', 'é'],
    ['(K\x01K\x02l.', [1, 2]],
    ['((K\x011t.', []],
    ['K\x01K\x020.', 1],
    ['(K\x01K\x02d.', new Map([[1, 2]])],
    [`${ORDERED_DICT}](](K\x01K\x02ee\x85R.`, new Map([[1, 2]])],
    [`${ORDERED_DICT})R}${string('_metadata')}Nsb.`, new Map()],
    ['ctorch\nSize\n(K\x02K\x03t\x85R.', [2, 3]],
    ['ctorch\nbfloat16\n.', 'torch.bfloat16'],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  it('builds tensors', () => {
    const tensor = read(`${rebuild('K\x01', 'K\x02\x85', 'K\x02\x85')}.`) as PthTensor
    expect(tensor).toBeInstanceOf(PthTensor)
    expect(tensor).toMatchObject({ dtype: 'float32', shape: [2], strides: [2], storageOffset: 1 })
  })

  it.each([
    'cos\nsystem\n.',
    'cposix\nsystem\nX\x01\0\0\0a\x85R.',
    'c__builtin__\neval\n.',
    'cbuiltins\nexec\n.',
    'ctorch.hub\nload\n.',
    'ctorch._utils\n_rebuild_sparse_tensor\n.',
    'ctorch\nload\n.',
    'c\n\n.',
    'c__main__\nNet\n.',
    'ccollections\nOrderedDict.__class__\n.',
  ])('refuses the name in %j', (text) => {
    expect(errorOf(() => read(text)).code).toBe('pth-refused')
  })

  it.each([
    '',
    '.',
    'N',
    'NN.',
    '(N.',
    '(.',
    'K',
    'X\xff\xff\xff\xffa.',
    'X\x01\0\0\0\xff.',
    'U\x01\xff.',
    't.',
    '(0.',
    'h\0.',
    'q\0.',
    'Na.',
    '(t(Nea.',
    ')Na.',
    '](K\x01u.',
    '}(K\x01u.',
    ']Nb.',
    '}]b.',
    'NNR.',
    'NQ.',
    'cos',
    'ctorch\nFloatStorage\n)R.',
    `${ORDERED_DICT}N\x85R.`,
    `${ORDERED_DICT}](Ne\x85R.`,
    'ctorch\nSize\nK\x01\x85R.',
    'ctorch._utils\n_rebuild_tensor_v2\n)R.',
    'ctorch._utils\n_rebuild_parameter\nN\x89N\x87R.',
    '\x80\x03N.',
    "S'a'\n.",
    'I1\n.',
    'i',
    'o',
    '\x81',
    '\x82\x01',
    '\x93',
    'P0\n.',
    '\x8b\xff\xff\xff\x7f',
  ])('refuses the malformed %j', (text) => {
    expect(errorOf(() => read(text)).code).toBe('pth-pickle')
  })

  it.each([
    ['past the end', rebuild('K\x01', 'K\x06\x85', 'K\x01\x85')],
    ['a stride too large', rebuild('K\0', 'K\x02\x85', 'K\x06\x85')],
    ['a negative offset', rebuild('J\xff\xff\xff\xff', 'K\x01\x85', 'K\x01\x85')],
    ['a negative stride', rebuild('K\x05', 'K\x02\x85', 'J\xff\xff\xff\xff\x85')],
    ['a negative size', rebuild('K\0', 'J\xff\xff\xff\xff\x85', 'K\x01\x85')],
    ['a fraction', rebuild('K\0', 'G\x3f\xf8\0\0\0\0\0\0\x85', 'K\x01\x85')],
    ['fewer strides', rebuild('K\0', 'K\x01K\x01\x86', 'K\x01\x85')],
    ['2^62 times one element', rebuild('K\0', 'J\0\0\0\x40J\0\0\0\x40\x86', 'K\0K\0\x86')],
    ['2^30 times one element', rebuild('K\0', 'J\0\0\0\x40\x85', 'K\0\x85')],
    ['an empty view outside', rebuild('K\x07', 'K\0\x85', 'K\x01\x85')],
  ])('refuses a view with %s', (_, text) => {
    expect(errorOf(() => read(`${text}.`)).code).toBe('pth-view')
  })

  it.each([
    STORAGE.replace('FloatStorage', 'Size'),
    STORAGE.replace('ctorch\nFloatStorage', 'ctorch.storage\nTypedStorage'),
    STORAGE.replace('storage', 'modules'),
    STORAGE.replace('K\x06', 'J\xff\xff\xff\xff'),
    STORAGE.replace('K\x06', 'N'),
    STORAGE.replace('K\x06', 'K\x06(K\0t'),
    `${STORAGE}0${STORAGE.replace('K\x06', 'K\x07')}`,
    `${STORAGE}0${STORAGE.replace('Float', 'Long')}`,
  ])('refuses the storage %j', (text) => {
    expect(errorOf(() => read(`${text}.`)).code).toBe('pth-storage')
  })

  it('bounds what a small file can ask for', () => {
    const codes = [
      '('.repeat(1_100_000),
      'N'.repeat(1_100_000),
      `]q\0${'h\x000'.repeat(4_000_000)}`,
      `${ORDERED_DICT}q\0${'h\0)R0'.repeat(600_000)}`,
      // A list of 500,000 entries, copied by each of many calls.
      `ctorch\nSize\nq\0](${'K\x01'.repeat(500_000)}eq\x01${'h\0h\x01\x85R0'.repeat(1000)}`,
      `${ORDERED_DICT}q\0](${'(K\x01K\x02l'.repeat(100_000)}eq\x01${'h\0h\x01\x85R0'.repeat(100_000)}.`,
    ].map((text) => {
      const start = performance.now()
      const { code } = errorOf(() => read(text))
      expect(performance.now() - start).toBeLessThan(2000)
      return code
    })
    expect(codes).toEqual(['pth-limit', 'pth-limit', 'pth-limit', 'pth-limit', 'pth-pickle', 'pth-pickle'])
  })

  it('answers any mutation with a typed error or a value, soon', () => {
    const sample = `\x80\x02}q\0(${string('a')}q\x01${rebuild('K\x01', 'K\x02\x85', 'K\x02\x85')}q\x02${string('b')}](K\x01G\x3f\xf8\0\0\0\0\0\0\x88N(K\x01h\x01tu.`
    const random = new Random(7)
    const codes = new Set<string>()
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(sample, 'latin1')
      for (let n = random.int(4); n >= 0; n--) bytes[random.int(bytes.length)] = random.int(256)
      try {
        const known = new Map<string, PthStorage>()
        plain(unpickle(bytes, 0, (id) => storageOf(id, known, fail).storage, fail).value, fail)
      } catch (error) {
        if (!(error instanceof SeptumError)) throw error
        codes.add(error.code)
      }
    }
    expect(codes).toContain('pth-view')
    expect(codes).toContain('pth-refused')
  })
})

describe('plain', () => {
  const value = (text: string) => plain(read(text), fail)

  it.each([
    ['a list in itself', ']q\0h\0a.'],
    ['a dict in itself', '}q\0K\x01h\0s.'],
    ['a class', 'ctorch\nFloatStorage\n.'],
    ['a function', '](ctorch\nSize\ne.'],
    ['a tuple as a key', '}(K\x01K\x02tNs.'],
    ['101 levels', `${']'.repeat(101)}${'a'.repeat(100)}.`],
    // Level n is a list that holds level n - 1, all of them in one list, the deepest first.
    ['10,000 levels under a flat list', `(]q\0${'](h\0eq\0'.repeat(10_000)}t.`],
  ])('refuses %s', (_, text) => {
    expect(errorOf(() => value(text)).code).toBe('pth-plain')
  })

  it('accepts 100 levels, and a list shared 2^40 times', () => {
    expect(Array.isArray(value(`${']'.repeat(100)}${'a'.repeat(99)}.`))).toBe(true)
    const doubled = value(`]q\0${'0](h\0h\0eq\0'.repeat(40)}.`)
    expect(Array.isArray(doubled)).toBe(true)
  })

  it('turns a bare storage into a tensor', () => {
    expect(value(`${STORAGE}.`)).toMatchObject({ shape: [6], strides: [1], dtype: 'float32' })
  })
})
