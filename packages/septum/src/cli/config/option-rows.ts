import { z } from 'zod'
import type { MethodCard } from '../../training/api.js'
import { nodeAt, type SchemaNode, shortExpectation, valueAt, viewSchema } from './schema-view.js'

/** One option of a method, for `septum methods NAME`. */
export interface OptionRow {
  /** Dotted path as `--set` takes it, without the leading `options.`. */
  readonly name: string
  readonly default: unknown
  /** The values it takes, e.g. `int >= 1`. */
  readonly expected: string
  readonly description: string
}

function rowsBelow(root: SchemaNode, defaults: unknown, path: readonly string[] = []): OptionRow[] {
  const node = nodeAt(root, path)
  if (!node) return []
  const inner = node.properties
  if (!inner || Object.keys(inner).length === 0) {
    const name = path.join('.')
    return name
      ? [
          {
            name,
            default: valueAt(defaults, path),
            expected: shortExpectation(node),
            description: node.description ?? '',
          },
        ]
      : []
  }
  return Object.keys(inner).flatMap((key) => rowsBelow(root, defaults, [...path, key]))
}

/** The options of a method with their defaults, in the order of its schema. */
export function methodOptions(method: MethodCard): OptionRow[] {
  const { data } = z.object({ options: method.options.prefault({}) }).safeParse({})
  return rowsBelow(viewSchema(method.options), data?.options)
}
