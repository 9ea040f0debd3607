import { SeptumError } from '@septum/core'
import { isMap, isSeq, LineCounter, type Node, parse, parseDocument } from 'yaml'
import { type Origin, type Path, pathText } from './origin.js'

type Group = Record<string, unknown>

const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values from several sources, later ones over earlier ones, and where each of them came from. */
export class ConfigTree {
  readonly value: Group = {}
  private readonly origins = new Map<string, Origin>()

  /** @returns who gave the value at `path`, the group around it, or else a part of it. */
  originOf(path: Path): Origin | undefined {
    for (let length = path.length; length > 0; length--) {
      const origin = this.origins.get(pathText(path.slice(0, length)))
      if (origin) return origin
    }
    for (const [key, origin] of this.origins) if (key.startsWith(`${pathText(path)}.`)) return origin
    return undefined
  }

  /**
   * Lays a YAML file over the tree: groups are merged, lists and values replaced.
   * @throws SeptumError `config-syntax`.
   */
  addFile(text: string, file: string): void {
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
    const problem = document.errors[0]
    if (problem) {
      const line = lines.linePos(problem.pos[0]).line
      throw new SeptumError(
        'config-syntax',
        `The file is no valid YAML: ${problem.message.replace(/\.$/, '')}`,
        'Correct that line.',
        { file: `${file}:${line}` },
        { cause: problem },
      )
    }
    const content: unknown = document.toJS()
    if (content === null) return
    if (!isGroup(content)) {
      throw new SeptumError(
        'config-syntax',
        'The file holds no "key: value" lines',
        'Write one setting a line, e.g. "seed: 3".',
        { file },
      )
    }
    const lineAt = (node: Node) => lines.linePos(node.range?.[0] ?? 0).line
    const note = (node: unknown, path: Path): void => {
      if (isMap<Node, Node | null>(node)) {
        for (const { key, value } of node.items) {
          const inner = [...path, String(key)]
          this.origins.set(pathText(inner), { kind: 'file', file, line: lineAt(key) })
          note(value, inner)
        }
      } else if (isSeq<Node>(node)) {
        for (const [index, item] of node.items.entries()) {
          this.origins.set(pathText([...path, index]), { kind: 'file', file, line: lineAt(item) })
          note(item, [...path, index])
        }
      }
    }
    this.merge(this.value, content, [])
    note(document.contents, [])
  }

  /**
   * Applies `--set a.b=c`: the value is read as YAML (`3`, `true`, `[1, 2]`, `{kind: cosine}`), a number in the
   * path is a place in a list.
   * @param defaultAt gives the list that a place belongs to when no source has set it.
   * @throws SeptumError `usage-set`.
   */
  addAssignment(assignment: string, defaultAt: (path: Path) => unknown): void {
    const { path, value } = parseAssignment(assignment)
    this.put(path, value, { kind: 'flag', text: `--set ${assignment}` }, defaultAt)
  }

  /** Puts a value in its place; groups on the way are made. @throws SeptumError `usage-set`. */
  put(
    path: Path,
    value: unknown,
    origin: Origin,
    defaultAt: (path: Path) => unknown = () => undefined,
  ): void {
    let holder: Group | unknown[] = this.value
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const inner = path.slice(0, depth + 1)
      let next: unknown = read(holder, key)
      if (next === undefined && /^\d+$/.test(String(path[depth + 1]))) {
        const initial = defaultAt(inner)
        if (Array.isArray(initial)) next = structuredClone(initial)
      }
      if (!isGroup(next) && !Array.isArray(next)) next = {}
      write(holder, key, next, inner, origin)
      holder = next as Group | unknown[]
    }
    write(holder, path.at(-1)!, value, path, origin)
    this.forget(path)
    this.origins.set(pathText(path), origin)
  }

  private merge(into: Group, from: Group, path: Path): void {
    for (const [key, value] of Object.entries(from)) {
      const present = read(into, key)
      if (isGroup(value) && isGroup(present)) this.merge(present, value, [...path, key])
      else {
        this.forget([...path, key])
        write(into, key, value, [...path, key])
      }
    }
  }

  /** Drops what was known about the parts of a value that is replaced. */
  private forget(path: Path): void {
    const prefix = `${pathText(path)}.`
    for (const key of this.origins.keys()) if (key.startsWith(prefix)) this.origins.delete(key)
  }
}

/** Own keys only: `constructor` in a path must not find what every object has. */
function read(holder: Group | unknown[], key: string | number): unknown {
  return Object.hasOwn(holder, key) ? (holder as Group)[key] : undefined
}

function write(holder: Group | unknown[], key: string | number, value: unknown, path: Path, origin?: Origin) {
  if (Array.isArray(holder) && !(/^\d+$/.test(String(key)) && Number(key) <= holder.length)) {
    throw new SeptumError(
      'usage-set',
      `${pathText(path.slice(0, -1))} is a list of ${holder.length}, and ${key} is no place in it`,
      `Give a number from 0 to ${holder.length}.`,
      origin?.kind === 'flag' ? { option: origin.text } : {},
    )
  }
  // Plain assignment to `__proto__` would change the object instead of adding a key.
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}

/** @throws SeptumError `usage-set`. */
export function parseAssignment(assignment: string): { path: string[]; value: unknown } {
  const at = assignment.indexOf('=')
  const path = assignment.slice(0, at).trim().split('.')
  const fail = (message: string, hint: string) =>
    new SeptumError('usage-set', message, hint, { option: `--set ${assignment}` })
  if (at < 1 || path.some((key) => !key)) {
    throw fail('This names no option and value', 'Write it like --set training.validateEvery=200.')
  }
  try {
    return { path, value: parse(assignment.slice(at + 1), { prettyErrors: false }) as unknown }
  } catch {
    throw fail(
      'The value is no valid YAML',
      'Put text with special characters in quotes: --set \'a.b="[x"\'.',
    )
  }
}
