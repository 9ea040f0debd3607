/** A number that is not written as a plain integer of at most 2^53 - 1: fraction, exponent, -0 or too large. */
export class OtherNumber {
  constructor(readonly literal: string) {}
}

export type StrictJson =
  | null
  | boolean
  | number
  | string
  | OtherNumber
  | readonly StrictJson[]
  | ReadonlyMap<string, StrictJson>

export class StrictJsonError extends Error {
  constructor(
    readonly kind: 'syntax' | 'duplicate' | 'depth',
    message: string,
  ) {
    super(message)
  }
}

const MAX_DEPTH = 16
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const SPACE = /[ \t\n\r]*/y
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/
const LONE_SURROGATE = /\p{Cs}/u

/**
 * JSON (RFC 8259) without its freedoms: a key twice in one object, a lone surrogate or nesting deeper than 16
 * is an error, and integers stay exact. Objects come as maps, so that no key is special.
 *
 * @returns integers as numbers, every other number as its literal. Throws {@link StrictJsonError}.
 */
export function parseStrictJson(text: string): StrictJson {
  const parser = new Parser(text)
  const value = parser.value(0)
  parser.end()
  return value
}

class Parser {
  private at = 0

  constructor(private readonly text: string) {}

  value(depth: number): StrictJson {
    if (depth > MAX_DEPTH) throw new StrictJsonError('depth', `nested deeper than ${MAX_DEPTH}`)
    this.space()
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth)
      case '[':
        return this.array(depth)
      case '"':
        return this.string()
      case 't':
        return this.word('true', true)
      case 'f':
        return this.word('false', false)
      case 'n':
        return this.word('null', null)
      default:
        return this.number()
    }
  }

  end(): void {
    this.space()
    if (this.at !== this.text.length) throw this.wrong('something after the end')
  }

  private object(depth: number): ReadonlyMap<string, StrictJson> {
    const map = new Map<string, StrictJson>()
    this.at++
    if (this.takes('}')) return map
    do {
      this.space()
      if (this.text[this.at] !== '"') throw this.wrong('a key is missing')
      const key = this.string()
      if (map.has(key)) throw new StrictJsonError('duplicate', key)
      if (!this.takes(':')) throw this.wrong('a colon is missing')
      map.set(key, this.value(depth + 1))
    } while (this.takes(','))
    if (!this.takes('}')) throw this.wrong('a closing brace is missing')
    return map
  }

  private array(depth: number): readonly StrictJson[] {
    const list: StrictJson[] = []
    this.at++
    if (this.takes(']')) return list
    do list.push(this.value(depth + 1))
    while (this.takes(','))
    if (!this.takes(']')) throw this.wrong('a closing bracket is missing')
    return list
  }

  private string(): string {
    const { text } = this
    let end = this.at
    let slashes: number
    do {
      end = text.indexOf('"', end + 1)
      if (end < 0) throw this.wrong('a quote is missing')
      slashes = 0
      while (text[end - 1 - slashes] === '\\') slashes++
    } while (slashes % 2 === 1)
    let value: string
    try {
      // The engine's own parser knows escapes and refuses raw control characters.
      value = JSON.parse(text.slice(this.at, end + 1)) as string
    } catch {
      throw this.wrong('a string is malformed')
    }
    if (LONE_SURROGATE.test(value)) throw this.wrong('a string holds half a character')
    this.at = end + 1
    return value
  }

  private number(): number | OtherNumber {
    NUMBER.lastIndex = this.at
    const literal = NUMBER.exec(this.text)?.[0]
    if (literal === undefined) throw this.wrong('a value is missing')
    this.at += literal.length
    const value = Number(literal)
    return INTEGER.test(literal) && Number.isSafeInteger(value) ? value : new OtherNumber(literal)
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.wrong('a value is missing')
    this.at += word.length
    return value
  }

  private takes(character: string): boolean {
    this.space()
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  private space(): void {
    SPACE.lastIndex = this.at
    SPACE.exec(this.text)
    this.at = SPACE.lastIndex
  }

  private wrong(what: string): StrictJsonError {
    return new StrictJsonError('syntax', `${what} at character ${this.at}`)
  }
}
