import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import type { DescriptionInput } from '../description.js'
import { listFolder } from '../files.js'
import type { CaseFiles, Layout } from '../layout.js'
import type { Problems } from '../problems.js'
import { alphabetical, type Splits } from '../splits.js'

/** What is known of a public data set, and how its public form is read. */
export interface Adapter {
  /** `busi`. */
  readonly name: string
  readonly title: string
  /** Where it is had. */
  readonly source: string
  readonly licence: string
  readonly citation: string
  /** How it is divided: a published list, or what is done where none was published. */
  readonly split: string
  /** What may follow the name after a colon, with its meaning. */
  readonly variants: Readonly<Record<string, string>>
  /** Whether a folder holds this data set. It looks at names only. */
  recognises(dir: string): Promise<boolean>
  /** @throws SeptumError `layout-variant`, `dataset-layout`, `folder-unreadable`. */
  read(dir: string, variant: string | undefined, problems: Problems): Promise<Layout>
}

interface Reading {
  readonly cases: readonly CaseFiles[]
  readonly orphans?: readonly string[]
  readonly known?: DescriptionInput
  readonly splits?: Splits
}

/** An adapter as its file writes it. */
interface Definition extends Omit<Adapter, 'variants' | 'read' | 'recognises'> {
  readonly variants?: Readonly<Record<string, string>>
  /** True where any text may be a variant, e.g. a task of the data set. */
  readonly freeVariant?: boolean
  recognises(dir: string): Promise<boolean> | boolean
  read(dir: string, variant: string | undefined, problems: Problems): Promise<Reading>
}

/** Completes an adapter: variants are checked, and source, licence and citation reach the data set. */
export function defineAdapter(definition: Definition): Adapter {
  const { name, title, source, licence, citation, split, variants = {}, freeVariant = false } = definition
  return {
    ...{ name, title, source, licence, citation, split, variants },
    recognises: async (dir) => definition.recognises(dir),
    async read(dir, variant, problems) {
      if (variant !== undefined && !freeVariant && !(variant in variants)) {
        const known = Object.keys(variants).map((key) => `${name}:${key}`)
        throw new SeptumError(
          'layout-variant',
          `The layout ${name} has no variant "${variant}"`,
          known.length > 0 ? `Choose ${name} or one of ${known.join(', ')}.` : `Use ${name}.`,
          { file: dir },
        )
      }
      const { cases, orphans = [], known = {}, splits } = await definition.read(dir, variant, problems)
      return {
        kind: variant === undefined ? title : `${title} (${variant})`,
        cases,
        orphans,
        known: { name: title, source, licence, citation, ...known },
        ...(splits ? { splits } : {}),
      }
    },
  }
}

/** Whether a folder holds all of these. */
export const holds = (dir: string, ...names: readonly string[]): boolean =>
  names.every((name) => existsSync(join(dir, name)))

/** The first of some paths below a folder that exists. */
export const firstOf = (dir: string, ...names: readonly string[]): string | undefined =>
  names.map((name) => join(dir, name)).find((path) => existsSync(path))

/** Images of one folder and masks of another, matched by name. */
export async function pairFolders(
  images: string,
  masks: string | undefined,
  problems: Problems,
  {
    maskStem = (stem: string): string => stem,
    pick = (_: string): boolean => true,
    more = (_: string): Partial<CaseFiles> => ({}),
  } = {},
): Promise<{ cases: CaseFiles[]; orphans: string[] }> {
  const files = [...(await listFolder(images, problems)).pictures].filter(([stem]) => pick(stem))
  const found = new Map(masks === undefined ? [] : (await listFolder(masks, problems)).pictures)
  const cases = files.map(([stem, file]): CaseFiles => {
    const mask = found.get(maskStem(stem))
    if (mask !== undefined) found.delete(maskStem(stem))
    return {
      name: stem,
      images: [{ file }],
      masks: new Map(mask === undefined ? [] : [['', { file: mask }]]),
      ...(masks === undefined ? { unlabelled: true } : {}),
      ...more(stem),
    }
  })
  return { cases, orphans: images === masks ? [] : [...found.values()] }
}

/**
 * A published division into training and test that names nobody for validation: every tenth training patient
 * validates, in the given order.
 * @param spared patients that stay in training, e.g. the labelled ones.
 */
export function withValidation(
  scheme: string,
  train: readonly string[],
  test: readonly string[],
  spared: readonly string[] = [],
): Splits {
  const kept = new Set(spared)
  const candidates = train.filter((patient) => !kept.has(patient))
  const val = new Set(candidates.filter((_, index) => index % 10 === 0))
  return {
    scheme: `${scheme}; every tenth training patient validates`,
    train: train.filter((patient) => !val.has(patient)).sort(alphabetical),
    val: [...val].sort(alphabetical),
    test: [...test].sort(alphabetical),
  }
}
