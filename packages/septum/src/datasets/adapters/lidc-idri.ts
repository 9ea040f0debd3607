import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import { defineAdapter } from './adapter.js'

const PATIENT = /^LIDC-IDRI-\d{4}$/
/** Patient, study, series. */
const DEPTH = 3

/** The CT volumes of LIDC-IDRI with the outlines of up to four readers, as The Cancer Imaging Archive has them. */
export const lidcIdri = defineAdapter({
  name: 'lidc-idri',
  title: 'LIDC-IDRI',
  source: 'doi.org/10.7937/K9/TCIA.2015.LO9QL9SX',
  licence: 'CC BY 3.0',
  citation:
    'S. G. Armato III et al., The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative (IDRI), Medical Physics 38 (2011) 915-931',
  split: 'none was published for the volumes: drawn by patient',
  recognises: async (dir) => {
    const patients = (await namesIn(dir)).filter((name) => PATIENT.test(name))
    for (const patient of patients.slice(0, 3)) {
      if ((await seriesBelow(join(dir, patient), 1)).length > 0) return true
    }
    return false
  },
  async read(dir) {
    const cases: CaseFiles[] = []
    for (const patient of (await namesIn(dir)).filter((name) => PATIENT.test(name))) {
      const series = await seriesBelow(join(dir, patient), 1)
      for (const [index, { folder, xml }] of series.entries()) {
        cases.push({
          name: series.length > 1 ? `${patient}_${index + 1}` : patient,
          images: [{ file: folder }],
          masks: await readersOf(xml, folder),
          patient,
        })
      }
    }
    return {
      cases,
      known: { classes: ['nodule'], raters: { encoding: 'files', missing: 'empty' }, channels: ['CT'] },
    }
  },
})

interface Series {
  readonly folder: string
  readonly xml: string
}

/** CT series with CT reads beside them; chest films have XML files of another kind. */
async function seriesBelow(folder: string, depth: number): Promise<Series[]> {
  const names = await namesIn(folder).catch(() => [])
  const found: Series[] = []
  if (names.some((name) => /\.dcm$/i.test(name))) {
    for (const name of names.filter((one) => /\.xml$/i.test(one))) {
      const xml = join(folder, name)
      if ((await readFile(xml, 'utf8')).includes('<LidcReadMessage')) found.push({ folder, xml })
    }
    return found
  }
  if (depth > DEPTH) return found
  for (const name of names) found.push(...(await seriesBelow(join(folder, name), depth + 1)))
  return found
}

/** One mask a reading session; the sessions are the readers 0 to 3 and stand for no person across patients. */
async function readersOf(xml: string, like: string): Promise<Map<string, ImageSource>> {
  const sessions = (await readFile(xml, 'utf8')).match(/<readingSession[\s>]/g)?.length ?? 0
  return new Map(
    Array.from({ length: Math.min(sessions, 4) }, (_, reader): [string, ImageSource] => [
      `${reader}`,
      { file: xml, reader: 'lidc-contours', part: `${reader}`, like },
    ]),
  )
}
