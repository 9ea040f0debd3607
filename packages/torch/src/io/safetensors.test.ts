import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { Random, SeptumError } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { openSafetensors } from './safetensors.js'
import { digest, errorOf, expectedOf, fileOf, fixture, freshPath } from './testing.js'

/** A file laid out by hand from the format's text: u64 header length, header, data. */
function layOut(header: string | Uint8Array, data: number | Uint8Array = 0, claimed?: bigint): string {
  const json = typeof header === 'string' ? Buffer.from(header, 'utf8') : header
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(claimed ?? BigInt(json.length))
  return fileOf(
    Buffer.concat([length, json, typeof data === 'number' ? Buffer.alloc(data) : data]),
    'safetensors',
  )
}

const tensor = (dtype: string, shape: string, begin: number | string, end: number | string) =>
  `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`

describe('openSafetensors', () => {
  it('reads bytes laid out by hand', () => {
    // 1.0f is 00 00 80 3f, -2.0f is 00 00 00 c0 (IEEE 754, little-endian); 258 is 02 01.
    const header = `{"__metadata__":{"by":"hand"},"b":${tensor('I16', '1', 8, 10)},"a":${tensor('F32', '1,2', 0, 8)}}  `
    const data = Buffer.from('0000803f000000c00201', 'hex')
    const file = openSafetensors(layOut(header, data))
    expect(file.metadata).toEqual({ by: 'hand' })
    expect(file.names).toEqual(['a', 'b'])
    expect(file.entry('a')).toEqual({ dtype: 'float32', shape: [1, 2], bytes: 8 })
    expect([...new Float32Array(file.read('a').buffer)]).toEqual([1, -2])
    expect([...new Int16Array(file.read('b').buffer)]).toEqual([258])
    expect(file.read('a').byteOffset).toBe(0)
    expect(file.read('a').buffer).not.toBe(file.read('a').buffer)
    file.close()
    file.close()
    expect(errorOf(() => file.read('a')).code).toBe('file-closed')
  })

  it('reads the smallest file: an empty header', () => {
    const file = openSafetensors(layOut('{}      '))
    expect(file.names).toEqual([])
    expect(file.metadata).toEqual({})
    expect(errorOf(() => file.entry('x')).code).toBe('safetensors-no-tensor')
    file.close()
  })

  it('reads what the reference implementation has written', () => {
    type Described = { dtype: string; shape: number[]; bytes: string }
    const expected = expectedOf<{ metadata: Record<string, string>; tensors: Record<string, Described> }>(
      'reference.json',
    )
    const file = openSafetensors(fixture('reference.safetensors'))
    expect(file.metadata).toEqual(expected.metadata)
    expect([...file.names].sort()).toEqual(Object.keys(expected.tensors).sort())
    for (const [name, { dtype, shape, bytes }] of Object.entries(expected.tensors)) {
      expect(file.entry(name)).toMatchObject({ dtype, shape })
      expect(digest(file.read(name)), name).toBe(bytes)
    }
    file.close()
  })

  it('reads past 4 GiB without reading what lies before', () => {
    const big = 5 * 2 ** 30
    const header = `{"big":${tensor('U8', `${big}`, 0, big)},"end":${tensor('U8', '2', big, big + 2)}}`
    const path = layOut(header)
    const descriptor = openSync(path, 'r+')
    const start = 8 + header.length
    ftruncateSync(descriptor, start + big + 2)
    writeSync(descriptor, Buffer.from([7, 9]), 0, 2, start + big)
    closeSync(descriptor)
    const file = openSafetensors(path)
    expect([...file.read('end')]).toEqual([7, 9])
    file.close()
  })

  it('keeps names that are special to JavaScript', () => {
    const header = `{"__proto__":${tensor('U8', '1', 0, 1)},"1":${tensor('U8', '1', 1, 2)},"__metadata__":{"__proto__":"x"}}`
    const file = openSafetensors(layOut(header, 2))
    expect(file.names).toEqual(['__proto__', '1'])
    expect(Object.entries(file.metadata)).toEqual([['__proto__', 'x']])
    file.close()
  })

  const one = tensor('F32', '2', 0, 8)
  const violations: [string, string, () => string][] = [
    ['no such file', 'file-missing', () => '/nowhere/x.safetensors'],
    ['a folder', 'file-not-regular', () => '/'],
    ['an empty file', 'safetensors-header-length', () => fileOf(new Uint8Array(0))],
    ['seven bytes', 'safetensors-header-length', () => fileOf(new Uint8Array(7))],
    ['a header longer than the file', 'safetensors-header-length', () => layOut('{}', 0, 3n)],
    ['a header over 100 MB', 'safetensors-header-length', () => layOut('{}', 0, 100_000_001n)],
    ['a header of 2^64 - 1', 'safetensors-header-length', () => layOut('{}', 0, 2n ** 64n - 1n)],
    ['no header', 'safetensors-header-start', () => layOut('')],
    ['an array', 'safetensors-header-start', () => layOut('[]')],
    ['a space first', 'safetensors-header-start', () => layOut(' {}')],
    ['a byte-order mark', 'safetensors-header-start', () => layOut('\ufeff{}')],
    ['not UTF-8', 'safetensors-header-utf8', () => layOut(Buffer.from('{"\xff":1}', 'latin1'))],
    ['half a character', 'safetensors-header-json', () => layOut(`{"\\ud800":${one}}`, 8)],
    ['not JSON', 'safetensors-header-json', () => layOut('{"a":}')],
    ['a comma too many', 'safetensors-header-json', () => layOut(`{"a":${one},}`, 8)],
    ['a raw line break in a name', 'safetensors-header-json', () => layOut(`{"a\n":${one}}`, 8)],
    ['a cut header', 'safetensors-header-json', () => layOut(`{"a":${one}`, 8)],
    ['two values', 'safetensors-header-json', () => layOut('{}{}')],
    ['zeros as padding', 'safetensors-header-json', () => layOut('{}\0\0')],
    ['deep nesting', 'safetensors-header-json', () => layOut(`{"a":${'['.repeat(100_000)}`)],
    ['a tensor twice', 'safetensors-duplicate', () => layOut(`{"a":${one},"a":${one}}`, 8)],
    [
      'a tensor twice by an escape',
      'safetensors-duplicate',
      () => layOut(`{"a":${one},"\\u0061":${one}}`, 8),
    ],
    ['two __metadata__', 'safetensors-duplicate', () => layOut('{"__metadata__":{},"__metadata__":{}}')],
    ['a field twice', 'safetensors-duplicate', () => layOut(`{"a":{"dtype":"F32",${one.slice(1)}}`, 8)],
    ['a metadata key twice', 'safetensors-duplicate', () => layOut('{"__metadata__":{"a":"","a":""}}')],
    ['metadata that is a list', 'safetensors-metadata', () => layOut('{"__metadata__":[]}')],
    ['metadata that is null', 'safetensors-metadata', () => layOut('{"__metadata__":null}')],
    ['a number in metadata', 'safetensors-metadata', () => layOut('{"__metadata__":{"epoch":3}}')],
    ['a nest in metadata', 'safetensors-metadata', () => layOut('{"__metadata__":{"a":{"b":"c"}}}')],
    ['a tensor that is a number', 'safetensors-entry', () => layOut('{"a":1}')],
    ['no dtype', 'safetensors-entry', () => layOut('{"a":{"shape":[],"data_offsets":[0,0]}}')],
    ['no shape', 'safetensors-entry', () => layOut('{"a":{"dtype":"U8","data_offsets":[0,0]}}')],
    ['no offsets', 'safetensors-entry', () => layOut('{"a":{"dtype":"U8","shape":[0]}}')],
    ['three offsets', 'safetensors-entry', () => layOut(`{"a":${tensor('U8', '1', 0, '1,1')}}`, 1)],
    ['an unknown dtype', 'safetensors-dtype-unknown', () => layOut(`{"a":${tensor('f32', '2', 0, 8)}}`, 8)],
    [
      'a dtype of Object',
      'safetensors-dtype-unknown',
      () => layOut(`{"a":${tensor('toString', '', 0, 8)}}`, 8),
    ],
    ['F8_E4M3', 'safetensors-dtype-unread', () => layOut(`{"a":${tensor('F8_E4M3', '2', 0, 2)}}`, 2)],
    ['F8_E5M2', 'safetensors-dtype-unread', () => layOut(`{"a":${tensor('F8_E5M2', '2', 0, 2)}}`, 2)],
    ['U16', 'safetensors-dtype-unread', () => layOut(`{"a":${tensor('U16', '1', 0, 2)}}`, 2)],
    ['a negative size', 'safetensors-shape', () => layOut(`{"a":${tensor('F32', '-2', 0, 8)}}`, 8)],
    ['a size of 2.0', 'safetensors-shape', () => layOut(`{"a":${tensor('F32', '2.0', 0, 8)}}`, 8)],
    ['a size of 2e0', 'safetensors-shape', () => layOut(`{"a":${tensor('F32', '2e0', 0, 8)}}`, 8)],
    ['a size of -0', 'safetensors-shape', () => layOut(`{"a":${tensor('F32', '-0', 0, 0)}}`)],
    ['a size as text', 'safetensors-shape', () => layOut(`{"a":${tensor('F32', '"2"', 0, 8)}}`, 8)],
    ['a size of 2^64', 'safetensors-overflow', () => layOut(`{"a":${tensor('U8', `${2n ** 64n}`, 0, 0)}}`)],
    // 2^32 * 2^32 = 2^64, which is 0 in 64 bits.
    [
      'a product of 2^64',
      'safetensors-overflow',
      () => layOut(`{"a":${tensor('U8', '4294967296,4294967296', 0, 0)}}`),
    ],
    ['bytes of 2^53', 'safetensors-overflow', () => layOut(`{"a":${tensor('F64', `${2 ** 50}`, 0, 0)}}`)],
    [
      'offsets that run backwards',
      'safetensors-offsets',
      () => layOut(`{"a":${tensor('F32', '2', 8, 0)}}`, 8),
    ],
    ['a negative offset', 'safetensors-offsets', () => layOut(`{"a":${tensor('F32', '2', -8, 0)}}`)],
    [
      'an offset of 2^53',
      'safetensors-offsets',
      () => layOut(`{"a":${tensor('U8', '0', `${2 ** 53}`, `${2 ** 53}`)}}`),
    ],
    ['an offset of 8.0', 'safetensors-offsets', () => layOut(`{"a":${tensor('F32', '2', 0, '8.0')}}`, 8)],
    ['fewer bytes than elements', 'safetensors-size', () => layOut(`{"a":${tensor('F32', '2', 0, 4)}}`, 4)],
    ['more bytes than elements', 'safetensors-size', () => layOut(`{"a":${tensor('F32', '', 0, 8)}}`, 8)],
    ['a hole first', 'safetensors-hole', () => layOut(`{"a":${tensor('F32', '1', 4, 8)}}`, 8)],
    ['a hole between', 'safetensors-hole', () => layOut(`{"a":${one},"b":${tensor('U8', '1', 9, 10)}}`, 10)],
    ['the same bytes twice', 'safetensors-overlap', () => layOut(`{"a":${one},"b":${one}}`, 8)],
    ['an overlap', 'safetensors-overlap', () => layOut(`{"a":${one},"b":${tensor('F32', '1', 4, 8)}}`, 8)],
    [
      'an empty tensor inside',
      'safetensors-overlap',
      () => layOut(`{"a":${one},"b":${tensor('F32', '0', 4, 4)}}`, 8),
    ],
    ['data after the end', 'safetensors-incomplete', () => layOut(`{"a":${one}}`, 9)],
    ['data cut short', 'safetensors-incomplete', () => layOut(`{"a":${one}}`, 7)],
    ['data without tensors', 'safetensors-incomplete', () => layOut('{}', 1)],
  ]
  it.each(violations)('refuses %s: %s', (_, code, make) => {
    const path = make()
    const error = errorOf(() => openSafetensors(path))
    expect(error.code).toBe(code)
    expect(error.place.file).toBe(path)
    expect(error.hint).not.toBe('')
  })

  it('names the tensor, fit for a terminal', () => {
    const name = `\\u001b[31m${'x'.repeat(200)}`
    const error = errorOf(() => openSafetensors(layOut(`{"${name}":${tensor('F32', '2', 0, 4)}}`, 4)))
    expect(error.message).toContain('tensor "\\u001b[31mxxx')
    expect(error.message.length).toBeLessThan(200)
  })

  it('refuses truth values other than 0 and 1 when they are read', () => {
    const file = openSafetensors(layOut(`{"a":${tensor('BOOL', '3', 0, 3)}}`, Buffer.from([0, 1, 2])))
    expect(errorOf(() => file.read('a'))).toMatchObject({ code: 'bool-value', message: /tensor "a"/ })
    file.close()
  })

  it('answers any mutation with a typed error or with tensors of the right size', () => {
    const original = readFileSync(fixture('reference.safetensors'))
    const header = Number(original.readBigUInt64LE(0))
    const random = new Random(1)
    const path = freshPath('safetensors')
    const codes = new Set<string>()
    for (let round = 0; round < 1500; round++) {
      const bytes = Buffer.from(original)
      for (let n = random.int(3); n >= 0; n--) bytes[random.int(8 + header)] = mutant(random)
      const cut = random.int(10) === 0 ? random.int(bytes.length) : bytes.length
      closeSync(openAndWrite(path, bytes.subarray(0, cut)))
      try {
        const file = openSafetensors(path)
        for (const name of file.names) expect(file.read(name).length).toBe(file.entry(name).bytes)
        file.close()
      } catch (error) {
        if (!(error instanceof SeptumError)) throw error
        codes.add(error.code)
      }
    }
    expect(codes.size).toBeGreaterThan(8)
  })
})

/** A byte that is likely to matter: digits and punctuation of JSON half of the time. */
function mutant(random: Random): number {
  const telling = '0123456789-.,:"[]{}\\ eF'
  return random.int(2) === 0 ? telling.charCodeAt(random.int(telling.length)) : random.int(256)
}

function openAndWrite(path: string, bytes: Uint8Array): number {
  const descriptor = openSync(path, 'w')
  writeSync(descriptor, bytes)
  return descriptor
}
