import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkImage, SeptumError } from '@septum/core'
import { unzipSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { listDicomSeries, readDicom, readDicomHeader } from './read.js'
import type { DicomOptions } from './volume.js'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const expected = JSON.parse(readFileSync(fixture('dicom.json'), 'utf8')) as Record<
  string,
  { values: number[]; spacing?: number[]; origin?: number[]; directions?: number[][] }
>
const dir = mkdtempSync(join(tmpdir(), 'septum-dicom-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** Unpacks an archive of the fixtures, so that the same series is read from a folder. */
function unpacked(name: string): string {
  const folder = join(dir, name)
  for (const [path, content] of Object.entries(unzipSync(readFileSync(fixture(`${name}.zip`))))) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

async function problem(name: string, options?: DicomOptions): Promise<SeptumError> {
  const error = await readDicom(fixture(`${name}.zip`), options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(SeptumError)
  return error as SeptumError
}

function near(found: readonly number[] | undefined, wanted: readonly number[]): void {
  expect(found?.length).toBe(wanted.length)
  for (const [i, value] of wanted.entries()) expect(found![i]).toBeCloseTo(value, 6)
}

describe('series', () => {
  it.each(['series', 'oblique', 'tilt', 'pet'])('%s: from a zip and from a folder', async (name) => {
    const { values, spacing, origin, directions } = expected[name]!
    for (const path of [fixture(`${name}.zip`), unpacked(name)]) {
      const image = await readDicom(path)
      checkImage(image)
      expect(image.shape).toEqual([1, 5, 4, 6])
      expect([...image.data]).toEqual(values)
      if (spacing) near(image.geometry?.spacingMm, spacing)
      if (origin) near(image.geometry?.originMm, origin)
      for (const [axis, direction] of (directions ?? []).entries()) {
        near(image.geometry?.directions[axis], direction)
      }
      const header = await readDicomHeader(path)
      expect(header.geometry).toEqual(image.geometry)
      expect(header.shape).toEqual(image.shape)
    }
  })

  it('reports gantry tilt and files that are no images', async () => {
    expect((await readDicom(fixture('tilt.zip'))).notes.join()).toContain('sheared by 15.0 degrees')
    expect((await readDicom(fixture('series.zip'))).notes).toEqual([
      '1 files are no images and were left out.',
    ])
  })

  it('takes repeated positions as channels when an element tells them apart', async () => {
    const image = await readDicom(fixture('echoes.zip'))
    expect(image.shape).toEqual([2, 3, 4, 6])
    expect([...image.data]).toEqual(expected.echoes!.values)
    expect(image.notes.join()).toContain('2 images at each position, told apart by their echo number')
  })

  it('leaves out copies of a file', async () => {
    const image = await readDicom(fixture('copied.zip'))
    expect([...image.data]).toEqual(expected.series!.values)
    expect(image.notes.join()).toContain('1 files are copies')
  })

  it.each([
    ['missing', 'dicom-slices-missing', '2 slices are missing: there are 7.500 mm instead of 2.500 mm'],
    ['uneven', 'dicom-slices-uneven', 'distance of the slices varies'],
    ['shifted', 'dicom-slices-shifted', 'Slice 3 of 5 lies beside'],
    ['doubled', 'dicom-slices-doubled', '1 of 5 slice positions have more than one image'],
  ])('refuses %s slices unless told to accept them', async (name, code, text) => {
    const error = await problem(name)
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
    const accepted = await readDicom(fixture(`${name}.zip`), { slices: 'accept' })
    checkImage(accepted)
    expect(accepted.shape.slice(-2)).toEqual([4, 6])
    expect(accepted.notes.length).toBeGreaterThan(0)
  })

  it.each(['mixed', 'scout'])('%s: lists several series and reads one only when asked', async (name) => {
    const error = await problem(name)
    expect(error.code).toBe('dicom-series')
    expect(error.message).toMatch(/There are 2 series \(1: CT, 5 images of 4 x 6; 2: (MR|CT), [12] images/)
    const largest = await readDicom(fixture(`${name}.zip`), { series: 'largest' })
    expect([...largest.data]).toEqual(expected.series!.values)
    expect((await readDicom(fixture(`${name}.zip`), { series: 2 })).shape.at(-1)).toBe(6)
    expect((await problem(name, { series: 3 })).code).toBe('dicom-series')
    expect((await listDicomSeries(fixture(`${name}.zip`))).map(({ images }) => images)).toEqual([
      5,
      name === 'mixed' ? 2 : 1,
    ])
  })

  it('counts bytes before it decodes', async () => {
    const error = await problem('series', { limits: { maxBytes: 100 } })
    expect(error.code).toBe('dicom-too-large')
  })
})

describe('what identifies a patient', () => {
  const secrets = /planted|secret|19440101|20200229|2020-02-29|1\.2\.826/i

  it('reaches no error, note or list', async () => {
    // The fixtures' own file names hold none; the names inside the archives do.
    for (const name of ['missing', 'uneven', 'shifted', 'doubled', 'mixed', 'scout']) {
      const error = await problem(name)
      expect(`${error.toLine()} ${JSON.stringify(error.place)} ${error.stack}`).not.toMatch(secrets)
    }
    for (const name of ['series', 'tilt', 'echoes', 'copied']) {
      const { data: _, ...rest } = await readDicom(fixture(`${name}.zip`))
      expect(JSON.stringify(rest)).not.toMatch(secrets)
      expect(JSON.stringify(await readDicomHeader(fixture(`${name}.zip`)))).not.toMatch(secrets)
    }
    expect(JSON.stringify(await listDicomSeries(fixture('mixed.zip')))).not.toMatch(secrets)
  })
})
