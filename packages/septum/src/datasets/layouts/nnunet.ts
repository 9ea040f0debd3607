import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { z } from 'zod'
import type { DescriptionInput } from '../description.js'
import { namesIn } from '../files.js'
import type { CaseFiles, Layout } from '../layout.js'
import type { Problems } from '../problems.js'
import type { SplitName } from '../splits.js'
import { byNumber, readDatasetJson } from './json.js'

const label = z.int().min(0).max(65535)

/** `dataset.json` of nnU-Net v2 (its documentation, "dataset format"). */
const schema = z.looseObject({
  channel_names: z.record(z.string().regex(/^\d+$/), z.string()),
  labels: z.record(z.string(), z.union([label, z.array(label).min(1)])),
  regions_class_order: z.array(label).optional(),
  file_ending: z.string().regex(/^\.\w/),
  name: z.string().optional(),
  description: z.string().optional(),
  licence: z.string().optional(),
  reference: z.string().optional(),
  dataset: z
    .record(z.string(), z.looseObject({ images: z.array(z.string()).min(1), label: z.string().optional() }))
    .optional(),
})
type NnunetJson = z.infer<typeof schema>

/**
 * Reads an nnU-Net v2 raw data set: `imagesTr/<case>_0000<ending>`, one file a channel, `labelsTr/<case><ending>`,
 * and `imagesTs/`, which becomes the test part (unlabelled without `labelsTs/`). Regions and the ignore label
 * come from `dataset.json`.
 * @throws SeptumError `description-…`, `folder-unreadable`, `dataset-layout`.
 */
export async function readNnunet(dir: string, problems: Problems): Promise<Layout> {
  const file = join(dir, 'dataset.json')
  const json = await readDatasetJson(file, schema, 'nnU-Net')
  const known = descriptionOf(json, file)
  if (json.dataset) {
    const cases = Object.entries(json.dataset).map(
      ([name, { images, label: mask }]): CaseFiles => ({
        name,
        images: images.map((image) => ({ file: join(dir, image) })),
        masks: new Map(mask === undefined ? [] : [['', { file: join(dir, mask) }]]),
        ...(mask === undefined ? { unlabelled: true } : {}),
      }),
    )
    return { kind: 'nnU-Net, files listed', cases, orphans: [], known }
  }
  const train = await readPart(dir, 'Tr', json, undefined, problems)
  const test = existsSync(join(dir, 'imagesTs')) ? await readPart(dir, 'Ts', json, 'test', problems) : none
  return {
    kind: 'nnU-Net',
    cases: [...train.cases, ...test.cases],
    orphans: [...train.orphans, ...test.orphans],
    known,
  }
}

const none = { cases: [] as CaseFiles[], orphans: [] as string[] }

async function readPart(
  dir: string,
  part: 'Tr' | 'Ts',
  { file_ending: ending, channel_names: channels }: NnunetJson,
  split: SplitName | undefined,
  problems: Problems,
): Promise<typeof none> {
  const folder = join(dir, `images${part}`)
  const labelFolder = join(dir, `labels${part}`)
  const labelled = existsSync(labelFolder)
  const labels = new Set(labelled ? await namesIn(labelFolder) : [])
  const files = new Map<string, Map<number, string>>()
  for (const name of await namesIn(folder)) {
    if (!name.endsWith(ending)) continue
    const [, stem, channel] = /^(.+)_(\d{4})$/.exec(name.slice(0, -ending.length)) ?? []
    if (stem === undefined || channel === undefined) {
      problems.add(
        'image-name',
        `The image ${name} names no channel`,
        `Call it <case>_0000${ending}, with the number of its channel.`,
        { file: join(folder, name) },
      )
      continue
    }
    files.set(stem, (files.get(stem) ?? new Map<number, string>()).set(Number(channel), join(folder, name)))
  }
  const wanted = Object.keys(channels).map(Number)
  const cases = [...files].map(([name, found]): CaseFiles => {
    // An RGB picture holds its three channels in one file.
    const lacking = found.size === 1 && found.has(0) ? [] : wanted.filter((channel) => !found.has(channel))
    if (lacking.length > 0) {
      problems.add(
        'channel-missing',
        `The case has no file of channel ${lacking.join(', ')}`,
        'Add the file, or correct channel_names in dataset.json.',
        { case: name, file: folder },
      )
    }
    const mask = `${name}${ending}`
    return {
      name,
      images: [...found].sort(([a], [b]) => a - b).map(([, file]) => ({ file })),
      masks: new Map(labels.has(mask) ? [['', { file: join(labelFolder, mask) }]] : []),
      ...(split ? { split } : {}),
      ...(labelled ? {} : { unlabelled: true }),
    }
  })
  const orphans = [...labels]
    .filter((name) => name.endsWith(ending) && !files.has(name.slice(0, -ending.length)))
    .map((name) => join(labelFolder, name))
  return { cases, orphans }
}

function descriptionOf(json: NnunetJson, file: string): DescriptionInput {
  const { labels, name, description, licence, reference, channel_names } = json
  const entries = Object.entries(labels).filter(([key]) => key !== 'background' && key !== 'ignore')
  const background = labels.background ?? 0
  const ignore = labels.ignore
  const regions = entries.some(([, value]) => Array.isArray(value))
  if (Array.isArray(background) || Array.isArray(ignore) || entries.length === 0) {
    throw new SeptumError(
      'description-invalid',
      'dataset.json of nnU-Net names no class, or a list for background or ignore',
      'Give "labels" one whole number each; only classes may be lists (regions).',
      { file },
    )
  }
  if (regions && json.regions_class_order === undefined) {
    throw new SeptumError(
      'description-invalid',
      'dataset.json of nnU-Net has regions but no regions_class_order',
      'Add "regions_class_order", e.g. [1, 2, 3].',
      { file },
    )
  }
  const classes = entries.map(([key, value]) =>
    regions ? { name: key, region: [value].flat() } : { name: key, value: value as number },
  )
  return {
    classes,
    background,
    ...(ignore === undefined ? {} : { ignore }),
    channels: byNumber(channel_names),
    ...(name ? { name } : {}),
    ...(description ? { description } : {}),
    ...(licence ? { licence } : {}),
    ...(reference ? { source: reference } : {}),
  }
}
