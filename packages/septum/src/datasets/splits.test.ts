import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { foldsByPatient, splitByPatient } from './split-schemes.js'
import {
  foldsHash,
  readSplits,
  selectCases,
  splitHash,
  splitsOfFold,
  writeFolds,
  writeSplits,
} from './splits.js'
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

/** 20 patients with two cases each: 15 benign, 5 malignant. */
const strata = Array.from({ length: 40 }, (_, i) => {
  const patient = Math.floor(i / 2)
  return {
    patient: `P${String(patient).padStart(2, '0')}`,
    stratum: patient % 4 === 0 ? 'malignant' : 'benign',
  }
})
const malignant = (patients: readonly string[]) =>
  patients.filter((name) => Number(name.slice(1)) % 4 === 0).length

describe('foldsByPatient', () => {
  it('deals every patient once, folds differ by one at most, and the seed decides', () => {
    const folds = foldsByPatient(cases(46), { folds: 5, seed: 1 })
    expect(folds.folds.map((fold) => fold.length)).toEqual([5, 5, 5, 4, 4])
    expect(folds.folds.flat().sort()).toEqual([...new Set(cases(46).map(({ patient }) => patient))])
    expect(foldsByPatient(cases(46).reverse(), { folds: 5, seed: 1 })).toEqual(folds)
    expect(foldsByPatient(cases(46), { folds: 5, seed: 2 })).not.toEqual(folds)
  })

  it('stratified: every fold has its share of each stratum', () => {
    const { folds, test } = foldsByPatient(strata, { folds: 5, seed: 3, stratify: true })
    expect(folds.map((fold) => [fold.length, malignant(fold)])).toEqual(new Array(5).fill([4, 1]))
    expect(test).toEqual([])
  })

  it('keeps a test part out of all folds', () => {
    const { folds, test } = foldsByPatient(strata, { folds: 4, seed: 3, test: 0.2, stratify: true })
    expect([test.length, malignant(test)]).toEqual([4, 1])
    expect(folds.flat()).toHaveLength(16)
    expect(folds.flat().some((patient) => test.includes(patient))).toBe(false)
  })

  it('refuses more folds than patients', () => {
    expect(() => foldsByPatient(cases(6), { folds: 4, seed: 0 })).toThrow(
      /3 patients cannot be dealt to 4 folds/,
    )
  })
})

it('fractions, stratified: every part has its share of each stratum', () => {
  const splits = splitByPatient(strata, { scheme: 'fractions', val: 0.2, test: 0.2, seed: 9, stratify: true })
  for (const part of [splits.val, splits.test]) expect([part.length, malignant(part)]).toEqual([4, 1])
  expect(malignant(splits.train)).toBe(3)
})

describe('a file of folds', () => {
  it('is read fold by fold, and says so when none is named', async () => {
    const file = join(folder.dir, 'splits.json')
    const folds = { scheme: '3 folds', folds: [['a'], ['b', 'c'], ['d']], test: ['e'] }
    await writeFolds(file, folds)
    // printf '[[["a"],["b","c"],["d"]],["e"]]' | sha256sum
    expect(foldsHash(folds)).toBe('fd872a0929e7721d093ca532abbec3b06e84166324cb6272d440514b84b06290')
    expect(await readSplits(`${file}#1`)).toEqual({
      scheme: '3 folds, fold 1',
      train: ['a', 'd'],
      val: ['b', 'c'],
      test: ['e'],
    })
    expect(splitsOfFold(folds, 2).val).toEqual(['d'])
    expect((await problemOf(readSplits(file))).toLine()).toMatch(
      /3 folds and nothing says which.*splits\.json#0/,
    )
    expect((await problemOf(readSplits(`${file}#3`))).code).toBe('splits-fold')
    folder.text('splits.json', readFileSync(file, 'utf8').replace('"d"', '"a"'))
    expect((await problemOf(readSplits(`${file}#0`))).code).toBe('splits-overlap')
  })

  it("of nnU-Net's splits_final.json", async () => {
    folder.text(
      'splits_final.json',
      JSON.stringify([
        { train: ['a', 'b'], val: ['c'] },
        { train: ['c'], val: ['a'] },
      ]),
    )
    expect(await readSplits(join(folder.dir, 'splits_final.json#1'))).toMatchObject({
      train: ['c'],
      val: ['a'],
      test: [],
    })
  })
})

describe('splits.json', () => {
  it('keeps who is labelled, in the hash too, and only training patients may be', async () => {
    const file = join(folder.dir, 'splits.json')
    const splits = { scheme: 'semi', train: ['a', 'b'], val: ['c'], test: [], labelled: ['b'] }
    await writeSplits(file, splits)
    expect(await readSplits(file)).toEqual(splits)
    expect(splitHash(splits)).not.toBe(splitHash({ ...splits, labelled: ['a'] }))
    folder.text('splits.json', JSON.stringify({ by: 'patient', ...splits, labelled: ['c'] }))
    expect((await problemOf(readSplits(file))).toLine()).toMatch(/c is labelled but does not train/)
  })

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
