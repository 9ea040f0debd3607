import { z } from 'zod'
import {
  imageNetPreprocessing,
  type Modality,
  modalities,
  type Preprocessing,
  preprocessingFor,
  preprocessingSchema,
} from '../datasets/preprocess/schema.js'

const imageSize = z.array(z.int().min(1)).min(2).max(3)

/** Where training takes windows of images that are larger than what the network sees. */
const patchSchema = z.strictObject({
  foreground: z
    .number()
    .min(0)
    .max(1)
    .default(1 / 3)
    .describe('share of patches with a marked sample at their centre'),
  choose: z
    .enum(['last', 'chance'])
    .default('last')
    .describe('which ones: the last of each batch (nnU-Net), or each by chance'),
})

const cacheSchema = z.strictObject({
  folder: z.string().min(1).describe('may be shared by runs and processes'),
  maxGiB: z.number().positive().default(20).describe('what was used longest ago goes first'),
})

/** A further data set that the same network is trained on; what is left out is as for the first. */
const moreSchema = z.union([
  z.string().min(1),
  z.strictObject({
    path: z.string().min(1).describe('folder of the data set'),
    name: z
      .string()
      .regex(/^[^/\\]+$/, 'a name without slashes is expected')
      .nullable()
      .default(null)
      .describe('in tables, messages and folders; null: that of the data set'),
    description: z.string().nullable().default(null),
    splits: z.string().nullable().default(null),
    preprocessing: z
      .union([z.enum([...modalities, 'ImageNet']), preprocessingSchema])
      .nullable()
      .default(null),
  }),
])

/** Group `data` of `config.yaml`. */
export const dataSchema = z.strictObject({
  path: z.string().min(1).describe('folder of the data set'),
  description: z
    .string()
    .nullable()
    .default(null)
    .describe('dataset.yaml of a folder that has none of its own; null: the one in the folder'),
  splits: z.string().nullable().default(null).describe('splits.json by patient; null: as dataset.yaml says'),
  more: z
    .array(moreSchema)
    .default([])
    .describe('further data sets that the same network is trained on: folders, or groups with path, name, …'),
  classes: z
    .enum(['auto', 'one', 'named'])
    .default('auto')
    .describe(
      'of several data sets; one: whatever is marked is one class; named: classes of equal names are the same, others are learnt from their own data set alone; auto: one where none has more than one class',
    ),
  sampling: z
    .enum(['equal', 'proportional'])
    .default('equal')
    .describe('of several data sets; equal: they take turns in every batch; proportional: by their cases'),
  unlabelled: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('a second data set whose images alone are used, by methods that ask for them'),
  imageSize: imageSize
    .nullable()
    .default(null)
    .describe('size the network sees, [H, W] or [D, H, W]; null: that of the images when all agree'),
  resize: z
    .enum(['crop', 'stretch'])
    .default('crop')
    .describe('images of another size: cut or padded at the centre, or stretched'),
  preprocessing: z
    .union([z.enum([...modalities, 'ImageNet']), preprocessingSchema])
    .nullable()
    .default(null)
    .describe(
      'by modality, or spelled out; null: pictures are divided by the largest value of their format, other images are taken for CT or MR',
    ),
  patch: patchSchema
    .nullable()
    .default(null)
    .describe(
      'training windows anywhere in larger images; null: where the method takes them, mostly the centre',
    ),
  cache: cacheSchema.nullable().default(null).describe('keeps decoded and preprocessed cases on disk'),
  workers: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe("threads that decode and preprocess; 0: the decoder's own, which do for pictures"),
  ahead: z.int().min(0).max(64).default(2).describe('batches that are read ahead of the step'),
})

export type DataConfig = z.infer<typeof dataSchema>

/** What a setting stands for; null where values are divided by the largest of their format. */
export function resolvePreprocessing(setting: DataConfig['preprocessing']): Preprocessing | null {
  if (typeof setting !== 'string') return setting
  return setting === 'ImageNet' ? imageNetPreprocessing() : preprocessingFor(setting as Modality)
}

/** Range of preprocessed values, for changes of appearance: null where one channel has no ends, such as z-scores. */
export function valueRangeOf({ channels }: Preprocessing): readonly [number, number] | null {
  const bounded = new Set(['scale', 'windows', 'minMax', 'percentiles'])
  return channels.every(({ kind }) => bounded.has(kind)) ? [0, 1] : null
}

/** Formats whose largest value is known, and white. */
const pictures = new Set(['PNG', 'JPEG', 'TIFF', 'BMP', 'GIF', 'PNM'])

/**
 * What is done where nothing is set: nothing to pictures; to other images, whose values have no known end, what is usual
 * for CT where all channels are called so, else for MR.
 */
export function usualPreprocessing(
  formats: Iterable<string>,
  channelNames: readonly string[] = [],
): Modality | null {
  if ([...formats].every((format) => pictures.has(format))) return null
  const ct = channelNames.length > 0 && channelNames.every((name) => /^ct$/i.test(name))
  return ct ? 'CT' : 'MR'
}

/** A further data set with every value. */
export type MoreData = Exclude<DataConfig['more'][number], string>

/** Settings of each data set of a run, the first one first. */
export function dataOfParts(data: DataConfig): (DataConfig & { readonly name: string | null })[] {
  const first = { ...data, name: null }
  return [
    first,
    ...data.more.map((more) => {
      const { preprocessing, ...rest } =
        typeof more === 'string'
          ? { path: more, name: null, description: null, splits: null, preprocessing: null }
          : more
      return { ...data, ...rest, unlabelled: null, preprocessing: preprocessing ?? data.preprocessing }
    }),
  ]
}
