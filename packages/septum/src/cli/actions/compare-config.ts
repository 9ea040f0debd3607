import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Reporter, SeptumError } from '@septum/core'
import { isMap, isPair, isScalar, type Node, type Pair, parseDocument } from 'yaml'
import type { ComparisonEntry } from '../../comparison/types.js'
import type { MethodCard } from '../../training/api.js'
import type { CompareOptions } from '../commands/compare.js'
import { type ConfigSource, type FlagValue, resolveConfig } from '../config/index.js'
import { keysAt, viewSchema } from '../config/schema-view.js'
import { parseAssignment } from '../config/tree.js'
import { nearest } from '../nearest.js'

/** The methods of a comparison with their settings, and what was left aside of the shared ones. */
export interface ComparisonSettings {
  readonly entries: readonly ComparisonEntry[]
  /** The first seed. */
  readonly seed: number
}

/**
 * Settings of each method: those that all share, under those below `methods.NAME`, under `--set`, under flags. A
 * shared option of methods goes to those that have it. `methods.NAME.method` makes NAME a variant of a method.
 * @throws SeptumError `usage-methods`, `config-method`, `config-unknown-key`, and as `resolveConfig`
 */
export function comparisonSettings(
  dataset: string | undefined,
  options: CompareOptions,
  cards: readonly MethodCard[],
  reporter: Reporter,
): ComparisonSettings {
  const file = options.config === undefined ? undefined : readShared(options.config)
  const names = options.methods ?? [...(file?.methods.keys() ?? [])]
  checkNames(names)
  const flags = flagsOf(dataset, options)
  const chosen = names.map((name) => ({ name, card: cardOf(name, file, cards) }))
  const assignments = sharedAssignments(options.set ?? [], names)
  refuseUnknown([...(file?.options.keys() ?? []), ...assignments.options.map(({ key }) => key)], chosen)
  const aside = new Map<string, string[]>()
  const entries = chosen.map(({ name, card }): ComparisonEntry => {
    const known = optionsOf(card)
    const has = (key: string) => {
      if (known.includes(key)) return true
      aside.set(key, [...new Set([...(aside.get(key) ?? []), name])])
      return false
    }
    const { config } = resolveConfig(
      {
        files: file ? [file.sharedFor(has), ...file.ownOf(name)] : [],
        assignments: [
          ...assignments.shared,
          ...assignments.options.filter(({ key }) => has(key)).map(({ text }) => text),
          ...(assignments.own.get(name) ?? []),
        ],
        flags: [{ path: ['method'], value: card.name, flag: `--methods ${name}` }, ...flags],
      },
      cards,
    )
    return { name, config }
  })
  for (const [key, lacking] of aside)
    reporter.info(`options.${key} is no option of ${lacking.join(', ')}: set for the others only.`)
  return { entries, seed: entries[0]!.config.seed }
}

function checkNames(names: readonly string[]): void {
  const fail = (message: string, hint: string) =>
    new SeptumError('usage-methods', message, hint, { option: '--methods' })
  if (names.length === 0)
    throw fail('No methods are named', 'Add --methods unet,m2snet; septum methods lists the names.')
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice)
    throw fail(
      `${twice} is named twice`,
      'Name each once; variants of a method are made below methods.NAME of a --config file.',
    )
  const odd = names.find((name) => !/^[\w+-][\w.+-]*$/.test(name))
  if (odd) throw fail(`"${odd}" cannot be the name of a folder`, 'Use letters, digits, - and _.')
}

function cardOf(name: string, file: SharedFile | undefined, cards: readonly MethodCard[]): MethodCard {
  const method = file?.methods.get(name) ?? name
  const found = cards.find((card) => card.name === method)
  if (found) return found
  const known = [...cards.map((card) => card.name), ...(file?.methods.keys() ?? [])]
  const close = nearest(method, known)
  throw new SeptumError(
    'config-method',
    `There is no method ${JSON.stringify(method)}`,
    close ? `Did you mean ${close}?` : `Known are ${known.join(', ')}.`,
    method === name ? { option: '--methods' } : { file: file?.file },
  )
}

const optionsOf = (card: MethodCard): readonly string[] => keysAt(viewSchema(card.options), []) ?? []

function refuseUnknown(
  keys: readonly string[],
  chosen: readonly { readonly name: string; readonly card: MethodCard }[],
): void {
  const known = new Set(chosen.flatMap(({ card }) => optionsOf(card)))
  const unknown = keys.find((key) => !known.has(key))
  if (unknown === undefined) return
  const close = nearest(unknown, known)
  throw new SeptumError(
    'config-unknown-key',
    `None of the methods has an option ${unknown}`,
    close ? `Did you mean options.${close}?` : 'septum methods NAME lists the options of a method.',
    { option: `options.${unknown}` },
  )
}

