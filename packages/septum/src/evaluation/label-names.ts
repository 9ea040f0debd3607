import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { ClassSpec } from './types.js'

/**
 * Classes that a `dataset.json` of nnU-Net (`labels: {name: value or [values]}`) in the folder or beside it
 * names; the background and the ignore label are no classes.
 * @returns null where there is none.
 */
export async function readLabelNames(folder: string): Promise<ClassSpec[] | null> {
  for (const place of [folder, dirname(resolve(folder))]) {
    const text = await readFile(join(place, 'dataset.json'), 'utf8').catch(() => null)
    if (text === null) continue
    const labels = parseLabels(text)
    if (labels) return labels
  }
  return null
}

function parseLabels(text: string): ClassSpec[] | null {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return null
  }
  const labels = (content as { labels?: unknown } | null)?.labels
  if (typeof labels !== 'object' || labels === null) return null
  const classes = Object.entries(labels).flatMap(([name, given]): ClassSpec[] => {
    // Version 1 wrote {"1": "name"}, version 2 {"name": 1} and {"region": [1, 2]}.
    if (/^\d+$/.test(name)) return [{ name: String(given), values: [Number(name)] }]
    const values = (Array.isArray(given) ? given : [given]).map(Number)
    return name === 'ignore' || !values.every((v) => Number.isInteger(v) && v >= 0) ? [] : [{ name, values }]
  })
  const own = classes.filter(({ values }) => values!.every((value) => value !== 0))
  return own.length > 0 ? own : null
}
