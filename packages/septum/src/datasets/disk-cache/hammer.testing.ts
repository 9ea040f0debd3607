import { createHash } from 'node:crypto'
import { DiskCache } from './disk-cache.js'

/** What the entry of a number must hold. */
const valuesOf = (number: number) =>
  Float32Array.from({ length: 20_000 }, (_, i) => number * 1000 + (i % 997))

/** Writes and reads the same entries as other processes do; prints how many reads were right, and fails on a wrong one. */
const [dir, seconds] = [process.argv[2]!, Number(process.argv[3])]
const cache = new DiskCache(dir, { maxBytes: 400_000 })
const end = Date.now() + seconds * 1000
let right = 0
for (let round = 0; Date.now() < end; round++) {
  const number = (round * 7 + process.pid) % 8
  const key = createHash('sha256').update(`${number}`).digest('hex')
  const entry = await cache.get(key)
  if (!entry) await cache.set(key, { arrays: { values: valuesOf(number) }, data: { number } })
  else {
    const expected = valuesOf(number)
    const values = entry.arrays.values!
    if (values.length !== expected.length || values.some((value, i) => value !== expected[i])) {
      throw new Error(`entry ${number} holds other values`)
    }
    right++
  }
}
process.stdout.write(`${right}\n`)
