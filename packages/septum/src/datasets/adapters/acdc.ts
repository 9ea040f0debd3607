import { join } from 'node:path'
import { listFolder, namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import type { Splits } from '../splits.js'
import { defineAdapter, firstOf } from './adapter.js'

const patients = (numbers: readonly number[]) =>
  numbers.map((number) => `patient${`${number}`.padStart(3, '0')}`)

// The division of SSL4MIS (data/ACDC/val.list, test.list), which the semi-supervised publications share.
const VAL = patients([2, 19, 28, 30, 39, 45, 78, 82, 85, 87])
const TEST = patients([1, 7, 8, 11, 13, 22, 24, 33, 52, 59, 64, 65, 66, 68, 75, 80, 81, 83, 84, 93])
/** The first 1, 3 or 7 of these are the labelled patients of "1 %", "5 %" and "10 %". */
const LABELLED = patients([99, 38, 50, 100, 58, 21, 49])
const ALL = patients(Array.from({ length: 100 }, (_, index) => index + 1))

const FRAME = /^(patient\d{3})_frame\d+(_slice_\d+)?$/

/** Cine MRI of the heart: the HDF5 files of SSL4MIS, or the challenge's own NIfTI files. */
export const acdc = defineAdapter({
  name: 'acdc',
  title: 'ACDC',
  source: 'humanheart-project.creatis.insa-lyon.fr/database; HDF5: github.com/HiLab-git/SSL4MIS',
  licence: 'CC BY-NC-SA 4.0',
  citation:
    'O. Bernard et al., Deep learning techniques for automatic MRI cardiac multi-structures segmentation and diagnosis: is the problem solved?, IEEE TMI 37 (2018) 2514-2525',
  split:
    '70 / 10 / 20 patients as in SSL4MIS; labelled1, labelled3 and labelled7 mark the labelled patients of "1 %", "5 %" and "10 %"',
  variants: {
    slices: 'training slices in place of training volumes (HDF5)',
    labelled1: 'labelled: patient 099',
    labelled3: 'labelled: patients 099, 038, 050',
    labelled7: 'labelled: patients 099, 038, 050, 100, 058, 021, 049',
    'slices-labelled1': 'both',
    'slices-labelled3': 'both',
    'slices-labelled7': 'both',
  },
  recognises: async (dir) => (await formOf(dir)) !== undefined,
  async read(dir, variant = '', problems) {
    const labelled = Number(/labelled(\d)/.exec(variant)?.[1] ?? 0)
    const splits: Splits = {
      scheme: `SSL4MIS 70/10/20${labelled ? `, ${labelled} labelled` : ''}`,
      train: ALL.filter((patient) => !VAL.includes(patient) && !TEST.includes(patient)),
      val: VAL,
      test: TEST,
      ...(labelled ? { labelled: LABELLED.slice(0, labelled) } : {}),
    }
    const form = await formOf(dir)
    const cases =
      form?.kind === 'nifti'
        ? await niftiCases(form.folder)
        : await hdf5Cases(form?.folder ?? dir, variant.startsWith('slices'))
    return {
      cases,
      known: { classes: ['right ventricle', 'myocardium', 'left ventricle'], channels: ['MRI'] },
      splits,
    }

    async function hdf5Cases(folder: string, slices: boolean): Promise<CaseFiles[]> {
      const volumes = [...(await listFolder(folder, problems)).pictures]
      if (!slices) return volumes.flatMap(hdf5Case)
      const flat = [...(await listFolder(join(folder, 'slices'), problems)).pictures]
      const held = new Set([...VAL, ...TEST])
      const trains = ([stem]: readonly [string, string]) => !held.has(stem.slice(0, 'patient000'.length))
      return [...flat.filter(trains), ...volumes.filter((file) => !trains(file))].flatMap(hdf5Case)
    }
  },
})

/** `data/patient001_frame01.h5` (and `data/slices/`), or `training/patient001/patient001_frame01.nii.gz`. */
async function formOf(dir: string): Promise<{ kind: 'hdf5' | 'nifti'; folder: string } | undefined> {
  for (const folder of [join(dir, 'data'), dir]) {
    const names = await namesIn(folder).catch(() => [])
    if (names.some((name) => /^patient\d{3}_frame\d+\.h5$/.test(name))) return { kind: 'hdf5', folder }
  }
  for (const folder of [firstOf(dir, 'training', 'database/training') ?? dir, dir]) {
    const [first] = (await namesIn(folder).catch(() => [])).filter((name) => /^patient\d{3}$/.test(name))
    const names = first === undefined ? [] : await namesIn(join(folder, first)).catch(() => [])
    if (names.some((name) => name.includes('_gt.nii'))) return { kind: 'nifti', folder }
  }
  return undefined
}

function hdf5Case([name, file]: readonly [string, string]): CaseFiles[] {
  const patient = FRAME.exec(name)?.[1]
  if (patient === undefined) return []
  const masks: [string, ImageSource][] = [['', { file, part: 'label' }]]
  return [{ name, images: [{ file, part: 'image' }], masks: new Map(masks), patient }]
}

async function niftiCases(folder: string): Promise<CaseFiles[]> {
  const cases: CaseFiles[] = []
  for (const patient of (await namesIn(folder)).filter((name) => /^patient\d{3}$/.test(name))) {
    const names = await namesIn(join(folder, patient))
    for (const name of names) {
      const [, stem, ending] = /^(patient\d{3}_frame\d+)(\.nii(?:\.gz)?)$/.exec(name) ?? []
      if (stem === undefined) continue
      const mask = `${stem}_gt${ending}`
      cases.push({
        name: stem,
        images: [{ file: join(folder, patient, name) }],
        masks: new Map(names.includes(mask) ? [['', { file: join(folder, patient, mask) }]] : []),
        patient,
      })
    }
  }
  return cases
}
