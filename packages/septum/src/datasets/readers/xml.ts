import { readFile, stat } from 'node:fs/promises'
import { SeptumError } from '@septum/core'

/** An element: attributes are kept, comments and processing instructions are not. */
export interface XmlElement {
  /** Name without namespace prefix. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Text directly inside, trimmed. */
  readonly text: string
}

interface Building {
  name: string
  attributes: Map<string, string>
  children: Building[]
  text: string
}

const DEEPEST = 200
/** Annotations of a CT have some hundred kilobytes. */
const MOST_BYTES = 2 ** 25
const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<!DOCTYPE[^>[]*>|<\/([^\s>]+)\s*>|<([^\s/>!?]+)((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/y
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/**
 * Reads the annotation files of public data sets: elements, attributes, text and the five entities of XML. No
 * document type with declarations of its own, so no entity can grow.
 * @throws SeptumError `xml-invalid` naming the line.
 */
export function parseXml(source: string, file: string): XmlElement {
  const root: Building = { name: '', attributes: new Map(), children: [], text: '' }
  const open: Building[] = [root]
  let at = source.charCodeAt(0) === 0xfeff ? 1 : 0
  const fail = (what: string): SeptumError => {
    const line = source.slice(0, at).split('\n').length
    return new SeptumError(
      'xml-invalid',
      `The XML is damaged at line ${line}: ${what}`,
      'Copy the file again from its source.',
      { file },
    )
  }
  while (at < source.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(source)
    if (!match) throw fail('a tag is not understood')
    const [token, cdata, closing, opening, attributes, empty, text] = match
    const current = open.at(-1)!
    if (closing !== undefined) {
      if (open.length === 1 || current.name !== local(closing)) throw fail(`</${closing}> closes nothing`)
      open.pop()
    } else if (opening !== undefined) {
      const element = {
        name: local(opening),
        attributes: attributesOf(attributes ?? ''),
        children: [],
        text: '',
      }
      current.children.push(element)
      if (!empty) open.push(element)
      if (open.length > DEEPEST) throw fail('its elements are nested too deeply')
    } else current.text += cdata ?? unescaped(text ?? '')
    at += token.length
  }
  if (open.length > 1) throw fail(`<${open.at(-1)!.name}> is never closed`)
  const [top] = root.children
  if (!top || root.children.length > 1 || root.text.trim() !== '') throw fail('it has no single root element')
  return trimmed(top)
}

/** Reads and parses a file. @throws SeptumError `xml-invalid`, also for a file that is none or far too large. */
export async function readXml(file: string): Promise<XmlElement> {
  const refuse = (what: string, cause?: unknown) => {
    const hint = 'Copy the file again from its source.'
    return new SeptumError('xml-invalid', `The XML ${what}`, hint, { file }, { cause })
  }
  let bytes: Buffer
  try {
    const status = await stat(file)
    if (!status.isFile() || status.size > MOST_BYTES) throw refuse('is no file of annotations')
    bytes = await readFile(file)
  } catch (cause) {
    throw cause instanceof SeptumError ? cause : refuse('cannot be read', cause)
  }
  return parseXml(bytes.toString('utf8'), file)
}

/** All descendants of a name, in document order. */
export function descendants(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...descendants(child, name),
  ])
}

/** Text of the first child of a name; empty where there is none. */
export const childText = ({ children }: XmlElement, name: string): string =>
  children.find((child) => child.name === name)?.text ?? ''

const local = (name: string) => name.slice(name.indexOf(':') + 1)

const unescaped = (text: string) =>
  text.replace(
    /&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? whole
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )

const attributesOf = (text: string) =>
  new Map([...text.matchAll(ATTRIBUTE)].map(([, name = '', a, b]) => [local(name), unescaped(a ?? b ?? '')]))

function trimmed({ name, attributes, children, text }: Building): XmlElement {
  return { name, attributes, children: children.map(trimmed), text: text.trim() }
}
