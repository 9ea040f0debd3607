import { readFileSync } from 'node:fs'
import { checkImage, Random, SeptumError } from '@septum/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundle } from '../../datasets/workers/testing.js'
import { readImage, readImageHeader } from '../registry.js'
import { problemOf, testFolder } from '../volume/testing.js'
import { hdf5Names, readHdf5Array } from './read.js'
import { Hdf5Thread, useHdf5Thread } from './thread.js'

const MILLISECONDS = 2000
const MEGABYTES = 256

const fixtures = JSON.parse(readFileSync(new URL('fixtures/cases.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly {
    readonly name: string
    readonly file: string
    readonly arrays: Readonly<Record<string, { shape: number[]; values: unknown[] }>>
  }[]
  readonly refused: string
}
const sparse = JSON.parse(readFileSync(new URL('fixtures/promises.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>
const bytesOf = (text: string) => Buffer.from(text, 'base64')
const { put, remove } = testFolder('hdf5-thread')
afterAll(remove)

describe('a thread that does not answer', () => {
  const stuck = new Hdf5Thread(new URL('./fixtures/stuck.mjs', import.meta.url), () => 1)
  beforeAll(() => useHdf5Thread(stuck))
  afterAll(async () => {
    useHdf5Thread(undefined)
    await stuck.close()
  })
  const file = (name: string) => put(name, bytesOf(fixtures.cases[0]!.file))

  it('is ended within 2 s, with an error that names the file; files behind it are read', async () => {
    await hdf5Names(file('warm.h5'))
    const start = performance.now()
    const [late, next] = await Promise.all([
      problemOf(hdf5Names(file('stuck.h5'))).then((error) => {
        expect(performance.now() - start).toBeLessThan(MILLISECONDS)
        return error
      }),
      hdf5Names(file('next.h5')),
    ])
    expect(late).toMatchObject({
      code: 'volume-timeout',
      place: { file: expect.stringMatching(/stuck\.h5$/) },
    })
    expect(late.hint).toMatch(/\.$/)
    expect(next).toEqual(['image'])
  })

  it('that dies is an error too, and others follow', async () => {
    const [dead, next] = await Promise.all([
      problemOf(hdf5Names(file('dies.h5'))),
      hdf5Names(file('next.h5')),
    ])
    expect(dead.code).toBe('volume-broken')
    expect(dead.message).toContain('out of luck')
    expect(next).toEqual(['image'])
  })

  it('gets longer for a large array, and what it answered while this thread computed counts', async () => {
    expect(await hdf5Names(file('long.h5'))).toEqual(['image'])
    const answer = hdf5Names(file('quick.h5'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    // A training step that takes longer than the patience.
    const end = performance.now() + 1300
    while (performance.now() < end);
    expect(await answer).toEqual(['image'])
  })
})

describe('the library in its thread', () => {
  let thread: Hdf5Thread
  let undo: () => void
  beforeAll(async () => {
    const { program, remove: removeProgram } = await bundle(new URL('./worker.ts', import.meta.url))
    thread = new Hdf5Thread(program)
    undo = removeProgram
    useHdf5Thread(thread)
    await hdf5Names(put('first.h5', bytesOf(fixtures.cases[0]!.file)))
  })
  afterEach(() => useHdf5Thread(thread))
  afterAll(async () => {
    useHdf5Thread(undefined)
    await thread.close()
    undo()
  })

  it.each(fixtures.cases.map((one) => [one.name, one] as const))('reads %s', async (name, one) => {
    const file = put(`${name.replaceAll(/\W/g, '-')}.h5`, bytesOf(one.file))
    for (const [array, { shape, values }] of Object.entries(one.arrays)) {
      const found = await readHdf5Array(file, array)
      expect(found.shape).toEqual(shape)
      expect([...found.data]).toEqual((values as unknown[][]).flat(3))
    }
    expect((await readImageHeader(file)).shape).toEqual([1, ...one.arrays.image!.shape])
  })

  it('keeps codes, hints and file of errors on the way between threads', async () => {
    const file = put('refused.h5', bytesOf(fixtures.refused))
    const error = await problemOf(readHdf5Array(file, 'text'))
    expect(error).toMatchObject({ code: 'volume-unsupported', place: { file } })
    const cut = await problemOf(readImage(put('cut.h5', bytesOf(fixtures.cases[0]!.file).subarray(0, 900))))
    expect(cut.message).toMatch(/^The volume is damaged or cut off: truncated file/)
    expect((await problemOf(readHdf5Array(file, 'label'))).code).toBe('volume-array')
  })

  it.each([
    ['nothing written, 1.6 GB', 'unwritten', /cannot come from a file of/],
    ['a block of 1.6 GB in an array of a few kilobytes', 'block', undefined],
    ['a gigabyte of zeros, deflated', 'bomb', /cannot come from a file of|cannot be read|memory/i],
  ])('a small file that promises much: %s', async (_, name, message) => {
    const before = process.resourceUsage().maxRSS
    const start = process.cpuUsage()
    const file = put(`${name}.h5`, bytesOf(sparse[name]!))
    const outcome = await readImage(file).then(
      (image) => checkImage(image),
      (error: unknown) => error,
    )
    const { user, system } = process.cpuUsage(start)
    expect((user + system) / 1000).toBeLessThan(MILLISECONDS)
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(MEGABYTES)
    if (message) expect((outcome as SeptumError).message).toMatch(message)
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SeptumError)
  })

  it.each(fixtures.cases.slice(0, 3).map((one, index) => [one.name, index] as const))(
    '%s: truncated at 64 points, every length-like field changed, 500 mutations: an error or an image, in time',
    async (_, index) => {
      const whole = bytesOf(fixtures.cases[index]!.file)
      const before = process.resourceUsage().maxRSS
      const codes = new Set<string>()
      const attempt = async (bytes: Uint8Array) => {
        const file = put('bad.h5', bytes)
        const start = process.cpuUsage()
        const code = await readImage(file).then(
          (image) => {
            checkImage(image)
            return 'image'
          },
          (error: unknown) => {
            if (!(error instanceof SeptumError)) throw error
            expect(error.place.file).toBe(file)
            return error.code
          },
        )
        codes.add(code)
        // Of processor time, all threads together: machines that run tests are shared.
        const { user, system } = process.cpuUsage(start)
        expect((user + system) / 1000, code).toBeLessThan(MILLISECONDS)
        return code
      }
      let cutImages = 0
      for (let cut = 0; cut < 64; cut++) {
        const code = await attempt(whole.subarray(0, Math.floor((whole.length * cut) / 64)))
        // An HDF5 file may end with what is not the image.
        if (code === 'image') cutImages++
      }
      expect(cutImages).toBeLessThanOrEqual(40)
      for (const [at, size] of lengthFields(whole)) {
        const read = size === 4 ? whole.readUInt32LE(at) : Number(whole.readBigUInt64LE(at))
        for (const value of [0, -1, read - 1, read + 1, 0x7fffffff]) {
          const bytes = Buffer.from(whole)
          if (size === 4) bytes.writeInt32LE(value | 0, at)
          else bytes.writeBigInt64LE(BigInt(value), at)
          await attempt(bytes)
        }
      }
      const random = new Random(41, index)
      for (let round = 0; round < 500; round++) {
        const bytes = Buffer.from(whole)
        for (let hit = 0; hit <= round % 6; hit++) bytes[random.int(bytes.length)] = random.int(256)
        await attempt(bytes)
      }
      expect(codes.size).toBeGreaterThan(1)
      expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(MEGABYTES)
    },
    120_000,
  )
})

/** Places of 8-byte addresses and lengths, and of the sizes in messages, that lie within the file's own size. */
function lengthFields(bytes: Buffer): [at: number, size: 4 | 8][] {
  const found: [number, 4 | 8][] = []
  for (let at = 8; at + 8 <= Math.min(bytes.length, 2400); at += 2) {
    const wide = bytes.readBigUInt64LE(at)
    if (wide > 0n && wide <= BigInt(bytes.length)) found.push([at, 8])
  }
  return found.filter((_, i) => i % 3 === 0).slice(0, 60)
}
