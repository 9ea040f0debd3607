import { SeptumError } from '@septum/core'
import type { z } from 'zod'
import { nearest } from '../nearest.js'
import { type Path, pathText, placeOf } from './origin.js'
import { expectation, keysAt, nodeAt, type SchemaNode, valueAt } from './schema-view.js'
import type { ConfigTree } from './tree.js'

/**
 * Throws for the first key that the schema does not know, with the nearest one that it does: options must
 * never be dropped in silence, whether or not their schema is strict.
 * @throws SeptumError `config-unknown-key`.
 */
export function rejectUnknownKeys(tree: ConfigTree, schema: SchemaNode): void {
  const unknown = unknownKeys(tree.value, schema, [])
  const path = unknown[0]
  if (!path) return
  const known = keysAt(schema, path.slice(0, -1)) ?? []
  const key = String(path.at(-1))
  const close = nearest(key, known) ?? elsewhere(key, schema)
  const group = pathText(path.slice(0, -1))
  const more = unknown.length > 1 ? ` (and ${unknown.length - 1} more)` : ''
  throw new SeptumError(
    'config-unknown-key',
    `There is no option ${pathText(path)}${more}`,
    close
      ? `Did you mean ${close.includes('.') || !group ? close : `${group}.${close}`}?`
      : `${group || 'The top level'} knows ${known.join(', ')}.`,
    placeOf(tree.originOf(path)),
  )
}

function unknownKeys(value: unknown, schema: SchemaNode, path: Path): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => unknownKeys(item, schema, [...path, i]))
  if (typeof value !== 'object' || value === null) return []
  const known = keysAt(schema, path)
  return Object.entries(value).flatMap(([key, inner]) => {
    if (known && !known.includes(key)) return [[...path, key]]
    return unknownKeys(inner, schema, [...path, key])
  })
}

/** The full path of a key of this very name somewhere else: `lr` is often looked for at the wrong level. */
function elsewhere(key: string, schema: SchemaNode, path: Path = []): string | undefined {
  for (const name of keysAt(schema, path) ?? []) {
    if (name === key && path.length) return pathText([...path, name])
    const found = elsewhere(key, schema, [...path, name])
    if (found) return found
  }
  return undefined
}

/**
 * Turns what zod found into one sentence: path, value, expectation, and who gave the value.
 * @returns SeptumError `config-value` or `config-missing`.
 */
export function configError(error: z.ZodError, tree: ConfigTree, schema: SchemaNode): SeptumError {
  const issue = error.issues[0]!
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))
  const name = pathText(path)
  const value = valueAt(tree.value, path)
  const more = error.issues.length > 1 ? `; ${error.issues.length - 1} more values are wrong` : ''
  const expected =
    issue.code === 'custom' || issue.code === 'invalid_format'
      ? issue.message
      : `${expectation(nodeAt(schema, path) ?? {})} is expected`
  if (value === undefined) {
    return new SeptumError(
      'config-missing',
      `${name} is missing: ${expected}${more}`,
      `Give it in the configuration file or with --set ${name}=VALUE.`,
    )
  }
  return new SeptumError(
    'config-value',
    `${name} is ${shorten(JSON.stringify(value))}, but ${expected}${more}`,
    hintFor(name, value),
    placeOf(tree.originOf(path)),
  )
}

function hintFor(name: string, value: unknown): string {
  // A number is the first thing that everybody tries here.
  if (name === 'training.steps' && typeof value === 'number')
    return `Say options.steps=${value} where the method has one phase, else training.steps.PHASE=${value}, e.g. training.steps.segmentor for ar-seg.`
  return 'Correct the value; septum methods NAME lists the options of a method.'
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)
