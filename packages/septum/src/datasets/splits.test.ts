import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSplits, selectCases, splitByPatient, splitHash, writeSplits } from './splits.js'
import { Folder, problemOf } from './testing.js'

const cases = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    patient: `P${String(Math.floor(i / 2)).padStart(3, '0')}`,
    name: `c${i}`,
  }))

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

describe('splitByPatient', () => {
  it('tenths: every tenth validates, every tenth plus five tests', () => {
    const splits = splitByPatient(cases(46).reverse(), { scheme: 'tenths' })
    expect(splits.val).toEqual(['P000', 'P010', 'P020'])
    expect(splits.test).toEqual(['P005', 'P015'])
    expect(splits.train).toHaveLength(18)
    const parts = selectCases(cases(46), splits)
    expect(parts.val.map(({ name }) => name)).toEqual(['c0', 'c1', 'c20', 'c21', 'c40', 'c41'])
  })

  it('fractions: by seed, disjoint, all there', () => {
    const scheme = { scheme: 'fractions', val: 0.1, test: 0.25, seed: 4 } as const
    const splits = splitByPatient(cases(80), scheme)
    expect([splits.val.length, splits.test.length, splits.train.length]).toEqual([4, 10, 26])
    expect(new Set([...splits.train, ...splits.val, ...splits.test]).size).toBe(40)
    expect(splitByPatient(cases(80).reverse(), scheme)).toEqual(splits)
    expect(splitByPatient(cases(80), { ...scheme, seed: 5 })).not.toEqual(splits)
  })

  it('refuses to leave nothing for training', () => {
    expect(() => splitByPatient(cases(2), { scheme: 'tenths' })).toThrow(/1 patients cannot be divided/)
    expect(() => splitByPatient(cases(9), { scheme: 'fractions', val: 0.5, test: 0.5, seed: 0 })).toThrow(
      /nothing to train/,
    )
  })
})

describe('splits.json', () => {
  it('comes back as written, and its hash is SHA-256 of the three lists', async () => {
    const file = join(folder.dir, 'splits.json')
    const splits = { scheme: 'by hand', train: ['a', 'b'], val: ['c'], test: [] }
    await writeSplits(file, splits)
    expect(await readSplits(file)).toEqual(splits)
    // printf '[["a","b"],["c"],[]]' | sha256sum
    expect(splitHash(splits)).toBe('79c321102cc6060ea4619518733d865eb58930384e98990cb3ad88c2cf62eaa6')
    expect(splitHash({ ...splits, train: ['b', 'a'] })).toBe(splitHash(splits))
  })

  it('notices a change, a patient in two parts and damage', async () => {
    const file = join(folder.dir, 'splits.json')
    await writeSplits(file, { scheme: 'by hand', train: ['a', 'b'], val: ['c'], test: ['d'] })
    const text = readFileSync(file, 'utf8')
    folder.text('splits.json', text.replace('"b"', '"e"'))
    expect((await problemOf(readSplits(file))).code).toBe('splits-changed')
    folder.text('splits.json', text.replace('"d"', '"a"'))
    expect((await problemOf(readSplits(file))).toLine()).toMatch(
      /Patient a is listed twice \(.*splits\.json\)/,
    )
    folder.text('splits.json', text.slice(0, 40))
    expect((await problemOf(readSplits(file))).code).toBe('splits-invalid')
    folder.text('splits.json', '{"by": "slice"}')
    expect((await problemOf(readSplits(file))).toLine()).toMatch(/at by/)
  })
})
