import { buffer, bufferBits, native, tag } from './native.js'
import { Tensor } from './tensor.js'

/** An argument given by its schema name, e.g. `named('memory_format', 'channels_last')`. */
export class Named {
  constructor(
    readonly name: string,
    readonly value: Argument,
  ) {}
}

export const named = (name: string, value: Argument): Named => new Named(name, value)

/** What an operator takes; dtypes, devices, layouts and memory formats are strings. */
export type Argument =
  | Tensor
  | number
  | boolean
  | bigint
  | string
  | null
  | undefined
  | readonly number[]
  | readonly boolean[]
  | readonly (Tensor | null)[]

export type Result = Tensor | Tensor[] | number | boolean | number[] | null

let cursor = 0

/** Names of dtypes, devices, arguments: few, and the same ones again and again. */
const texts = new Map<string, number>()

function putString(text: string): void {
  let id = texts.get(text)
  if (id === undefined) {
    id = native.intern(text)
    texts.set(text, id)
  }
  buffer[cursor++] = id
}

function putList(list: readonly unknown[]): void {
  if (cursor + list.length + 2 > buffer.length) {
    throw new RangeError(`a list of ${list.length} values is too long for one operator call; pass a tensor`)
  }
  const first = list[0]
  const kind =
    first instanceof Tensor || (first === null && list.length > 0)
      ? tag.tensorList
      : typeof first === 'boolean'
        ? tag.boolList
        : tag.numberList
  buffer[cursor++] = kind
  buffer[cursor++] = list.length
  for (const item of list) {
    if (kind === tag.tensorList) {
      if (item !== null && !(item instanceof Tensor))
        throw new TypeError('a list of tensors holds something else')
      buffer[cursor++] = item === null ? 0 : item.handle
    } else if (typeof item === 'number' || typeof item === 'boolean') buffer[cursor++] = Number(item)
    else throw new TypeError(`a list of numbers holds ${item === null ? 'null' : typeof item}`)
  }
}

function put(value: Argument | Named): void {
  if (cursor > buffer.length - 4) throw new RangeError('too many arguments for one operator call')
  if (value instanceof Tensor) {
    buffer[cursor++] = tag.tensor
    buffer[cursor++] = value.handle
  } else if (typeof value === 'number') {
    buffer[cursor++] = tag.number
    buffer[cursor++] = value
  } else if (value === null || value === undefined) {
    buffer[cursor++] = tag.none
  } else if (typeof value === 'boolean') {
    buffer[cursor++] = tag.bool
    buffer[cursor++] = value ? 1 : 0
  } else if (typeof value === 'string') {
    buffer[cursor++] = tag.string
    putString(value)
  } else if (Array.isArray(value)) {
    putList(value)
  } else if (value instanceof Named) {
    buffer[cursor++] = tag.named
    putString(value.name)
    put(value.value)
  } else if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`)
    buffer[cursor++] = tag.bigint
    bufferBits[cursor++] = value
  } else {
    throw new TypeError(
      `operators take tensors, numbers, booleans, strings and lists of them, not ${typeof value}`,
    )
  }
}

/** An in-place result is the argument itself, not a second object for the same tensor. */
function tensorOf(handle: number, args: readonly (Argument | Named)[]): Tensor {
  for (let i = 0; i < args.length; i++) {
    const given = args[i]
    const value = given instanceof Named ? given.value : given
    if (value instanceof Tensor) {
      if (value.handle === handle) return value
    } else if (Array.isArray(value)) {
      for (const item of value) if (item instanceof Tensor && item.handle === handle) return item
    }
  }
  return new Tensor(handle)
}

function take(args: readonly (Argument | Named)[]): Result {
  const kind = buffer[cursor++]
  switch (kind) {
    case tag.tensor:
      return tensorOf(buffer[cursor++]!, args)
    case tag.number:
      return buffer[cursor++]!
    case tag.bool:
      return buffer[cursor++] === 1
    case tag.numberList:
    case tag.tensorList: {
      const length = buffer[cursor++]!
      const values = Array.from(buffer.subarray(cursor, cursor + length))
      cursor += length
      return kind === tag.numberList ? values : values.map((handle) => tensorOf(handle, args))
    }
    default:
      return null
  }
}

const call = native.call

/** Sees a call after it was made. */
export type CallObserver = (
  name: string,
  args: readonly (Argument | Named)[],
  results: readonly Result[],
) => void

let observer: CallObserver | null = null

/**
 * Runs `body` and shows `watch` every operator that it calls, in order. Operators that `watch` itself calls are not
 * shown, and neither is what libtorch calls inside an operator.
 * @throws whatever `watch` throws, out of the call that it saw
 */
export function observeCalls<T>(watch: CallObserver, body: () => T): T {
  const outer = observer
  observer = (name, args, results) => {
    const own = observer
    observer = null
    try {
      watch(name, args, results)
    } finally {
      observer = own
    }
  }
  try {
    return body()
  } finally {
    observer = outer
  }
}

/** An operator that was looked up once. */
export class Operator {
  #id = -1
  /** @param name as in PyTorch's schemas: `aten::add.Tensor`, or `aten::add` to choose by argument types. */
  constructor(readonly name: string) {}

  #run(args: readonly (Argument | Named)[]): number {
    // Looked up at the first call: a libtorch without a rare operator still loads.
    if (this.#id < 0) this.#id = native.resolve(this.name)
    cursor = 0
    for (let i = 0; i < args.length; i++) put(args[i])
    return call(this.#id, args.length)
  }

  /** Calls an operator that returns one tensor. */
  one(...args: readonly (Argument | Named)[]): Tensor {
    const count = this.#run(args)
    if (count !== 1 || buffer[0] !== tag.tensor)
      throw new TypeError(`${this.name} does not return one tensor`)
    const result = tensorOf(buffer[1]!, args)
    if (observer !== null) observer(this.name, args, [result])
    return result
  }

  /** Calls an operator and returns all of its results. */
  all(...args: readonly (Argument | Named)[]): Result[] {
    const count = this.#run(args)
    cursor = 0
    const results: Result[] = []
    for (let i = 0; i < count; i++) results.push(take(args))
    if (observer !== null) observer(this.name, args, results)
    return results
  }

  /** The schemas of its overloads. */
  get schemas(): string[] {
    if (this.#id < 0) this.#id = native.resolve(this.name)
    return native.schemas(this.#id)
  }
}

const known = new Map<string, Operator>()

/** The operator of that name; any of libtorch's, e.g. `operator('aten::cdist').one(a, b, 2)`. */
export function operator(name: string): Operator {
  let found = known.get(name)
  if (!found) {
    found = new Operator(name)
    known.set(name, found)
  }
  return found
}

const knownAten = new Map<string, Operator>()

/** @internal `operator('aten::' + name)` without joining the strings at every call. */
export function aten(name: string): Operator {
  let found = knownAten.get(name)
  if (!found) {
    found = operator(`aten::${name}`)
    knownAten.set(name, found)
  }
  return found
}
