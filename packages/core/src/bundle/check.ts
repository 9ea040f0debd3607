import { bundleProblem } from './problem.js'

/** A value of a JSON document with the path to it, for errors that say where. */
export class Field {
  constructor(
    readonly value: unknown,
    readonly path: string,
    private readonly file: string,
  ) {}

  fail(wanted: string): never {
    const found = this.value === undefined ? 'is missing' : `is no ${wanted}`
    throw bundleProblem('bundle-manifest', `${this.path || 'The manifest'} ${found}`, this.file)
  }

  #wrong(wanted: string): never {
    return this.fail(wanted)
  }

  /** A field of an object. */
  at(name: string): Field {
    const object = this.object()
    return new Field(object[name], this.path ? `${this.path}.${name}` : name, this.file)
  }

  object(): Readonly<Record<string, unknown>> {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.#wrong('object')
    return value as Readonly<Record<string, unknown>>
  }

  list(): Field[] {
    if (!Array.isArray(this.value)) this.#wrong('list')
    return (this.value as unknown[]).map((item, i) => new Field(item, `${this.path}[${i}]`, this.file))
  }

  text(): string {
    if (typeof this.value !== 'string') this.#wrong('text')
    return this.value as string
  }

  flag(): boolean {
    if (typeof this.value !== 'boolean') this.#wrong('true or false')
    return this.value as boolean
  }

  number(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) this.#wrong('number')
    return this.value as number
  }

  /** A whole number of at least `least`. */
  whole(least = 0): number {
    const value = this.number()
    if (!Number.isSafeInteger(value) || value < least) this.#wrong(`whole number of ${least} or more`)
    return value
  }

  choice<T extends string>(...choices: readonly T[]): T {
    const value = this.text()
    if (!choices.includes(value as T)) this.#wrong(`${choices.join(' or ')}`)
    return value as T
  }

  /** Null stays null, anything else is read by `read`. */
  nullable<T>(read: (field: Field) => T): T | null {
    return this.value === null ? null : read(this)
  }

  /** A field that may be absent; otherwise it is read by `read`. */
  optional<T>(read: (field: Field) => T): T | undefined {
    return this.value === undefined ? undefined : read(this)
  }

  matching(pattern: RegExp, wanted: string): string {
    const value = this.text()
    if (!pattern.test(value)) this.#wrong(wanted)
    return value
  }
}
