import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import { defineAdapter, holds } from './adapter.js'

const CASE = /^case\d+$/
const MASK = /^(task\d+)_(seg\d+)\.nii(\.gz)?$/
/** training_data_v2 / kidney / Training */
const DEPTH = 3

interface Found {
  readonly organ: string
  readonly name: string
  readonly folder: string
  readonly names: readonly string[]
  readonly validates: boolean
}

/** Quantification of uncertainties in biomedical image segmentation: one slice a case, three to seven raters. */
export const qubiq = defineAdapter({
  name: 'qubiq',
  title: 'QUBIQ',
  source: 'qubiq.grand-challenge.org',
  licence: 'see the challenge; for research',
  citation:
    'QUBIQ, Quantification of Uncertainties in Biomedical Image Quantification challenge, MICCAI 2020 and 2021',
  split: 'training cases train (every tenth validates), validation cases test',
  variants: { 'kidney/task01': 'organ and task; needed where the folder holds several' },
  freeVariant: true,
  recognises: async (dir) => (await casesBelow(dir, [])).length > 0,
  async read(dir, variant) {
    const found = await casesBelow(dir, [])
    const tasks = new Set(
      found.flatMap(({ organ, names }) =>
        names.flatMap((name) =>
          MASK.exec(name) ? [[organ, MASK.exec(name)![1]].filter(Boolean).join('/')] : [],
        ),
      ),
    )
    const chosen = variant ?? (tasks.size === 1 ? [...tasks][0]! : undefined)
    if (chosen === undefined || !tasks.has(chosen)) {
      throw new SeptumError(
        'layout-variant',
        variant === undefined
          ? `The folder holds ${tasks.size} tasks of QUBIQ and nothing says which one is meant`
          : `The folder holds no task "${variant}" of QUBIQ`,
        `Choose one of ${[...tasks].map((task) => `qubiq:${task}`).join(', ')}.`,
        { file: dir },
      )
    }
    const task = chosen.split('/').at(-1)!
    const organ = chosen.split('/').slice(0, -1).join('/')
    const cases = found
      .filter((one) => one.organ === organ)
      .map(({ name, folder, names, validates }): CaseFiles => {
        const file = join(folder, names.find((one) => /^image\.nii(\.gz)?$/.test(one)) ?? 'image.nii.gz')
        // The four MR sequences of a brain tumour lie in the slices of one file.
        const image: ImageSource = organ.includes('tumor') ? { file, slicesAreChannels: true } : { file }
        const masks = names.flatMap((one): [string, ImageSource][] => {
          const [, own, rater] = MASK.exec(one) ?? []
          return own === task && rater !== undefined ? [[rater, { file: join(folder, one) }]] : []
        })
        return { name, images: [image], masks: new Map(masks), split: validates ? 'test' : 'train' }
      })
    return {
      cases: cases.filter(({ masks }) => masks.size > 0),
      known: { name: `QUBIQ ${chosen}`, classes: [(organ || task).replaceAll('-', ' ')] },
    }
  },
})

async function casesBelow(dir: string, path: readonly string[]): Promise<Found[]> {
  const names = await namesIn(dir).catch(() => [])
  const own: Found[] = []
  for (const name of names.filter((one) => CASE.test(one))) {
    const folder = join(dir, name)
    if (!holds(folder, 'image.nii.gz') && !holds(folder, 'image.nii')) continue
    const validates = path.some((part) => /^valid/i.test(part))
    const organ = path.filter((part) => !/^(training|validation|test)/i.test(part)).join('/')
    own.push({ organ, name, folder, names: await namesIn(folder), validates })
  }
  if (own.length > 0 || path.length >= DEPTH) return own
  for (const name of names.slice(0, 50)) own.push(...(await casesBelow(join(dir, name), [...path, name])))
  return own
}
