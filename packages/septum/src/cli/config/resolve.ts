import { SeptumError } from '@septum/core'
import type { z } from 'zod'
import { type MethodCard, type RunConfig, runConfigSchema } from '../../training/api.js'
import { nearest } from '../nearest.js'
import { configError, rejectUnknownKeys } from './check.js'
import { type Path, placeOf } from './origin.js'
import { valueAt, viewSchema } from './schema-view.js'
import { ConfigTree, parseAssignment } from './tree.js'

export interface ConfigSource {
  readonly file: string
  readonly text: string
}

/** Values that flags of their own give, e.g. `{ path: ['seed'], value: 3, flag: '--seed 3' }`. */
export interface FlagValue {
  readonly path: Path
  readonly value: unknown
  readonly flag: string
}

export interface ConfigSources {
  /** Files in rising precedence: the `config.yaml` of a resumed run, then `--config`. */
  readonly files: readonly ConfigSource[]
  /** `--set` assignments in the order typed. */
  readonly assignments: readonly string[]
  readonly flags: readonly FlagValue[]
}

export interface ResolvedConfig {
  readonly config: RunConfig
  readonly method: MethodCard
}

/**
 * Defaults of the schemas, under files, under `--set`, under flags.
 * @throws SeptumError `config-syntax`, `config-unknown-key`, `config-value`, `config-missing`,
 * `config-method`, `usage-set`; each names the value and who gave it.
 */
export function resolveConfig(sources: ConfigSources, methods: readonly MethodCard[]): ResolvedConfig {
  const method = chooseMethod(sources, methods)
  const tree = new ConfigTree()
  for (const { file, text } of sources.files) tree.addFile(text, file)
  const schema = runConfigSchema.extend({ options: method.options.prefault({}) })
  const view = viewSchema(schema)
  const defaults = defaultsOf(schema, method.name)
  for (const text of sources.assignments) tree.addAssignment(text, (path) => valueAt(defaults, path))
  for (const { path, value, flag } of sources.flags) tree.put(path, value, { kind: 'flag', text: flag })
  requireData(tree)
  rejectUnknownKeys(tree, view)
  const result = schema.safeParse(tree.value)
  if (!result.success) throw configError(result.error, tree, view)
  // The options were parsed by the method's own schema, whose output type is known to the method alone.
  return { config: result.data as RunConfig, method }
}

/** Reads back the `config.yaml` of a run. @throws SeptumError as `resolveConfig`. */
export function parseRunConfig(source: ConfigSource, methods: readonly MethodCard[]): RunConfig {
  return resolveConfig({ files: [source], assignments: [], flags: [] }, methods).config
}

/** @throws SeptumError `config-method`, with the nearest name. */
export function findMethod(name: string, methods: readonly MethodCard[], tree?: ConfigTree): MethodCard {
  const method = methods.find((candidate) => candidate.name === name)
  if (method) return method
  const names = methods.map((candidate) => candidate.name)
  const close = nearest(name, names)
  throw new SeptumError(
    'config-method',
    `There is no method ${JSON.stringify(name)}`,
    close ? `Did you mean ${close}?` : `Known are ${names.join(', ')}.`,
    placeOf(tree?.originOf(['method'])),
  )
}

/**
 * The method that the sources ask for, if any: it decides which options exist, so it is looked up before
 * anything else is checked.
 */
export function requestedMethod(sources: ConfigSources): string | undefined {
  const name = methodTree(sources).value.method
  return name === undefined || name === null ? undefined : String(name)
}

function methodTree(sources: ConfigSources): ConfigTree {
  const tree = new ConfigTree()
  for (const { file, text } of sources.files) tree.addFile(text, file)
  for (const text of sources.assignments) {
    if (parseAssignment(text).path.join('.') === 'method') tree.addAssignment(text, () => undefined)
  }
  for (const { path, value, flag } of sources.flags) {
    if (path.join('.') === 'method') tree.put(path, value, { kind: 'flag', text: flag })
  }
  return tree
}

function chooseMethod(sources: ConfigSources, methods: readonly MethodCard[]): MethodCard {
  const name = requestedMethod(sources)
  if (name === undefined) {
    throw new SeptumError(
      'usage-method',
      'No method is named',
      'Add --method NAME; septum methods lists the names.',
    )
  }
  return findMethod(name, methods, methodTree(sources))
}

function requireData(tree: ConfigTree): void {
  if (valueAt(tree.value, ['data', 'path']) !== undefined) return
  throw new SeptumError(
    'usage-dataset',
    'No data set is named',
    'Give its folder: septum train DATASET --method NAME --out DIR.',
  )
}

/** Defaults of every option, with stand-ins for what has none; undefined when that is not enough. */
function defaultsOf(schema: z.ZodType, method: string): unknown {
  return schema.safeParse({ method, data: { path: '.' } }).data
}
