import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSplits } from '../datasets/index.js'
import { Folder } from '../datasets/testing.js'
import { runFake } from './test-support/fake-cli.js'

let folder: Folder
let data: string
beforeEach(async () => {
  folder = new Folder()
  data = join(folder.dir, 'data')
  folder.text(
    'data/dataset.yaml',
    "name: Lesions <test>\nclasses: [lesion]\npatient: '^(p\\d+)_'\nlicence: CC0",
  )
  for (let p = 0; p < 6; p++) {
    for (const slice of ['a', 'b']) {
      await folder.picture(
        `data/images/p${p}_${slice}.png`,
        [3, 3],
        [p, 1, 2, 3, 4, 5, 6, 7, slice === 'a' ? 8 : 9],
      )
      await folder.picture(`data/masks/p${p}_${slice}.png`, [3, 3], [0, 0, 0, 0, p < 3 ? 255 : 0, 0, 0, 0, 0])
    }
  }
})
afterEach(() => folder.remove())

describe('data check', () => {
  it('prints what it found and writes page, picture and numbers', async () => {
    const out = join(folder.dir, 'check')
    const { code, stdout } = await runFake(['data', 'check', data, '--out', out])
    expect(code).toBe(0)
    expect(stdout).toMatch(/cases +12 of 6 patients, 12 labelled\n/)
    expect(stdout).toMatch(/lesion +6 +5\.56 +6 +1\n/)
    expect(stdout).toMatch(/No problem was found\.\n.*Next: septum data split/s)
    const page = readFileSync(join(out, 'check.html'), 'utf8')
    expect(page).toContain('<h1>Lesions &lt;test&gt;</h1>')
    expect(page).not.toMatch(/<script|src="http/)
    expect(page.match(/data:image\/jpeg;base64/g)).toHaveLength(12)
    expect(readFileSync(join(out, 'contact-sheet.png')).subarray(1, 4).toString()).toBe('PNG')
    expect(JSON.parse(readFileSync(join(out, 'check.json'), 'utf8'))).toMatchObject({
      cases: 12,
      patients: 6,
      problems: [],
    })
  })

  it('ends with 1 when something must be repaired, and has looked at the rest', async () => {
    folder.text('data/images/p0_a.png', 'no picture')
    const plain = await runFake(['data', 'check', data])
    expect(plain.code).toBe(1)
    expect(plain.stdout).toMatch(
      /1 problem\n.*neither a PNG nor a JPEG.*\(case p0_a,.*Next: repair what is listed/s,
    )
    const { code, stdout } = await runFake(['data', 'check', data, '--json'])
    expect(code).toBe(1)
    const result = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .at(-1)
    expect(result).toMatchObject({
      event: 'result',
      command: 'data check',
      labelled: 11,
      problems: [{ case: 'p0_a' }],
    })
  })

  it('says so when there is nothing to look at', async () => {
    const { code, stderr } = await runFake(['data', 'check', join(folder.dir, 'nowhere')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/data set does not exist \(.*nowhere\)/)
  })
})

describe('data split', () => {
  it('writes folds that runs can name, stratified by what is marked', async () => {
    const out = join(folder.dir, 'splits.json')
    const { code, stdout } = await runFake([
      'data',
      'split',
      data,
      '--folds',
      '3',
      '--stratify',
      'labels',
      '--out',
      out,
    ])
    expect(code).toBe(0)
    expect(stdout).toMatch(/3 folds seed 0, stratified +patients +cases\nfold 0 +2 +4\n/)
    expect(stdout).toContain(`--set 'data.splits=${out}#0'`)
    for (const fold of [0, 1, 2]) {
      // One of the patients 0 to 2, who have a lesion, and one of 3 to 5, who have none.
      const { train, val } = await readSplits(`${out}#${fold}`)
      expect(val.filter((patient) => patient < 'p3')).toHaveLength(1)
      expect([train.length, val.length]).toEqual([4, 2])
    }
  })

  it('by shares, by a table and by a pattern', async () => {
    const out = join(folder.dir, 'splits.json')
    await runFake(['data', 'split', data, '--val', '0.2', '--test', '0.2', '--seed', '3', '--out', out])
    const splits = await readSplits(out)
    expect([splits.train.length, splits.val.length, splits.test.length]).toEqual([4, 1, 1])
    const rows = Array.from({ length: 6 }, (_, p) =>
      ['a', 'b'].map((slice) => `p${p}_${slice},${p % 2 ? 'x' : 'y'}`),
    ).flat()
    folder.text('table.csv', ['id,kind', ...rows].join('\n'))
    const table = `${join(folder.dir, 'table.csv')}:id:kind`
    await runFake(['data', 'split', data, '--folds', '3', '--stratify', table, '--out', out])
    const { val } = await readSplits(`${out}#1`)
    expect(val.map((patient) => Number(patient.slice(1)) % 2).sort()).toEqual([0, 1])
    const grouped = await runFake([
      'data',
      'split',
      data,
      '--group',
      '_(.)$',
      '--val',
      '0.4',
      '--test',
      '0',
      '--out',
      out,
    ])
    expect(grouped.code).toBe(0)
    // Six cases each, and runs know other patients until dataset.yaml says the same.
    expect(grouped.stdout).toMatch(/train +1 +6\nval +1 +6\n/)
    expect(grouped.stderr).toContain("patient: '_(.)$' in dataset.yaml")
    expect(await readSplits(out)).toMatchObject({
      train: [expect.stringMatching(/[ab]/)],
      val: [expect.stringMatching(/[ab]/)],
    })
  })

  it('warns where images of one patient may be parted', async () => {
    const out = join(folder.dir, 'splits.json')
    folder.text('data/dataset.yaml', 'classes: [lesion]')
    const { code, stderr } = await runFake(['data', 'split', data, '--out', out])
    expect(code).toBe(0)
    expect(stderr).toMatch(/p0_a and p0_b may be of one patient.*patient: '/s)
  })

  it.each([
    [['--scheme', 'published'], 1, /brings no division along/],
    [['--scheme', 'tenths', '--folds', '3'], 2, /--folds does not go with --scheme tenths/],
    [['--folds', '9'], 1, /6 patients cannot be dealt to 9 folds/],
    [['--group', '('], 2, /no regular expression/],
    [['--val', '1.5'], 2, /share of at least 0/],
    [['--stratify', 'stratum'], 1, /Nothing says which stratum/],
  ])('%j is refused', async (more, code, message) => {
    const result = await runFake(['data', 'split', data, '--out', join(folder.dir, 's.json'), ...more])
    expect(result.code).toBe(code)
    expect(result.stderr).toMatch(message)
    expect(existsSync(join(folder.dir, 's.json'))).toBe(false)
  })
})

it('data convert writes nnU-Net and names the next step', async () => {
  const out = join(folder.dir, 'Dataset001_Lesions')
  const { code, stdout } = await runFake(['data', 'convert', data, '--to', 'nnunet', '--out', out])
  expect(code).toBe(0)
  expect(stdout).toMatch(/12 cases in 25 files \(\.png\), classes 1 = lesion/)
  expect(existsSync(join(out, 'imagesTr/p0_a_0000.png'))).toBe(true)
  expect(stdout).toContain(`Next: septum data check ${out} --out check`)
})

it('data layouts lists them and describes one', async () => {
  const { stdout } = await runFake(['data', 'layouts'])
  expect(stdout).toMatch(/nnunet +nnU-Net v2 raw/)
  expect(stdout).toMatch(/busi +BUSI; CC0/)
  const one = await runFake(['data', 'layouts', 'busi'])
  expect(one.stdout).toMatch(/busi:fold1 +161 images test/)
  expect((await runFake(['data', 'layouts', 'bus'])).code).toBe(2)
})

it('a wrong subcommand or option gets a suggestion', async () => {
  expect((await runFake(['data', 'chek', 'x'])).stderr).toMatch(
    /unknown command 'chek'.*Did you mean check/is,
  )
  expect((await runFake(['data', 'check', 'x', '--ot', 'y'])).stderr).toMatch(
    /unknown option '--ot'.*Did you mean --out/is,
  )
})
