import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { DescriptionInput } from '../description.js'
import { imageStem } from '../files.js'
import type { CaseFiles, Layout } from '../layout.js'
import type { Problems } from '../problems.js'
import type { ImageSource } from '../sources.js'
import { byNumber, readDatasetJson } from './json.js'

/** `dataset.json` of the Medical Segmentation Decathlon (Antonelli et al., 2022). */
const schema = z.looseObject({
  modality: z.record(z.string().regex(/^\d+$/), z.string()),
  labels: z.record(z.string().regex(/^\d+$/), z.string()),
  training: z.array(z.looseObject({ image: z.string(), label: z.string() })),
  test: z.array(z.union([z.string(), z.looseObject({ image: z.string() })])).default([]),
  name: z.string().optional(),
  description: z.string().optional(),
  licence: z.string().optional(),
  license: z.string().optional(),
  reference: z.string().optional(),
})

/**
 * Reads a data set of the Medical Segmentation Decathlon: pairs as `dataset.json` lists them; channels are the
 * fourth dimension of a file, or files `_0000`, `_0001`, … as nnU-Net v1 has them. Listed test images have no mask.
 * @throws SeptumError `description-…`.
 */
export async function readMsd(dir: string, problems: Problems): Promise<Layout> {
  const file = join(dir, 'dataset.json')
  const json = await readDatasetJson(file, schema, 'the Decathlon')
  const names = new Set<string>()
  const named = (image: string): string => {
    const base = basename(image)
    const name = imageStem(base) ?? base
    if (names.has(name)) {
      problems.add('stem-duplicate', `dataset.json lists ${name} twice`, 'Keep one of them.', {
        file,
        case: name,
      })
    }
    names.add(name)
    return name
  }
  const train = json.training.map(
    ({ image, label }): CaseFiles => ({
      name: named(image),
      images: channelsOf(dir, image, Object.keys(json.modality).length),
      masks: new Map([['', { file: join(dir, label) }]]),
    }),
  )
  const test = json.test
    .map((entry) => (typeof entry === 'string' ? entry : entry.image))
    .map(
      (image): CaseFiles => ({
        name: named(image),
        images: channelsOf(dir, image, Object.keys(json.modality).length),
        masks: new Map(),
        split: 'test',
        unlabelled: true,
      }),
    )
  // macOS archives of the Decathlon list their own shadow files.
  const cases = [...train, ...test].filter(({ name }) => !name.startsWith('._'))
  return { kind: 'Medical Segmentation Decathlon', cases, orphans: [], known: descriptionOf(json) }
}

function channelsOf(dir: string, image: string, count: number): ImageSource[] {
  const whole = join(dir, image)
  const stem = imageStem(whole)
  if (stem === undefined || existsSync(whole)) return [{ file: whole }]
  const ending = whole.slice(stem.length)
  const files = Array.from({ length: count }, (_, k) => `${stem}_${`${k}`.padStart(4, '0')}${ending}`)
  return existsSync(files[0]!) ? files.map((file) => ({ file })) : [{ file: whole }]
}

function descriptionOf(json: z.infer<typeof schema>): DescriptionInput {
  const { name, description, reference } = json
  const licence = json.licence ?? json.license
  return {
    classes: Object.entries(json.labels)
      .map(([value, key]) => ({ name: key, value: Number(value) }))
      .filter(({ value }) => value > 0)
      .sort((a, b) => a.value - b.value),
    channels: byNumber(json.modality),
    ...(name ? { name } : {}),
    ...(description ? { description } : {}),
    ...(licence ? { licence } : {}),
    ...(reference ? { source: reference } : {}),
  }
}
