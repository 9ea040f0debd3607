// Chooses the slices of this folder from the full set of LIDC-IDRI nodule crops.
// Usage: node examples/lidc/select.mjs FULL_SET, where FULL_SET holds index.csv, images/ and masks/.
// Files are copied byte for byte. The rule is told in README.md.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = process.argv[2]
if (!source) throw new Error('Give the folder of the full set.')
const target = dirname(fileURLToPath(import.meta.url))

const [header, ...rows] = readFileSync(join(source, 'index.csv'), 'utf8')
  .trim()
  .split(/\r?\n/)
  .map((line) => line.split(','))
const column = (name) => header.indexOf(name)
const slices = new Map()
for (const row of rows) {
  const patient = row[column('patient')]
  slices.set(patient, [...(slices.get(patient) ?? []), row])
}
const patients = [...slices.keys()].sort()

// The tenths of the full set: number 0, 10, 20, ... validate, 5, 15, 25, ... test, the others train.
const parts = {
  train: patients.filter((_, index) => index % 5 !== 0),
  val: patients.filter((_, index) => index % 10 === 0),
  test: patients.filter((_, index) => index % 10 === 5),
}
// Every how many patients one is taken, so that the whole stays below 3 MB.
const step = { train: 5, val: 4, test: 2 }

const chosen = {}
const ids = []
for (const part of ['train', 'val', 'test']) {
  chosen[part] = parts[part].filter((_, index) => index % step[part] === 0)
  for (const patient of chosen[part]) {
    const all = slices
      .get(patient)
      .map((row) => row[column('id')])
      .sort()
    ids.push(...new Set([all[0], all.at(-1)]))
  }
}

for (const folder of ['images', 'masks']) {
  rmSync(join(target, folder), { recursive: true, force: true })
  mkdirSync(join(target, folder))
  for (const id of ids)
    writeFileSync(join(target, folder, `${id}.png`), readFileSync(join(source, folder, `${id}.png`)))
}

const { train, val, test } = chosen
const sha256 = createHash('sha256')
  .update(JSON.stringify([train, val, test]))
  .digest('hex')
const splits = {
  by: 'patient',
  scheme: 'tenths of the 700 patients of the full set',
  sha256,
  train,
  val,
  test,
}
writeFileSync(join(target, 'splits.json'), `${JSON.stringify(splits, null, 2)}\n`)

const raters = column('raters_nonempty')
const byId = new Map(rows.map((row) => [row[column('id')], row]))
const counts = Object.fromEntries(
  ['train', 'val', 'test'].map((part) => {
    const own = ids.filter((id) => chosen[part].includes(byId.get(id)[column('patient')]))
    const by = [1, 2, 3, 4].map((n) => own.filter((id) => Number(byId.get(id)[raters]) === n).length)
    return [part, { patients: chosen[part].length, slices: own.length, 'raters 1-4': by.join(' ') }]
  }),
)
console.table(counts)
