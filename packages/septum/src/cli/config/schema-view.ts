import { z } from 'zod'
import type { Path } from './origin.js'

/** The part of JSON Schema that option schemas use. */
export interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly SchemaNode[]
  readonly oneOf?: readonly SchemaNode[]
  readonly allOf?: readonly SchemaNode[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: boolean | SchemaNode
  readonly items?: SchemaNode | false
  readonly prefixItems?: readonly SchemaNode[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
}

/** JSON Schema of what a person may write: defaulted values may be left out, transforms are not applied. */
export function viewSchema(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as SchemaNode
}

/** The alternatives of a node; `type: [a, b]` is one way to write them. */
function variants(node: SchemaNode): readonly SchemaNode[] {
  const { type } = node
  if (typeof type === 'object') return type.map((single) => ({ ...node, type: single }))
  return node.anyOf ?? node.oneOf ?? [node]
}

/** True for an object whose keys are fixed by its schema. */
export const isGroupNode = (node: SchemaNode): boolean => node.properties !== undefined

/** @returns the schema at a path, or undefined where no value may stand. Alternatives count together. */
export function nodeAt(root: SchemaNode, path: Path): SchemaNode | undefined {
  let nodes = variants(root)
  for (const key of path) {
    nodes = nodes.flatMap((node) => {
      const inner = childOf(node, key)
      return inner ? variants(inner) : []
    })
  }
  return nodes.length > 1 ? { anyOf: nodes } : nodes[0]
}

function childOf(node: SchemaNode, key: string | number): SchemaNode | undefined {
  if (node.properties && Object.hasOwn(node.properties, key)) return node.properties[key]
  if (node.type === 'array') {
    const index = Number(key)
    if (!Number.isInteger(index)) return undefined
    return node.prefixItems?.[index] ?? (node.items || undefined)
  }
  const { additionalProperties, properties, type } = node
  if (typeof additionalProperties === 'object') return additionalProperties
  return additionalProperties === true || (type === undefined && !properties && !node.enum) ? {} : undefined
}

/** Keys that may stand at a path, or undefined where any may. */
export function keysAt(root: SchemaNode, path: Path): string[] | undefined {
  const groups = variants(nodeAt(root, path) ?? {}).filter(
    (node) => node.type === 'object' || node.properties,
  )
  if (!groups.length || groups.some((node) => typeof node.additionalProperties === 'object')) return undefined
  return groups.every(isGroupNode) ? groups.flatMap((node) => Object.keys(node.properties ?? {})) : undefined
}

/** What is expected, as the subject of "... is expected", e.g. `a whole number of at least 1, or null`. */
export function expectation(node: SchemaNode): string {
  const choices = variants(node)
  if (choices.length > 1) return [...new Set(choices.map(expectation))].join(' or ')
  if (node.const !== undefined) return String(node.const)
  if (node.enum) return orList(node.enum.map(String))
  switch (node.type) {
    case 'integer':
      return `a whole number${range(node)}`
    case 'number':
      return `a number${range(node)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return 'text'
    case 'null':
      return 'null'
    case 'array':
      return `a list${length(node)}${node.items ? ` (each ${expectation(node.items)})` : ''}`
    case 'object':
      return node.properties
        ? `a group with ${Object.keys(node.properties).join(', ')}`
        : 'a group of "name: value"'
    default:
      return 'another value'
  }
}

/** The bounds of a number; those of the largest safe integer are no news. */
function bounds({ minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }: SchemaNode) {
  const low = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  return { low, high, above, below }
}

function range(node: SchemaNode): string {
  const { low, high, above, below } = bounds(node)
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`
  const parts = [
    low !== undefined && `of at least ${low}`,
    above !== undefined && `above ${above}`,
    high !== undefined && `of at most ${high}`,
    below !== undefined && `below ${below}`,
  ].filter(Boolean)
  return parts.length ? ` ${parts.join(' and ')}` : ''
}

function length({ minItems, maxItems, prefixItems }: SchemaNode): string {
  const entries = (count: number) => `${count} ${count === 1 ? 'entry' : 'entries'}`
  if (prefixItems) return ` of ${entries(prefixItems.length)}`
  if (minItems !== undefined && maxItems !== undefined) return ` of ${minItems} to ${entries(maxItems)}`
  if (minItems !== undefined && minItems > 0) return ` of at least ${entries(minItems)}`
  return maxItems === undefined ? '' : ` of at most ${entries(maxItems)}`
}

/** The same in the fewest letters, for a table: `int >= 1`, `0..1`, `gpt | var`, `[int >= 1]`. */
export function shortExpectation(node: SchemaNode): string {
  const choices = variants(node)
  if (choices.length > 1) return [...new Set(choices.map(shortExpectation))].join(' | ')
  if (node.const !== undefined) return String(node.const)
  if (node.enum) return node.enum.join(' | ')
  if (node.type === 'array') {
    const { items, prefixItems } = node
    return `[${prefixItems ? prefixItems.map(shortExpectation).join(', ') : items ? shortExpectation(items) : ''}]`
  }
  if (node.type === 'string') return 'text'
  if (node.type !== 'integer' && node.type !== 'number') return String(node.type ?? 'any')
  const { low, high, above, below } = bounds(node)
  if (low !== undefined && high !== undefined)
    return `${node.type === 'integer' ? 'int ' : ''}${low}..${high}`
  const limits = [
    low !== undefined && `>= ${low}`,
    above !== undefined && `> ${above}`,
    high !== undefined && `<= ${high}`,
    below !== undefined && `< ${below}`,
  ].filter(Boolean)
  return [node.type === 'integer' ? 'int' : 'number', limits.join(', ')].filter(Boolean).join(' ')
}

const orList = (words: readonly string[]): string =>
  words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1)}` : (words[0] ?? '')

/** @returns the value at a path, undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
