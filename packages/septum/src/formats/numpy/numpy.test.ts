import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readImage, readImageHeader, writeImage } from '../registry.js'
import { problemOf, testFolder } from '../volume/testing.js'
import { npzNames, readNpy, readNpzArray } from './read.js'

/** Of fixtures/make.py: files and values of NumPy. */
const fixtures = JSON.parse(readFileSync(new URL('fixtures/arrays.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly {
    readonly name: string
    readonly file: string
    readonly shape: readonly number[]
    readonly values: readonly (number | string)[]
  }[]
  readonly archive: {
    readonly image: readonly number[]
    readonly label: readonly number[]
    readonly stored: string
    readonly compressed: string
    readonly single: string
    readonly unclear: string
  }
  readonly refused: Readonly<Record<string, string>>
}

const { dir, put, remove } = testFolder('numpy')
afterAll(remove)
const bytesOf = (text: string) => Buffer.from(text, 'base64')
const numberOf = (value: number | string) =>
  value === 'inf' ? Infinity : value === '-inf' ? -Infinity : (value as number)

it.each(fixtures.cases.map((one, i) => [one.name, i, one] as const))('%s', async (_, i, one) => {
  const file = put(`array${i}.npy`, bytesOf(one.file))
  const { data, shape } = await readNpy(file)
  expect(shape).toEqual(one.shape)
  expect([...data]).toEqual(one.values.map(numberOf))
  const image = await readImage(file)
  expect((await readImageHeader(file)).shape).toEqual(image.shape)
})

it('axes as an image: planes, volumes, channels of volumes, colours', async () => {
  const named = async (name: string) => {
    const one = fixtures.cases.find((other) => other.name === name)!
    return readImage(put('shape.npy', bytesOf(one.file)))
  }
  expect((await named('two axes')).shape).toEqual([1, 3, 4])
  expect((await named('<i2')).shape).toEqual([1, 2, 3, 4])
  expect((await named('four axes')).shape).toEqual([2, 3, 4, 5])
  const rgb = await named('RGB')
  expect(rgb.shape).toEqual([3, 4, 5])
  const stored = fixtures.cases.find(({ name }) => name === 'RGB')!.values
  expect([...rgb.data.subarray(20, 40)]).toEqual(stored.filter((_, at) => at % 3 === 1))
  expect(rgb.maxValue).toBe(255)
})

describe('archives', () => {
  const { archive } = fixtures

  it.each(['stored', 'compressed'] as const)('%s', async (kind) => {
    const file = put(`${kind}.npz`, bytesOf(archive[kind]))
    expect(await npzNames(file)).toEqual(['image', 'label'])
    expect([...(await readImage(file)).data]).toEqual(archive.image)
    const label = await readNpzArray(file, 'label')
    expect([...label.data]).toEqual(archive.label)
    expect(label.shape).toEqual([4, 5])
    expect((await readImageHeader(file)).shape).toEqual([1, 4, 5])
  })

  it('one array without a usual name is the image, two are not', async () => {
    expect((await readImage(put('single.npz', bytesOf(archive.single)))).shape).toEqual([1, 4, 5])
    expect((await problemOf(readImage(put('two.npz', bytesOf(archive.unclear))))).code).toBe(
      'volume-unsupported',
    )
  })

  it('a missing array, a wrong checksum', async () => {
    const bytes = bytesOf(archive.stored)
    const file = put('names.npz', bytes)
    const error = await problemOf(readNpzArray(file, 'mask'))
    expect(error.code).toBe('volume-array')
    expect(error.hint).toContain('image, label')
    // A value of the first array: after its zip header, its name and the 128 bytes of its own header.
    bytes[200]! ^= 1
    expect((await problemOf(readImage(put('flipped.npz', bytes)))).message).toContain('checksum')
  })
})

it.each(Object.entries(fixtures.refused))('refuses %s', async (name, file) => {
  const error = await problemOf(readImage(put(`${name}.npy`, bytesOf(file))))
  expect(error.code).toBe('volume-unsupported')
})

it('refuses integers beyond 2^53', async () => {
  const one = fixtures.cases.find(({ name }) => name === '<u8')!
  const bytes = bytesOf(one.file)
  bytes.writeBigUInt64LE(2n ** 53n + 1n, bytes.length - 8)
  expect((await problemOf(readNpy(put('huge.npy', bytes)))).message).toContain('2^53')
})

it('written arrays have a header that NumPy reads: aligned to 64, ended by a newline', async () => {
  const image = { data: Int16Array.from([1, -2, 3, 4, 5, 600]), shape: [1, 2, 3], maxValue: 1 }
  const file = join(dir, 'written.npy')
  await writeImage(file, image)
  const bytes = readFileSync(file)
  const end = 10 + bytes.readUInt16LE(8)
  expect(end % 64).toBe(0)
  expect(bytes.toString('latin1', 10, end)).toBe(
    "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }".padEnd(end - 11).concat('\n'),
  )
  const back = await readImage(file)
  expect({ ...back }).toEqual(image)
})
