import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { parse } from 'yaml'
import { z } from 'zod'

/** A regular expression in text form. */
const pattern = z.string().refine(
  (text) => {
    try {
      new RegExp(text)
      return true
    } catch {
      return false
    }
  },
  { error: 'is no regular expression' },
)

const greyValue = z.int().min(0).max(65535)

const classEntry = z.union([
  z.string().min(1),
  z.strictObject({
    name: z.string().min(1),
    /** Grey value, or colour as `#rrggbb`, that marks this class in mask files; several are taken together. */
    value: z.union([greyValue, z.string().regex(/^#[0-9a-fA-F]{6}$/), z.array(greyValue).min(1)]),
  }),
  z.strictObject({
    name: z.string().min(1),
    /** Values that together make this class; regions may share values, e.g. whole tumour and tumour core. */
    region: z.array(greyValue).min(1),
  }),
])

/** What `dataset.yaml` (or `dataset.json`) beside `images/` and `masks/` may say; every key is optional. */
export const descriptionSchema = z.strictObject({
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  /** Foreground classes in label order: the first has label 1. */
  classes: z.array(classEntry).min(1).max(254).optional(),
  /** Grey value of the background where it is not 0. */
  background: greyValue.default(0),
  /** Grey value of pixels that nobody marked and that no loss or score may count. */
  ignore: greyValue.optional(),
  /**
   * What values of a one-class mask are: `labels` as told above; `instances`, a number for each object, all of
   * the one class; `half`, the class above 127 of 255, for masks with blurred borders.
   */
  masks: z.enum(['labels', 'instances', 'half']).default('labels'),
  /** Names of the image channels, in order: of the channel files of a case, or of the channels of one file. */
  channels: z.array(z.string().min(1)).min(1).optional(),
  /** `image`: a mask lies where its image lies, whatever its own header says. */
  geometry: z.enum(['strict', 'image']).default('strict'),
  /** Layout or adapter to read the folder by, where it is not told by its files: see `septum data layouts`. */
  layout: z.string().min(1).optional(),
  raters: z
    .discriminatedUnion('encoding', [
      /** One grey file a case; bit k of each pixel is the mask of rater k. */
      z.strictObject({ encoding: z.literal('bits'), count: z.int().min(1).max(16) }),
      /** One file a rater; `missing: empty` reads a missing file as "marked nothing". */
      z.strictObject({ encoding: z.literal('files'), missing: z.enum(['error', 'empty']).default('error') }),
    ])
    .optional(),
  /** Which patient a case belongs to: the first group of a pattern on the case name, or columns of a table. */
  patient: z
    .union([pattern, z.strictObject({ csv: z.string(), case: z.string(), patient: z.string() })])
    .optional(),
  /** A `splits.json`, or the scheme by which patients are divided. */
  splits: z
    .union([
      z.string(),
      z.strictObject({ scheme: z.literal('tenths') }),
      z.strictObject({
        scheme: z.literal('fractions'),
        val: z.number().min(0).lt(1),
        test: z.number().min(0).lt(1),
        seed: z.int().min(0).default(0),
        /** Every stratum (a column of a manifest, a diagnosis in an adapter) gives its share. */
        stratify: z.boolean().default(false),
      }),
    ])
    .optional(),
  /** True when cases without a mask are meant to be there. */
  unlabelled: z.boolean().default(false),
  /** Largest value of the images where it is less than the file format's, e.g. 4095 for 12-bit CT. */
  maxValue: z.int().min(1).max(65535).optional(),
  licence: z.string().optional(),
  citation: z.union([z.string(), z.array(z.string())]).optional(),
  source: z.string().optional(),
})

export type Description = z.infer<typeof descriptionSchema>
/** What a layout or an adapter knows of a data set before anybody describes it. */
export type DescriptionInput = z.input<typeof descriptionSchema>

const NAMES = ['dataset.yaml', 'dataset.yml', 'dataset.json']

/**
 * The description file of a data set folder, if it has one; a `dataset.json` of nnU-Net or of the Medical
 * Segmentation Decathlon is none. @throws SeptumError when it has two.
 */
export function findDescription(dir: string): string | undefined {
  const found = NAMES.map((name) => join(dir, name)).filter(
    (file) => existsSync(file) && !(file.endsWith('.json') && foreignDescription(dir)),
  )
  if (found.length > 1) {
    throw new SeptumError(
      'description-ambiguous',
      `The data set is described twice, by ${NAMES.filter((name) => existsSync(join(dir, name))).join(' and ')}`,
      'Keep one of them.',
      { file: dir },
    )
  }
  return found[0]
}

/** Whose `dataset.json` a folder holds, told by its keys; undefined for none, for ours and for broken ones. */
export function foreignDescription(dir: string): 'nnunet' | 'msd' | undefined {
  const file = join(dir, 'dataset.json')
  if (!existsSync(file)) return undefined
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> | null
    if (typeof content !== 'object' || content === null) return undefined
    if ('channel_names' in content) return 'nnunet'
    return 'modality' in content && 'training' in content ? 'msd' : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads and checks a description.
 * @param known what the layout says; the file's own keys take precedence.
 * @throws SeptumError `description-missing`, `description-syntax` or `description-invalid`, naming the key.
 */
export async function readDescription(file: string, known: DescriptionInput = {}): Promise<Description> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SeptumError(
      'description-missing',
      'The data set description cannot be read',
      'Check the path.',
      { file },
      { cause },
    )
  })
  let content: unknown
  try {
    content = parse(text) ?? {}
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
    throw new SeptumError(
      'description-syntax',
      `The data set description is no valid YAML: ${reason.replace(/:$/, '')}`,
      'Correct that line.',
      { file },
      { cause },
    )
  }
  const merged = typeof content === 'object' && !Array.isArray(content) ? { ...known, ...content } : content
  const result = descriptionSchema.safeParse(merged)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const key = issue.path.join('.')
  throw new SeptumError(
    'description-invalid',
    `The data set description is not understood${key ? ` at ${key}` : ''}: ${issue.message}`,
    `Known keys are ${Object.keys(descriptionSchema.shape).join(', ')}.`,
    { file, ...(key ? { option: key } : {}) },
  )
}
