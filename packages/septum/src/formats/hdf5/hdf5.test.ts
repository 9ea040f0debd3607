import { readFileSync } from 'node:fs'
import { afterAll, expect, it, vi } from 'vitest'
import { readImage, readImageHeader } from '../registry.js'
import { problemOf, testFolder } from '../volume/testing.js'
import { hdf5Names, readHdf5Array } from './read.js'

/** Of fixtures/make.py: files and values of h5py. */
const fixtures = JSON.parse(readFileSync(new URL('fixtures/cases.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly {
    readonly name: string
    readonly file: string
    readonly arrays: Readonly<
      Record<string, { readonly shape: readonly number[]; readonly values: readonly unknown[] }>
    >
  }[]
  readonly refused: string
}

const { put, remove } = testFolder('hdf5')
afterAll(remove)
const bytesOf = (text: string) => Buffer.from(text, 'base64')

it.each(fixtures.cases.map((one, i) => [one.name, i, one] as const))('%s', async (_, i, one) => {
  const file = put(`case${i}.h5`, bytesOf(one.file))
  expect((await hdf5Names(file)).sort()).toEqual(Object.keys(one.arrays).sort())
  for (const [name, { shape, values }] of Object.entries(one.arrays)) {
    const found = await readHdf5Array(file, name)
    expect(found.shape).toEqual(shape)
    expect([...found.data]).toEqual((values as unknown[][]).flat(3))
  }
  const image = await readImage(file)
  expect(image.shape).toEqual([1, ...one.arrays.image!.shape])
  expect((await readImageHeader(file)).shape).toEqual(image.shape)
})

it('refuses groups, text, halves, links to other files and unknown names, and prints nothing', async () => {
  const printed = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'log')]
  const file = put('refused.h5', bytesOf(fixtures.refused))
  expect((await problemOf(readImage(file))).code).toBe('volume-unsupported')
  expect((await problemOf(readHdf5Array(file, 'text'))).code).toBe('volume-unsupported')
  expect((await problemOf(readHdf5Array(file, 'half'))).code).toBe('volume-unsupported')
  expect((await problemOf(readHdf5Array(file, 'link'))).code).toMatch(/^volume-(unsupported|broken)$/)
  expect((await problemOf(readHdf5Array(file, 'label'))).code).toBe('volume-array')
  for (const print of printed) expect(print).not.toHaveBeenCalled()
})

it('a damaged compressed block is an error, not zeros', async () => {
  const bytes = bytesOf(fixtures.cases[0]!.file)
  // The deflated samples are the longest part of the file; its last third is inside them.
  const at =
    bytes.lastIndexOf(Buffer.from([0x78, 0x5e])) > 0
      ? bytes.lastIndexOf(Buffer.from([0x78, 0x5e]))
      : bytes.length >> 1
  bytes.fill(0xff, at + 4, at + 40)
  const work = Promise.all(['image', 'label'].map((name) => readHdf5Array(put('damaged.h5', bytes), name)))
  expect((await problemOf(work)).code).toBe('volume-broken')
})
