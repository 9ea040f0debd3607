import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readCaseMasks } from '../case-masks.js'
import { openFolderDataset } from '../dataset.js'
import { Folder, problemOf } from '../testing.js'
import { fillPolygon, type Point } from './fill-polygon.js'
import { groupNodules, readLidcAnnotations } from './lidc-annotations.js'
import { readPnm } from './pnm.js'
import { parseXml } from './xml.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const json = (name: string) => JSON.parse(readFileSync(fixture(name), 'utf8'))
const series = fixture('lidc/LIDC-IDRI-0001/01-01-2000-30178/3000566.000000-03192')

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

interface Outlines {
  readonly size: number
  readonly polygons: readonly {
    readonly points: Point[]
    readonly inside: number[]
    readonly outside: number[]
  }[]
}

describe('polygons', () => {
  const { size, polygons } = json('outlines.json') as Outlines

  it.each(['outside', 'inside'] as const)(
    '24 of them hold the pixels of scikit-image, border %s',
    (border) => {
      for (const polygon of polygons) {
        const marked: number[] = []
        fillPolygon(polygon.points, [size, size], border, (index) => marked.push(index))
        expect(marked.sort((a, b) => a - b)).toEqual(polygon[border])
      }
    },
  )

  it('outside the picture are cut off', () => {
    const marked: number[] = []
    const square: Point[] = [
      [-5, -5],
      [1, -5],
      [1, 1],
      [-5, 1],
    ]
    fillPolygon(square, [3, 3], 'inside', (index) => marked.push(index))
    expect(marked.sort((a, b) => a - b)).toEqual([0, 1, 3, 4])
  })
})

describe('LIDC-IDRI', () => {
  it('reads the outlines of each reader and leaves marks without outline out', async () => {
    const { readers, nodules, seriesUid } = await readLidcAnnotations(`${series}/069.xml`)
    expect([readers, seriesUid]).toEqual([4, '1.2.826.0.1.3680043.8.498.1.3'])
    expect(nodules.map(({ reader, id, outlines }) => [reader, id, outlines.length])).toEqual([
      [0, 'Nodule 001', 3],
      [1, '1', 1],
      [1, '2', 1],
    ])
  })

  it('groups what several readers outlined of one lesion', async () => {
    const { nodules } = await readLidcAnnotations(`${series}/069.xml`)
    expect(groupNodules(nodules).map((group) => group.map(({ reader, id }) => `${reader}:${id}`))).toEqual([
      ['0:Nodule 001', '1:1'],
      ['1:2'],
    ])
  })

  it('draws them on the CT series, by position and not by file name', async () => {
    const dataset = await openFolderDataset(fixture('lidc'))
    expect(dataset).toMatchObject({
      name: 'LIDC-IDRI',
      raters: ['0', '1', '2', '3'],
      commonSize: [3, 16, 16],
    })
    const masks = await readCaseMasks(dataset, dataset.cases[0]!)
    const expected = json('lidc-masks.json') as number[][]
    const voxels = 3 * 16 * 16
    const rising = dataset.cases[0]!.geometry!.directions[0]![2] > 0
    expect(rising).toBe(true)
    for (let reader = 0; reader < 4; reader++) {
      const marked = [...masks.subarray(reader * voxels, (reader + 1) * voxels).entries()]
      expect(marked.filter(([, label]) => label > 0).map(([index]) => index)).toEqual(expected[reader])
    }
  })

  it('refuses XML of another kind', async () => {
    folder.text('x.xml', '<IdriReadMessage/>')
    expect((await problemOf(readLidcAnnotations(`${folder.dir}/x.xml`))).toLine()).toMatch(
      /no CT reads.*IdriReadMessage/,
    )
  })
})

describe('XML', () => {
  it('reads elements, attributes, entities, comments and CDATA', () => {
    const root = parseXml(
      '<?xml version="1.0"?><!-- a --><n:a k="1 &lt; 2" l=\'x\'><b/>t&#65;<![CDATA[<c>]]></n:a>',
      'f',
    )
    expect(root).toMatchObject({ name: 'a', text: 'tA<c>', children: [{ name: 'b' }] })
    expect([...root.attributes]).toEqual([
      ['k', '1 < 2'],
      ['l', 'x'],
    ])
  })

  it.each([
    ['<a><b></a>', /<\/a> closes nothing/],
    ['<a>', /<a> is never closed/],
    ['<a/><b/>', /no single root/],
    ['text', /no single root/],
    ['<a b=1/>', /a tag is not understood/],
    ['<!DOCTYPE a [<!ENTITY x "y">]><a/>', /a tag is not understood/],
    ['<a>'.repeat(10_000), /nested too deeply/],
  ])('%.30s is refused', (text, expected) => {
    expect(() => parseXml(text, 'f')).toThrow(expected)
  })
})

describe('PGM and PPM', () => {
  it.each([
    ['P6\n2 1\n255\n', 'cut off'],
    ['P3\n1 1\n255\n1 2 3', 'no binary PGM'],
    ['P5\n1 1\n65535\n..', 'values up to 65535'],
    ['P5\n99999999 99999999\n255\n..', 'cut off'],
  ])('%j is refused', async (text, expected) => {
    folder.text('x.ppm', text)
    expect((await problemOf(readPnm(`${folder.dir}/x.ppm`))).message).toContain(expected)
  })
})
