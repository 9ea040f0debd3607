import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadCase } from './case.js'
import { openFolderDataset } from './dataset.js'
import { selectCases, splitHash } from './splits.js'
import { Folder, listeningReporter, problemOf } from './testing.js'

const lidc = fileURLToPath(new URL('../../../../examples/lidc', import.meta.url))
const size = [2, 3] as const
const grey = [10, 20, 30, 40, 50, 60]

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

/** Labels [R, H, W] of every case, by name. */
async function labels(options = {}) {
  const dataset = await openFolderDataset(folder.dir, options)
  const entries = await Promise.all(
    dataset.cases.map(
      async (entry): Promise<[string, number[]]> => [entry.name, [...(await loadCase(dataset, entry)).masks]],
    ),
  )
  return Object.fromEntries(entries)
}

describe('what mask values mean', () => {
  it.each([
    ['0/1', [0, 1, 0, 0, 1, 1], 'value 1 = foreground (1 files), 0 = background'],
    ['0/255', [0, 255, 0, 0, 255, 255], 'value 255 = foreground (1 files), 0 = background'],
  ])('%s', async (_, mask, line) => {
    await folder.picture('images/a.png', size, grey)
    await folder.picture('masks/a.png', size, mask)
    const reporter = listeningReporter()
    expect(await labels({ reporter })).toEqual({ a: [0, 1, 0, 0, 1, 1] })
    expect(reporter.lines).toContain(`Masks: ${line}`)
  })

  it('0/1 in one file and 0/255 in another', async () => {
    await folder.picture('images/a.png', size, grey)
    await folder.picture('images/b.png', size, grey)
    await folder.picture('masks/a.png', size, [0, 1, 0, 0, 0, 0])
    await folder.picture('masks/b.png', size, [0, 0, 255, 0, 0, 0])
    expect(await labels()).toEqual({ a: [0, 1, 0, 0, 0, 0], b: [0, 0, 1, 0, 0, 0] })
  })

  it('a binary mask saved as RGB', async () => {
    await folder.picture('images/a.png', size, grey)
    await folder.picture('masks/a.png', size, [0, 0, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(await labels()).toEqual({ a: [0, 1, 0, 0, 0, 0] })
  })

  it('a JPEG mask is cut at half, and this is said', async () => {
    const square = Array.from({ length: 32 * 32 }, (_, i) =>
      i >> 5 >= 8 && i >> 5 < 20 && i % 32 < 13 ? 255 : 0,
    )
    await folder.picture('images/a.jpg', [32, 32], square)
    await folder.picture('masks/a.jpg', [32, 32], square)
    const reporter = listeningReporter()
    expect((await labels({ reporter })).a).toEqual(square.map((value) => value / 255))
    expect(reporter.lines.join()).toMatch(
      /above 127 = foreground in 1 JPEG files, 1 of which hold values in between/,
    )
  })

  it('several grey values are labels when classes are named', async () => {
    folder.text('dataset.yaml', 'classes: [liver, tumour]')
    await folder.picture('images/a.png', size, grey)
    await folder.picture('masks/a.png', size, [0, 1, 2, 2, 0, 1])
    expect(await labels()).toEqual({ a: [0, 1, 2, 2, 0, 1] })
  })

  it('or those that dataset.yaml gives', async () => {
    folder.text('dataset.yaml', 'classes: [{name: liver, value: 127}, {name: tumour, value: 255}]')
    await folder.picture('images/a.png', size, grey)
    await folder.picture('masks/a.png', size, [0, 127, 255, 255, 0, 127])
    expect(await labels()).toEqual({ a: [0, 1, 2, 2, 0, 1] })
  })

  it('and a problem when nobody says what they mean', async () => {
    await folder.picture('images/a.png', size, grey)
    await folder.picture('masks/a.png', size, [0, 1, 2, 3, 0, 1])
    const problem = await problemOf(labels())
    expect(problem.code).toBe('mask-values')
    expect(problem.toLine()).toMatch(
      /values 1, 2, 3 beside 0.*a\.png.*Say in dataset.yaml: classes: \[name 1, name 2, name 3\] for a class a value; masks: instances.*count: 2/,
    )
  })

  it('three colours are classes in ascending order of colour', async () => {
    // black, green #00ff00, red #ff0000: green comes first.
    await folder.picture('images/a.png', size, grey)
    await folder.picture('masks/a.png', size, [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 255, 0])
    folder.text('dataset.yaml', 'classes: [vein, artery]')
    const reporter = listeningReporter()
    expect(await labels({ reporter })).toEqual({ a: [0, 2, 1, 0, 2, 1] })
    expect(reporter.lines.join()).toContain('#00ff00 = vein, #ff0000 = artery, #000000 = background')
  })

  it('colours are one class when dataset.yaml gives its colour, and other colours a problem', async () => {
    await folder.picture('images/a.png', [1, 2], [1, 2])
    await folder.picture('masks/a.png', [1, 2], [0, 0, 255, 0, 0, 0])
    folder.text('dataset.yaml', 'classes: [{name: vein, value: "#0000ff"}]')
    expect(await labels()).toEqual({ a: [1, 0] })
    await folder.picture('masks/a.png', [1, 2], [0, 0, 255, 9, 0, 0])
    expect((await problemOf(labels())).toLine()).toMatch(/value #090000, but the 1 classes have #0000ff/)
  })

  it('colours without black, or of another number than the classes, are refused', async () => {
    await folder.picture('images/a.png', [1, 2], [1, 2])
    await folder.picture('masks/a.png', [1, 2], [255, 0, 0, 0, 255, 0])
    expect((await problemOf(labels())).toLine()).toMatch(
      /No mask pixel is black.*Say which colour is which class/,
    )
    await folder.picture('masks/a.png', [1, 2], [255, 0, 0, 0, 0, 0])
    folder.text('dataset.yaml', 'classes: [vein, artery]')
    expect((await problemOf(labels())).toLine()).toMatch(
      /hold 1 colours \(#ff0000 …\) but 2 classes are named/,
    )
  })

  it('bit fields', async () => {
    folder.text('dataset.yaml', 'raters: {encoding: bits, count: 4}\nclasses: [nodule]')
    await folder.picture('images/a.png', [1, 3], [1, 2, 3])
    await folder.picture('masks/a.png', [1, 3], [0b0101, 0b1000, 0])
    // raters 0 to 3, a row each
    expect(await labels()).toEqual({ a: [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0] })
    await folder.picture('masks/a.png', [1, 3], [16, 0, 0])
    expect((await problemOf(labels())).message).toBe('The mask holds 16, but 4 raters reach 15 at most')
  })
})

describe('layouts of several raters', () => {
  const files: Record<string, number[]> = { 'a A': [1, 0], 'a B': [0, 1], 'b A': [1, 1], 'b B': [0, 0] }
  const expected = { a: [1, 0, 0, 1], b: [1, 1, 0, 0] }

  it.each([
    ['masks/<case>/<rater>.png', (name: string, rater: string) => `masks/${name}/${rater}.png`],
    ['masks/<rater>/<case>.png', (name: string, rater: string) => `masks/${rater}/${name}.png`],
  ])('%s', async (_, path) => {
    for (const [key, values] of Object.entries(files)) {
      const [name, rater] = key.split(' ') as [string, string]
      await folder.picture(`images/${name}.png`, [1, 2], [9, 9])
      await folder.picture(path(name, rater), [1, 2], values)
    }
    expect(await labels()).toEqual(expected)
    expect((await openFolderDataset(folder.dir)).raters).toEqual(['A', 'B'])
  })

  it('a rater without a file is a problem unless it means "nothing"', async () => {
    await folder.picture('images/a.png', [1, 2], [9, 9])
    await folder.picture('images/b.png', [1, 2], [9, 9])
    for (const file of ['a/A', 'a/B', 'b/B']) await folder.picture(`masks/${file}.png`, [1, 2], [0, 1])
    expect((await problemOf(labels())).toLine()).toMatch(/no mask of rater A \(case b, .*missing: empty/)
    folder.text('dataset.yaml', 'raters: {encoding: files, missing: empty}')
    expect(await labels()).toEqual({ a: [0, 1, 0, 1], b: [0, 0, 0, 1] })
  })

  it('the tree of the Hierarchical Probabilistic U-Net, with its split', async () => {
    for (const [part, patient] of [
      ['train', 'p1'],
      ['train', 'p2'],
      ['val', 'p3'],
      ['test', 'p4'],
    ] as const) {
      await folder.picture(`${part}/images/${patient}/z-4.5_c0.png`, [1, 2], [9, 9])
      for (let r = 0; r < 4; r++) {
        await folder.picture(`${part}/gt/${patient}/z-4.5_c0_l${r}.png`, [1, 2], [r === 2 ? 255 : 0, 0])
      }
    }
    const dataset = await openFolderDataset(folder.dir)
    expect(dataset.raters).toEqual(['0', '1', '2', '3'])
    expect(dataset.splits).toMatchObject({ train: ['p1', 'p2'], val: ['p3'], test: ['p4'] })
    expect(dataset.cases[0]).toMatchObject({ name: 'p1/z-4.5_c0', patient: 'p1', split: 'train' })
    expect([...(await loadCase(dataset, dataset.cases[0]!)).masks]).toEqual([0, 0, 0, 0, 1, 0, 0, 0])
  })
})

describe('bad data sets', () => {
  const pair = async (name: string, maskSize: readonly [number, number] = size) => {
    await folder.picture(`images/${name}.png`, size, grey)
    await folder.picture(`masks/${name}.png`, maskSize, new Array(maskSize[0] * maskSize[1]).fill(1))
  }

  it('a missing mask', async () => {
    await pair('a')
    await folder.picture('images/b.png', size, grey)
    await folder.picture('masks/b_mask.png', size, grey)
    const line = (await problemOf(labels())).toLine()
    expect(line).toMatch(
      /^The image has no mask \(case b, .*b\.png\)\. Add a mask of the same name \(.*b_mask\.png belongs to no image\)/,
    )
    folder.text('dataset.yaml', 'unlabelled: true')
    await folder.picture('masks/b_mask.png', size, [0, 1, 0, 0, 0, 0])
    const dataset = await openFolderDataset(folder.dir)
    expect((await problemOf(loadCase(dataset, dataset.cases[1]!))).code).toBe('case-unlabelled')
  })

  it('unequal sizes', async () => {
    await pair('a', [3, 3])
    expect((await problemOf(labels())).toLine()).toMatch(
      /^The mask has 3 x 3 pixels, its image 3 x 2 \(case a, .*masks\/a\.png\)\. Export both at the same size/,
    )
  })

  it('a folder that is not there, an empty one, one without pictures', async () => {
    expect((await problemOf(openFolderDataset(join(folder.dir, 'no')))).code).toBe('dataset-missing')
    expect((await problemOf(openFolderDataset(folder.dir))).code).toBe('dataset-layout')
    mkdirSync(join(folder.dir, 'images'))
    mkdirSync(join(folder.dir, 'masks'))
    expect((await problemOf(openFolderDataset(folder.dir))).code).toBe('dataset-empty')
  })

  it('two images of one stem', async () => {
    await pair('a')
    await folder.picture('images/a.jpg', size, grey)
    expect((await problemOf(labels())).toLine()).toMatch(
      /Two pictures have the name a: a\.jpg and a\.png \(case a/,
    )
  })

  it('a text file named .png and a truncated mask, both told at once', async () => {
    await pair('a')
    await pair('b')
    folder.text('images/a.png', 'patient list')
    const noise = Array.from({ length: 4096 }, (_, i) => (i * 7919) % 2)
    await folder.picture('images/b.png', [64, 64], noise)
    const whole = await new Folder().picture('x.png', [64, 64], noise)
    const { readFileSync } = await import('node:fs')
    const bytes = readFileSync(join(whole.dir, 'x.png'))
    whole.remove()
    folder.text('masks/b.png', bytes.subarray(0, bytes.length - 100))
    const problem = await problemOf(labels())
    expect(problem.code).toBe('dataset-problems')
    expect(problem.message).toMatch(
      /has 2 problems:\n.*but text \(case a, .*images\/a\.png\).*\n.*cut off.*\(case b, .*masks\/b\.png\)/,
    )
  })

  it('shows ten problems and counts the rest', async () => {
    for (let i = 0; i < 13; i++) await folder.picture(`images/case${i}.png`, size, grey)
    const { message } = await problemOf(labels())
    expect(message.match(/has no mask/g)).toHaveLength(10)
    expect(message).toMatch(/has 13 problems[\s\S]*and 3 more/)
  })

  it('a description with an unknown key, bad YAML, a bad pattern', async () => {
    await pair('a')
    folder.text('dataset.yaml', 'clases: [x]')
    expect((await problemOf(labels())).toLine()).toMatch(/clases.*Known keys are name, description, classes/)
    folder.text('dataset.yaml', 'classes: [x')
    expect((await problemOf(labels())).code).toBe('description-syntax')
    folder.text('dataset.yaml', "patient: '('")
    expect((await problemOf(labels())).toLine()).toMatch(/at patient/)
  })
})

describe('patients', () => {
  it('come from a pattern, a table, or the case name', async () => {
    for (const name of ['P1_n0', 'P1_n1', 'P2_n0']) {
      await folder.picture(`images/${name}.png`, [1, 2], [1, 2])
      await folder.picture(`masks/${name}.png`, [1, 2], [0, 1])
    }
    const patients = async () => (await openFolderDataset(folder.dir)).cases.map(({ patient }) => patient)
    expect(await patients()).toEqual(['P1_n0', 'P1_n1', 'P2_n0'])
    folder.text('dataset.yaml', "patient: '^(.+)_n'")
    expect(await patients()).toEqual(['P1', 'P1', 'P2'])
    folder.text('dataset.yaml', 'patient: {csv: who.csv, case: id, patient: person}')
    folder.text('who.csv', 'id,note,person\r\nP1_n0,"a, ""b""",X\r\nP1_n1,,Y\r\nP2_n0,,Y\r\n')
    expect(await patients()).toEqual(['X', 'Y', 'Y'])
    folder.text('who.csv', 'id,person\nP1_n0,X\nP2_n0,Y\n')
    expect((await problemOf(patients())).toLine()).toMatch(/does not list the case \(case P1_n1/)
    folder.text('dataset.yaml', "patient: '^(Q.+)_n'")
    expect((await problemOf(patients())).message).toMatch(/has 3 problems/)
  })
})

describe('the LIDC crops of examples/', () => {
  it('open without a problem and say what they are', async () => {
    const reporter = listeningReporter()
    const dataset = await openFolderDataset(lidc, { reporter })
    expect(reporter.lines).toEqual([
      'Images: 299 of 165 patients, grey, 128 x 128; one mask file a case, 4 raters',
      'Masks: bit k of a value is rater k of 4, set = nodule (299 files)',
    ])
    const parts = selectCases(dataset.cases, dataset.splits!)
    expect([parts.train.length, parts.val.length, parts.test.length]).toEqual([202, 32, 65])
    expect(splitHash(dataset.splits!)).toBe(
      '72742e4ea977a8523b0dbb11f9e1bb5b11c2f1a28a9dc224b61e1e5b9e078e1b',
    )
    const quick = await openFolderDataset(lidc, { check: 'quick' })
    expect(quick.coding).toEqual(dataset.coding)
    // The source table gives the areas of this case as 848, 749, 734, 735 pixels.
    const entry = dataset.cases.find(({ name }) => name === 'LIDC-IDRI-0001_n0_s02')!
    const { masks } = await loadCase(dataset, entry)
    const areas = [0, 1, 2, 3].map((rater) =>
      masks.subarray(rater * 16384, (rater + 1) * 16384).reduce((a, b) => a + b, 0),
    )
    expect(areas).toEqual([848, 749, 734, 735])
  })
})