interface Assignments {
  readonly shared: readonly string[]
  /** `options.KEY...`, for the methods that have KEY. */
  readonly options: readonly { readonly key: string; readonly text: string }[]
  /** `methods.NAME.…` without this beginning. */
  readonly own: ReadonlyMap<string, readonly string[]>
}

function sharedAssignments(texts: readonly string[], names: readonly string[]): Assignments {
  const shared: string[] = []
  const options: { key: string; text: string }[] = []
  const own = new Map<string, string[]>()
  for (const text of texts) {
    const { path } = parseAssignment(text)
    const [group, name] = path as [string, string?]
    if (group === 'methods') {
      if (name === undefined || !names.includes(name) || path.length < 3) {
        throw new SeptumError(
          'usage-set',
          name === undefined || !names.includes(name)
            ? 'This names no method of the comparison'
            : 'This names no option',
          `Write it like --set methods.${names[0]}.options.lr=0.001.`,
          { option: `--set ${text}` },
        )
      }
      own.set(name, [...(own.get(name) ?? []), text.trim().slice(`methods.${name}.`.length)])
    } else if (group === 'options' && name !== undefined) options.push({ key: name, text })
    else shared.push(text)
  }
  return { shared, options, own }
}

function flagsOf(dataset: string | undefined, { device, threads, seed, size }: CompareOptions): FlagValue[] {
  return [
    // Absolute, so that runs can be used from any folder.
    { path: ['data', 'path'], value: dataset && resolve(dataset), flag: dataset ?? '' },
    { path: ['data', 'imageSize'], value: size, flag: `--size ${size?.join('x')}` },
    { path: ['data', 'resize'], value: size && 'stretch', flag: `--size ${size?.join('x')}` },
    { path: ['seed'], value: seed, flag: `--seed ${seed}` },
    { path: ['device'], value: device, flag: `--device ${device}` },
    { path: ['threads'], value: threads, flag: `--threads ${threads}` },
  ].filter(({ value }) => value !== undefined)
}

/** A configuration file of a comparison, cut into what all share and what is of one method. */
interface SharedFile {
  readonly file: string
  /** Names below `methods`, and the method of each. */
  readonly methods: ReadonlyMap<string, string>
  /** Keys of the shared `options`. */
  readonly options: ReadonlyMap<string, Pair>
  sharedFor(has: (key: string) => boolean): ConfigSource
  ownOf(name: string): readonly ConfigSource[]
}

function readShared(file: string): SharedFile {
  if (!existsSync(file))
    throw new SeptumError(
      'config-file',
      'The configuration file cannot be read',
      'Check the path after --config.',
      {
        file,
      },
    )
  const text = readFileSync(file, 'utf8')
  const document = parseDocument(text, { prettyErrors: false })
  const top = pairsOf(document.contents)
  const own = pairsOf(top.get('methods')?.value)
  const options = pairsOf(top.get('options')?.value)
  const methods = new Map(
    [...own].map(([name, { value }]) => {
      const method = pairsOf(value).get('method')?.value
      return [name, isScalar(method) ? String(method.value) : name]
    }),
  )
  return {
    file,
    methods,
    options,
    sharedFor(has) {
      const left = [...options].filter(([key]) => !has(key))
      const cut = [
        top.get('methods'),
        ...(left.length === options.size ? [top.get('options')] : left.map(([, pair]) => pair)),
      ]
      return { file, text: cut.reduce((rest, pair) => (pair ? blanked(rest, ...rangeOf(pair)) : rest), text) }
    },
    ownOf(name) {
      const value = own.get(name)?.value as Node | null | undefined
      if (!value?.range || (isScalar(value) && value.value === null)) return []
      const [start, , end] = value.range
      return [{ file, text: blanked(blanked(text, 0, start), end, text.length) }]
    },
  }
}

function pairsOf(node: unknown): Map<string, Pair> {
  if (!isMap(node)) return new Map()
  return new Map(node.items.filter(isPair).map((pair) => [String(pair.key), pair]))
}

function rangeOf({ key, value }: Pair): [number, number] {
  const [start, , end] = (key as Node).range!
  return [start, (value as Node | null)?.range?.[2] ?? end]
}

/** Spaces in place of a part, so that what is left keeps its lines and columns for messages. */
const blanked = (text: string, from: number, to: number): string =>
  text.slice(0, from) + text.slice(from, to).replace(/[^\r\n]/g, ' ') + text.slice(to)
