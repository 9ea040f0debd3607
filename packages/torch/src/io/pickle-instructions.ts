import type { PickleValue } from './pickle-value.js'
import type { Unpickler } from './unpickler.js'

export const STOP = '.'.charCodeAt(0)

/** The instructions of `torch.save`, by their names in `pickletools.py`. */
export const INSTRUCTIONS: ReadonlyMap<number, (pickle: Unpickler) => void> = new Map(
  Object.entries<[string, (pickle: Unpickler) => void]>({
    PROTO: ['\x80', (p) => p.protocol()],
    MARK: ['(', (p) => p.mark()],
    POP: ['0', (p) => p.pop()],
    POP_MARK: ['1', (p) => p.popMark()],
    NONE: ['N', (p) => p.push(null)],
    NEWTRUE: ['\x88', (p) => p.push(true)],
    NEWFALSE: ['\x89', (p) => p.push(false)],
    BININT1: ['K', (p) => p.push(p.uint8())],
    BININT2: ['M', (p) => p.push(p.uint16())],
    BININT: ['J', (p) => p.push(p.int32())],
    LONG1: ['\x8a', (p) => p.push(p.long(p.uint8()))],
    BINFLOAT: ['G', (p) => p.push(p.float64())],
    BINUNICODE: ['X', (p) => p.push(p.text(p.uint32()))],
    SHORT_BINSTRING: ['U', (p) => p.push(p.text(p.uint8()))],
    BINSTRING: ['T', (p) => p.push(p.text(p.uint32()))],
    EMPTY_TUPLE: [')', (p) => p.push(tuple([]))],
    TUPLE1: ['\x85', (p) => p.push(tuple(p.popMany(1)))],
    TUPLE2: ['\x86', (p) => p.push(tuple(p.popMany(2)))],
    TUPLE3: ['\x87', (p) => p.push(tuple(p.popMany(3)))],
    TUPLE: ['t', (p) => p.push(tuple(p.popMark()))],
    EMPTY_LIST: [']', (p) => p.push([])],
    LIST: ['l', (p) => p.push(p.popMark())],
    APPEND: ['a', (p) => p.append([p.pop()])],
    APPENDS: ['e', (p) => p.append(p.popMark())],
    EMPTY_DICT: ['}', (p) => p.push(new Map())],
    DICT: ['d', (p) => p.push(p.fill(new Map(), p.popMark()))],
    SETITEM: ['s', (p) => p.setItems(p.popMany(2))],
    SETITEMS: ['u', (p) => p.setItems(p.popMark())],
    BINPUT: ['q', (p) => p.put(p.uint8())],
    LONG_BINPUT: ['r', (p) => p.put(p.uint32())],
    BINGET: ['h', (p) => p.get(p.uint8())],
    LONG_BINGET: ['j', (p) => p.get(p.uint32())],
    GLOBAL: ['c', (p) => p.global()],
    REDUCE: ['R', (p) => p.reduce()],
    BUILD: ['b', (p) => p.build()],
    BINPERSID: ['Q', (p) => p.persistent()],
  }).map(([, [code, instruction]]) => [code.charCodeAt(0), instruction]),
)

/** Frozen, so that an append to a tuple is noticed. */
function tuple(items: PickleValue[]): PickleValue {
  return Object.freeze(items) as PickleValue
}
