import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { fromAffineLps, type MedicalImage, toAffineLps } from '@septum/core'
import { afterAll, describe, expect, it } from 'vitest'
import { readImage, readImageHeader, writeImage } from '../registry.js'
import { problemOf, testFolder } from '../volume/testing.js'

const { dir, put, remove } = testFolder('metaimage')
afterAll(remove)

const ramp = Int16Array.from({ length: 24 }, (_, at) => at * 10 - 7)
const little = Buffer.from(ramp.buffer)
const big = Buffer.from(little).swap16()

/** A file by the definition of MetaIO, itk.org/Wiki/ITK/MetaIO/Documentation. */
function meta(
  fields: Readonly<Record<string, string | number>>,
  samples: Uint8Array | string = '',
  dataFile = 'LOCAL',
) {
  const all = {
    ObjectType: 'Image',
    NDims: 3,
    DimSize: '2 3 4',
    ElementType: 'MET_SHORT',
    ...fields,
    ElementDataFile: dataFile,
  }
  const text = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`)
  return Buffer.concat([Buffer.from(text.join(''), 'latin1'), Buffer.from(samples as Uint8Array)])
}

const read = (content: Uint8Array, name = 'case.mha') => readImage(put(name, content))

describe('encodings and byte orders give the same samples', () => {
  it.each([
    ['raw', meta({ BinaryData: 'True', BinaryDataByteOrderMSB: 'False' }, little)],
    ['big-endian', meta({ BinaryData: 'True', BinaryDataByteOrderMSB: 'True' }, big)],
    ['big-endian by the other name', meta({ ElementByteOrderMSB: 'True' }, big)],
    ['compressed', meta({ CompressedData: 'True', CompressedDataSize: 99 }, deflateSync(little))],
    ['text', meta({ BinaryData: 'False' }, ramp.join(' '))],
  ])('%s', async (_, content) => {
    const { data, shape } = await read(content)
    expect([...data]).toEqual([...ramp])
    expect(shape).toEqual([1, 4, 3, 2])
  })

  it('samples in a file of their own, after a header, for each slice, listed', async () => {
    put('one.raw', little)
    expect([...(await read(meta({}, '', 'one.raw'), 'one.mhd')).data]).toEqual([...ramp])
    put('headed.raw', Buffer.concat([Buffer.alloc(77), little]))
    for (const size of [77, -1]) {
      expect([...(await read(meta({ HeaderSize: size }, '', 'headed.raw'), 'headed.mhd')).data]).toEqual([
        ...ramp,
      ])
    }
    for (let z = 0; z < 4; z++) put(`slice${z + 1}.raw`, little.subarray(z * 12, z * 12 + 12))
    expect([...(await read(meta({}, '', 'slice%d.raw 1 4 1'), 'many.mhd')).data]).toEqual([...ramp])
    const list = meta({}, 'slice1.raw\nslice2.raw\nslice3.raw\nslice4.raw\n', 'LIST')
    expect([...(await read(list, 'list.mhd')).data]).toEqual([...ramp])
    expect((await problemOf(read(meta({}, '', '../one.raw'), 'out.mhd'))).code).toBe('volume-data-file')
  })
})

it('geometry: rows of TransformMatrix are the axes; spacing, origin; LPS', async () => {
  // Axis x runs along world y, axis y along world -x: a quarter turn about z.
  const fields = { TransformMatrix: '0 1 0 -1 0 0 0 0 1', Offset: '10 20 30', ElementSpacing: '2 3 4' }
  const { geometry } = await read(meta(fields, little))
  expect(toAffineLps(geometry!).map((value) => value + 0)).toEqual([
    0, -3, 0, 10, 2, 0, 0, 20, 0, 0, 4, 30, 0, 0, 0, 1,
  ])
})

it('colours become channels; a fourth axis too', async () => {
  const rgb = meta(
    { NDims: 2, DimSize: '2 4', ElementType: 'MET_UCHAR_ARRAY', ElementNumberOfChannels: 3 },
    Uint8Array.from({ length: 24 }, (_, at) => at),
  )
  const colour = await read(rgb)
  expect(colour.shape).toEqual([3, 4, 2])
  expect([...colour.data.subarray(0, 8)]).toEqual([0, 3, 6, 9, 12, 15, 18, 21])
  const frames = await readImageHeader(put('frames.mha', meta({ NDims: 4, DimSize: '2 3 2 2' }, little)))
  expect(frames.shape).toEqual([2, 2, 3, 2])
})

it.each([
  ['too few samples', meta({}, little.subarray(1)), 'volume-broken'],
  ['no samples named', Buffer.from('ObjectType = Image\nNDims = 3\n'), 'volume-broken'],
  ['a surface', meta({ ObjectType: 'Mesh' }, little), 'volume-unsupported'],
  ['an unknown type', meta({ ElementType: 'MET_STRING' }, little), 'volume-unsupported'],
  ['a parallel axis', meta({ TransformMatrix: '1 0 0 1 0 0 0 0 1' }, little), 'volume-geometry'],
  ['spacing 0', meta({ ElementSpacing: '1 0 1' }, little), 'volume-geometry'],
  ['a short matrix', meta({ TransformMatrix: '1 0 0 1' }, little), 'volume-broken'],
  ['compressed data that are none', meta({ CompressedData: 'True' }, little), 'volume-broken'],
])('refuses %s', async (_, content, code) => {
  expect((await problemOf(read(content))).code).toBe(code)
})

it('writes what it reads; refuses what a plane of MetaImage cannot keep', async () => {
  const geometry = fromAffineLps([2, 0, 0.125, 1, 0.5, 3, 0, 2, 0, -0.25, 4, 3, 0, 0, 0, 1])
  const images: MedicalImage[] = [
    { data: ramp, shape: [1, 4, 3, 2], geometry, maxValue: 1 },
    { data: Float32Array.from(ramp), shape: [2, 2, 3, 2], geometry, maxValue: 1 },
    { data: Uint32Array.from(ramp), shape: [1, 4, 3, 2], geometry, maxValue: 1 },
  ]
  for (const [i, image] of images.entries()) {
    const file = join(dir, `written${i}.mha`)
    await writeImage(file, image)
    const back = await readImage(file)
    expect(back.data).toEqual(image.data)
    expect(back.shape).toEqual(image.shape)
    toAffineLps(back.geometry!).forEach((value, at) => {
      expect(value).toBeCloseTo(toAffineLps(geometry)[at]!, 12)
    })
  }
  const plane = { data: ramp, shape: [2, 4, 3], maxValue: 1 }
  expect((await problemOf(writeImage(join(dir, 'plane.mha'), plane))).code).toBe('volume-write')
})
