import { readFile } from 'node:fs/promises'
import { SeptumError } from '@septum/core'
import type { z } from 'zod'

/**
 * Reads `dataset.json` by a schema.
 * @throws SeptumError `description-missing`, `description-syntax` or `description-invalid`, naming the key.
 */
export async function readDatasetJson<T>(file: string, schema: z.ZodType<T>, whose: string): Promise<T> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const place = { file }
    throw new SeptumError('description-missing', 'dataset.json cannot be read', 'Check the path.', place, {
      cause,
    })
  })
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new SeptumError(
      'description-syntax',
      'dataset.json is no valid JSON',
      'Copy it again from its source, or correct it.',
      { file },
      { cause },
    )
  }
  const result = schema.safeParse(content)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new SeptumError(
    'description-invalid',
    `dataset.json of ${whose} is not understood at ${issue.path.join('.') || 'its top'}: ${issue.message}`,
    'Correct that key.',
    { file },
  )
}

/** Names by number, as `{"0": "CT", "1": "PET"}` has them, in order of the number. */
export const byNumber = (names: Readonly<Record<string, string>>): string[] =>
  Object.entries(names)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => name)
