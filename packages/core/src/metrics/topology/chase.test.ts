import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { skeletonize2d } from '../../topology/skeleton-2d.js'
import { skeletonize3d } from '../../topology/skeleton-3d.js'
import { readFixture } from '../testing/shapes.js'
import { bettiMatchingError } from './betti-matching-error.js'
import { bettiNumbers } from './betti-numbers.js'
import { clDice } from './cl-dice.js'

interface Fixture {
  cases: {
    files: [string, string]
    shape: [number, number]
    crop: [top: number, left: number, size: number]
    skeletons: [string, string]
    lee: string
    clDice: number
    betti: [number[], number[]]
    matching: [number, number]
  }[]
}
const { cases } = readFixture<Fixture>('chase.json', import.meta.url)
const data =
  process.env.SEPTUM_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url))
const folder = join(data, 'chase-db1', 'masks')
const present = existsSync(folder)
if (!present) process.stderr.write('skipped: vessels of CHASE_DB1 are read only where SEPTUM_DATA has them\n')

async function maskOf(file: string): Promise<Uint8Array> {
  const { data: bytes } = await sharp(join(folder, file))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return Uint8Array.from(bytes, (value) => (value > 0 ? 1 : 0))
}

const digest = (mask: Uint8Array) => createHash('sha1').update(mask).digest('hex')

describe.skipIf(!present)('vessels of CHASE_DB1 by two people', () => {
  it.each(cases)('$files', async ({ files, shape, crop: [top, left, size], ...expected }) => {
    const [reference, second] = await Promise.all(files.map(maskOf))
    expect([reference, second].map((mask) => digest(skeletonize2d(mask!, shape)))).toEqual(expected.skeletons)
    expect(digest(skeletonize3d(reference!, shape))).toBe(expected.lee)
    expect(clDice(second!, reference!, shape).clDice).toBeCloseTo(expected.clDice, 14)
    expect([reference, second].map((mask) => bettiNumbers(mask!, shape))).toEqual(expected.betti)
    const crops = [second, reference].map((mask) =>
      Uint8Array.from(
        { length: size * size },
        (_, i) => mask![(top + Math.floor(i / size)) * shape[1] + left + (i % size)]!,
      ),
    )
    const { components, holes } = bettiMatchingError(crops[0]!, crops[1]!, [size, size])
    expect([components, holes]).toEqual(expected.matching)
  })
})
