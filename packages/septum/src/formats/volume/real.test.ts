import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { orientationCode } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { readImage } from '../registry.js'
import { affineError } from './testing.js'

interface Facts {
  readonly file: string
  readonly shape: readonly number[]
  readonly affine: readonly number[]
  readonly codes: string
  readonly mean: number
  readonly std: number
  readonly range: readonly [number, number]
  readonly weighted: number
  readonly places: readonly number[]
  readonly values: readonly number[]
}

/** Of fixtures/make_real.py: nibabel on the public data sets. */
const facts = JSON.parse(
  readFileSync(new URL('fixtures/real.json', import.meta.url), 'utf8'),
) as readonly Facts[]
const root =
  process.env.SEPTUM_DATA ?? fileURLToPath(new URL('../../../../../../shared/data', import.meta.url))
const present = facts.every(({ file }) => existsSync(join(root, file)))
if (!present) process.stderr.write('skipped: real volumes are read only where SEPTUM_DATA has them\n')

describe.skipIf(!present)('real volumes, as nibabel reads them', () => {
  it.each(facts.map((one) => [one.file, one] as const))('%s', async (file, expected) => {
    const { data, shape, geometry } = await readImage(join(root, file))
    expect(shape).toEqual([1, ...[...expected.shape].reverse()])
    expect(orientationCode(geometry!)).toBe(expected.codes)
    expect(affineError(geometry!, expected.affine)).toBeLessThan(1e-6)
    let [sum, squares, weighted, least, most] = [0, 0, 0, Infinity, -Infinity]
    for (let at = 0; at < data.length; at++) {
      const value = data[at]!
      sum += value
      squares += value * value
      weighted += value * ((at % 1009) + 1)
      least = Math.min(least, value)
      most = Math.max(most, value)
    }
    const mean = sum / data.length
    // Scaled values are kept as float32: 6e-8 of each.
    const near = (found: number, wanted: number) =>
      expect(Math.abs(found - wanted)).toBeLessThan(1e-6 * expected.range[1])
    near(mean, expected.mean)
    near(Math.sqrt(squares / data.length - mean * mean), expected.std)
    near(weighted / data.length / 1009, expected.weighted / 1009)
    near(least, expected.range[0])
    near(most, expected.range[1])
    expected.places.forEach((at, i) => {
      near(data[at]!, expected.values[i]!)
    })
  })
})
