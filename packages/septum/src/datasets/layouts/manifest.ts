import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { SeptumError } from '@septum/core'
import { parseCsv } from '../csv.js'
import { imageStem } from '../files.js'
import type { CaseFiles, Layout } from '../layout.js'
import type { Problems } from '../problems.js'
import type { ImageSource } from '../sources.js'
import { alphabetical, type SplitName, splitNames } from '../splits.js'

const NAMES = ['manifest.csv', 'manifest.jsonl']
const KNOWN = /^(image(\.[\w-]+)?|mask(\.[\w-]+)?|case|patient|stratum|split)$/

type Row = ReadonlyMap<string, string>

/** The manifest of a folder, or the table itself. */
export function findManifest(path: string): string | undefined {
  if (!statSync(path).isDirectory()) return /\.(csv|jsonl)$/i.test(path) ? path : undefined
  return NAMES.map((name) => join(path, name)).find((file) => existsSync(file))
}

/**
 * Reads a manifest: a CSV table with a header, or JSON Lines, one case a row. Columns: `image` (or one
 * `image.<channel>` a channel), `mask` (or one `mask.<rater>` a rater; empty for none), and optionally `case`,
 * `patient`, `stratum`, `split` (train, val or test). Paths are relative to the manifest; `file#array` names an
 * array inside an HDF5 or npz file. Rows without any mask are unlabelled cases.
 * @throws SeptumError `manifest-missing`, `manifest-invalid`.
 */
export async function readManifest(path: string, problems: Problems): Promise<Layout> {
  const file = findManifest(path)
  if (file === undefined) {
    throw new SeptumError(
      'manifest-missing',
      'There is no manifest',
      `Give a .csv or .jsonl file, or a folder with ${NAMES.join(' or ')}.`,
      { file: path },
    )
  }
  const text = await readFile(file, 'utf8')
  const rows = /\.csv$/i.test(file) ? csvRows(text, file) : jsonRows(text, file)
  const base = dirname(file)
  const seen = new Set<string>()
  const channels = new Set<string>()
  const cases = rows.flatMap((row, index): CaseFiles[] => {
    const entry = caseOf(row, base, index, file, problems)
    if (!entry) return []
    if (seen.has(entry.name)) {
      problems.add(
        'stem-duplicate',
        `The manifest lists ${entry.name} twice`,
        'Give each case its own name.',
        {
          file,
          case: entry.name,
        },
      )
    }
    seen.add(entry.name)
    for (const key of row.keys()) if (key.startsWith('image.')) channels.add(key.slice('image.'.length))
    return [entry]
  })
  const known = channels.size > 0 ? { channels: [...channels] } : {}
  return { kind: `manifest ${basename(file)}`, cases, orphans: [], known }
}

function caseOf(
  row: Row,
  base: string,
  index: number,
  file: string,
  problems: Problems,
): CaseFiles | undefined {
  const columns = (kind: 'image' | 'mask') =>
    [...row].filter(([key, value]) => (key === kind || key.startsWith(`${kind}.`)) && value !== '')
  const images = columns('image')
  const first = images[0]?.[1]
  if (first === undefined) {
    problems.add('manifest-invalid', `Row ${index + 1} names no image`, 'Fill the column "image".', { file })
    return undefined
  }
  const split = row.get('split') || undefined
  if (split !== undefined && !splitNames.includes(split as SplitName)) {
    problems.add(
      'manifest-invalid',
      `Row ${index + 1} has the split "${split}"`,
      'Write train, val or test.',
      { file },
    )
  }
  const masks = columns('mask').map(([key, value]): [string, ImageSource] => [
    key.slice('mask.'.length),
    sourceOf(value, base),
  ])
  const patient = row.get('patient')
  const stratum = row.get('stratum')
  const path = first.split('#')[0]!
  return {
    name: row.get('case') || (imageStem(basename(path)) ?? basename(path)),
    images: images.map(([, value]) => sourceOf(value, base)),
    masks: new Map(masks.sort(([a], [b]) => alphabetical(a, b))),
    ...(patient ? { patient } : {}),
    ...(stratum ? { stratum } : {}),
    ...(splitNames.includes(split as SplitName) ? { split: split as SplitName } : {}),
    ...(masks.length === 0 ? { unlabelled: true } : {}),
  }
}

function sourceOf(value: string, base: string): ImageSource {
  const [path = '', part] = value.split(/#(?=[^/\\]*$)/)
  return { file: resolve(base, path), ...(part ? { part } : {}) }
}

function csvRows(text: string, file: string): Row[] {
  const [header = [], ...rows] = parseCsv(text)
  checkColumns(header, file)
  return rows.map((row) => new Map(header.map((key, index) => [key, row[index]?.trim() ?? ''])))
}

function jsonRows(text: string, file: string): Row[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => {
    let content: unknown
    try {
      content = JSON.parse(line)
    } catch {
      content = undefined
    }
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw invalid(`Line ${index + 1} is no JSON object`, file)
    }
    const entries = Object.entries(content)
    checkColumns(
      entries.map(([key]) => key),
      file,
    )
    return new Map(entries.map(([key, value]) => [key, value === null ? '' : String(value)]))
  })
}

function checkColumns(names: readonly string[], file: string): void {
  const wrong = names.find((name) => !KNOWN.test(name))
  if (wrong !== undefined) throw invalid(`The manifest has an unknown column "${wrong}"`, file)
  if (!names.some((name) => name === 'image' || name.startsWith('image.'))) {
    throw invalid('The manifest has no column "image"', file)
  }
}

const invalid = (message: string, file: string) =>
  new SeptumError(
    'manifest-invalid',
    message,
    'Columns are image or image.<channel>, mask or mask.<rater>, case, patient, stratum, split.',
    { file },
  )
