import type { SeptumError } from '@septum/core'
import { type Fail, HINT_DAMAGED, quote } from './fail.js'
import { PICKLE_GLOBALS } from './pickle-globals.js'
import { INSTRUCTIONS, STOP } from './pickle-instructions.js'
import { PickleGlobal, type PickleValue } from './pickle-value.js'

/** Bounds on what a pickle may cost, far above what any model needs. */
export const PICKLE_LIMITS = {
  bytes: 2 ** 25,
  instructions: 8_000_000,
  stack: 1_000_000,
  memo: 2_000_000,
  calls: 500_000,
} as const

const HINT_RESAVE =
  'In Python, save only the weights, torch.save(model.state_dict(), "weights.pth"), from a source that you trust'

/** How a pickle reaches storages: `('storage', class, key, location, elements, ...)`. */
export type PersistentLoad = (id: readonly PickleValue[]) => PickleValue

/**
 * Reads one pickle of protocol 2 or lower as `torch.save` writes it (instructions as documented in Python's
 * `pickletools.py`). It is a parser, not a virtual machine: no name outside {@link PICKLE_GLOBALS} is
 * accepted, nothing is imported, nothing is run.
 *
 * @param start where the pickle begins in `bytes`.
 * @returns the value and where the pickle ended. Throws `pth-refused` for a name that is not allowed,
 * `pth-pickle` for a malformed or unsupported pickle, `pth-limit` for one that is out of bounds.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  persistentLoad: PersistentLoad,
  fail: Fail,
): { value: PickleValue; end: number } {
  return new Unpickler(bytes, start, persistentLoad, fail).run()
}

/** @internal the state of one reading and what its instructions do to it */
export class Unpickler {
  private readonly view: DataView
  private readonly stack: PickleValue[] = []
  /** Heights of the stack at the open marks. */
  private readonly marks: number[] = []
  private calls = 0
  private readonly memo = new Map<number, PickleValue>()
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly persistentLoad: PersistentLoad,
    private readonly fail: Fail,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  run(): { value: PickleValue; end: number } {
    for (let count = 0; count < PICKLE_LIMITS.instructions; count++) {
      const code = this.uint8()
      if (code === STOP) {
        const value = this.pop()
        if (this.stack.length > 0 || this.marks.length > 0) throw this.wrong('leaves something on its stack')
        return { value, end: this.at }
      }
      this.step(code)
      if (this.stack.length + this.marks.length > PICKLE_LIMITS.stack) throw this.limit('stack')
    }
    throw this.limit('instructions')
  }

  private step(code: number): void {
    const instruction = INSTRUCTIONS.get(code)
    if (instruction === undefined) {
      throw this.wrong(`uses the instruction 0x${code.toString(16)}, which weights never need`)
    }
    instruction(this)
  }

  mark(): void {
    this.marks.push(this.stack.length)
  }

  protocol(): void {
    const version = this.uint8()
    if (version > 2) {
      const hint = 'Save the weights again with torch.save and its default pickle_protocol'
      throw this.fail('pth-pickle', `the pickle has protocol ${version}; PyTorch writes protocol 2`, hint)
    }
  }

  global(): void {
    const name = `${this.line()}.${this.line()}`
    const known = PICKLE_GLOBALS.get(name)
    if (known === undefined) {
      const message = `the file wants to run ${quote(name)}; only tensors and plain containers are read`
      throw this.fail('pth-refused', message, HINT_RESAVE)
    }
    this.push(known)
  }

  reduce(): void {
    const [callee, args] = this.popMany(2)
    if (!(callee instanceof PickleGlobal) || callee.call === null || !Array.isArray(args)) {
      throw this.wrong('calls something that is not a function')
    }
    if (++this.calls > PICKLE_LIMITS.calls) throw this.limit('calls')
    const result = callee.call(args)
    if (result === undefined)
      throw this.wrong(`calls ${callee.name} with arguments that PyTorch never writes`)
    this.push(result)
  }

  /** Attributes: PyTorch hangs `_metadata` on the OrderedDict of a state dict. They are dropped. */
  build(): void {
    const state = this.pop()
    if (!(this.top() instanceof Map) || !(state instanceof Map))
      throw this.wrong('sets attributes of an object')
  }

  persistent(): void {
    const id = this.pop()
    if (!Array.isArray(id)) throw this.wrong('has a storage that is not described by a tuple')
    this.push(this.persistentLoad(id))
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top()
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw this.wrong('appends to something that is not a list')
    for (const item of items) list.push(item)
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.top()
    if (!(map instanceof Map)) throw this.wrong('sets items of something that is not a dict')
    this.fill(map, items)
  }

  fill(map: Map<PickleValue, PickleValue>, items: readonly PickleValue[]): Map<PickleValue, PickleValue> {
    if (items.length % 2 !== 0) throw this.wrong('has a key without a value')
    for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!)
    return map
  }

  put(index: number): void {
    this.memo.set(index, this.top())
    if (this.memo.size > PICKLE_LIMITS.memo) throw this.limit('memo')
  }

  get(index: number): void {
    const value = this.memo.get(index)
    if (value === undefined) throw this.wrong(`recalls value ${index} before it is there`)
    this.push(value)
  }

  uint8(): number {
    return this.view.getUint8(this.take(1))
  }

  uint16(): number {
    return this.view.getUint16(this.take(2), true)
  }

  uint32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true)
  }

  /** The one big-endian number of the format. */
  float64(): number {
    return this.view.getFloat64(this.take(8))
  }

  /** Two's complement, little-endian. */
  long(length: number): number | bigint {
    const at = this.take(length)
    let value = 0n
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]!)
    value = BigInt.asIntN(length * 8, value)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }

  text(length: number): string {
    const at = this.take(length)
    try {
      return this.utf8.decode(this.bytes.subarray(at, at + length))
    } catch {
      throw this.wrong('holds text that is not UTF-8')
    }
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw this.wrong('is cut short')
    const text = this.text(end - this.at)
    this.at = end + 1
    return text
  }

  /** Steps over `length` bytes. @returns where they begin. */
  private take(length: number): number {
    const at = this.at
    if (length > this.bytes.length - at) throw this.wrong('is cut short')
    this.at = at + length
    return at
  }

  push(value: PickleValue): void {
    this.stack.push(value)
  }

  private top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.wrong('takes from an empty stack')
    return this.stack.at(-1)!
  }

  pop(): PickleValue {
    const value = this.top()
    this.stack.pop()
    return value
  }

  popMany(count: number): PickleValue[] {
    if (this.stack.length - count < (this.marks.at(-1) ?? 0)) throw this.wrong('takes from an empty stack')
    return this.stack.splice(this.stack.length - count)
  }

  popMark(): PickleValue[] {
    const height = this.marks.pop()
    if (height === undefined) throw this.wrong('takes from an empty stack')
    return this.stack.splice(height)
  }

  private wrong(what: string): SeptumError {
    return this.fail('pth-pickle', `the pickle ${what} (at byte ${this.at})`, HINT_DAMAGED)
  }

  private limit(what: keyof typeof PICKLE_LIMITS): SeptumError {
    return this.fail('pth-limit', `the pickle needs more than ${PICKLE_LIMITS[what]} ${what}`, HINT_RESAVE)
  }
}
