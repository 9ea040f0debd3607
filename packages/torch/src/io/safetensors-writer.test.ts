import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSafetensors } from './safetensors.js'
import { type SafetensorsSource, writeSafetensors } from './safetensors-writer.js'
import { errorOf, fixture, freshPath } from './testing.js'

const source = (
  name: string,
  dtype: SafetensorsSource['dtype'],
  shape: number[],
  hex: string,
): SafetensorsSource => ({
  name,
  dtype,
  shape,
  data: () => Buffer.from(hex, 'hex'),
})

describe('writeSafetensors', () => {
  it('lays bytes out as the format says', () => {
    const path = freshPath('safetensors')
    // The longer elements first: f64 before u8, whatever the order given. 1.0 is 00 00 00 00 00 00 f0 3f.
    writeSafetensors(
      path,
      [source('a', 'uint8', [2], '0507'), source('b', 'float64', [], '000000000000f03f')],
      { k: 'v' },
    )
    const header =
      '{"__metadata__":{"k":"v"},"b":{"dtype":"F64","shape":[],"data_offsets":[0,8]},' +
      '"a":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}}'
    // 26 + 54 + 55 = 131 characters with the comma and the brace, padded to 136 = 0x88.
    expect(header.length).toBe(131)
    const expected = Buffer.concat([
      Buffer.from('8800000000000000', 'hex'),
      Buffer.from(`${header}     `),
      Buffer.from('000000000000f03f0507', 'hex'),
    ])
    expect(readFileSync(path)).toEqual(expected)
  })

  it('writes the smallest file', () => {
    const path = freshPath('safetensors')
    writeSafetensors(path, [])
    // Length 8, then {} and six spaces.
    expect(readFileSync(path).toString('hex')).toBe('08000000000000007b7d202020202020')
  })

  it('writes, in any order given, the same bytes as the reference implementation', () => {
    const file = openSafetensors(fixture('reference.safetensors'))
    const sources = file.names.map((name) => ({ name, ...file.entry(name), data: () => file.read(name) }))
    for (const order of [sources, [...sources].reverse()]) {
      const path = freshPath('safetensors')
      writeSafetensors(path, order, file.metadata)
      expect(readFileSync(path)).toEqual(readFileSync(fixture('reference.safetensors')))
    }
    file.close()
  })

  it('asks for one tensor at a time, once, in the order of the file', () => {
    const asked: string[] = []
    const make = (name: string): SafetensorsSource => ({
      name,
      dtype: 'uint8',
      shape: [1],
      data: () => {
        asked.push(name)
        return new Uint8Array(1)
      },
    })
    function* stream() {
      yield make('b')
      yield make('a')
      yield make('10')
    }
    writeSafetensors(freshPath('safetensors'), stream())
    expect(asked).toEqual(['10', 'a', 'b'])
  })

  const good = source('a', 'uint8', [1], '01')
  const refusals: [string, SafetensorsSource[], Record<string, string>][] = [
    ['safetensors-name', [good, good], {}],
    ['safetensors-name', [source('__metadata__', 'uint8', [1], '01')], {}],
    ['safetensors-name', [source('\ud800', 'uint8', [1], '01')], {}],
    ['safetensors-dtype-unwritten', [source('a', 'complex64', [1], '00'.repeat(8))], {}],
    ['safetensors-shape', [source('a', 'uint8', [-1], '')], {}],
    ['safetensors-shape', [source('a', 'uint8', [2 ** 32, 2 ** 32], '')], {}],
    ['safetensors-size', [good, source('b', 'uint8', [2], '01')], {}],
    ['safetensors-metadata', [good], { epoch: 3 as unknown as string }],
    ['safetensors-header-length', [good], { text: 'x'.repeat(100_000_000) }],
  ]
  it.each(refusals)('answers %s and leaves what was there', (code, tensors, metadata) => {
    const path = freshPath('safetensors')
    writeFileSync(path, 'before')
    const error = errorOf(() => writeSafetensors(path, tensors, metadata))
    expect(error).toMatchObject({ code, place: { file: path } })
    expect(readFileSync(path, 'utf8')).toBe('before')
    expect(readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`))).toEqual([])
  })

  it('passes on the error of a tensor that cannot be had', () => {
    const path = freshPath('safetensors')
    const data = () => {
      throw new RangeError('freed')
    }
    expect(() => writeSafetensors(path, [{ ...good, data }])).toThrow(RangeError)
    expect(existsSync(path)).toBe(false)
  })

  it('says where it cannot write', () => {
    expect(errorOf(() => writeSafetensors('/nowhere/x.safetensors', [good])).code).toBe('file-missing')
    const file = freshPath('txt')
    writeFileSync(file, '')
    expect(errorOf(() => writeSafetensors(`${file}/x`, [good])).code).toBe('file-unreadable')
    expect(errorOf(() => writeSafetensors(dirname(file), [good])).code).toBe('file-unreadable')
    expect(existsSync(`${dirname(file)}.${process.pid}.tmp`)).toBe(false)
  })
})
