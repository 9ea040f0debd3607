import { type Fail, HINT_DAMAGED } from './fail.js'
import { PickleGlobal, type PickleValue, type PthKey, type PthValue } from './pickle-value.js'
import { PthStorage, PthTensor } from './pth-tensor.js'

const MAX_DEPTH = 100

/**
 * Turns what a pickle has built into plain containers: no class, no circle, at most 100 levels, keys that
 * compare by value. Bare storages become tensors of one axis. What is shared stays shared.
 * Throws `pth-plain`.
 */
export function plain(root: PickleValue, fail: Fail): PthValue {
  const wrong = (what: string) =>
    fail(
      'pth-plain',
      `the file ${what}`,
      'In Python, save only the weights: torch.save(model.state_dict(), path)',
    )
  const done = new Map<object, { readonly value: PthValue; readonly height: number }>()
  const open = new Set<object>()

  /** @returns the value and how many levels of containers it has. */
  const convert = (value: PickleValue, depth: number): { value: PthValue; height: number } => {
    if (value === null || typeof value !== 'object') return { value, height: 0 }
    if (value instanceof PthTensor) return { value, height: 0 }
    if (value instanceof PthStorage) return { value: PthTensor.view(value, [value.numel], [1], 0), height: 0 }
    if (value instanceof PickleGlobal) throw wrong(`holds ${value.name} itself instead of a value of it`)
    const known = done.get(value)
    // A shared value may be met higher up first: its height says how deep it reaches from here.
    if (depth + (known?.height ?? 1) > MAX_DEPTH) throw wrong(`nests containers more than ${MAX_DEPTH} deep`)
    if (known !== undefined) return known
    if (open.has(value)) throw wrong('holds a container that contains itself')
    open.add(value)
    let height = 0
    const child = (item: PickleValue): PthValue => {
      const converted = convert(item, depth + 1)
      height = Math.max(height, converted.height)
      return converted.value
    }
    let result: PthValue
    if (value instanceof Map) {
      const map = new Map<PthKey, PthValue>()
      for (const [key, item] of value) {
        if (typeof key === 'object' && key !== null)
          throw wrong('holds a dict whose keys are not text or numbers')
        map.set(key, child(item))
      }
      result = map
    } else {
      const list = value.map(child)
      result = Object.isFrozen(value) ? Object.freeze(list) : list
    }
    open.delete(value)
    const entry = { value: result, height: height + 1 }
    done.set(value, entry)
    return entry
  }
  return convert(root, 0).value
}

/** @returns the storage of a `('storage', class, key, location, elements, ...)` tuple. Throws `pth-storage`. */
export function storageOf(
  id: readonly PickleValue[],
  known: Map<string, PthStorage>,
  fail: Fail,
): { storage: PthStorage; isNew: boolean } {
  const wrong = (what: string) => fail('pth-storage', `a storage ${what}`, HINT_DAMAGED)
  const [kind, type, key, location, numel, view = null] = id
  if (kind !== 'storage' || id.length < 5 || id.length > 6) throw wrong('is not described as PyTorch does')
  if (!(type instanceof PickleGlobal) || type.dtype === null) throw wrong('has no element type')
  if (typeof key !== 'string' || typeof location !== 'string') throw wrong('has no key')
  if (typeof numel !== 'number' || !Number.isSafeInteger(numel) || numel < 0)
    throw wrong('has an impossible size')
  if (view !== null) throw wrong('is a part of another, as PyTorch wrote before 0.4')
  const before = known.get(key)
  if (before === undefined) {
    const storage = new PthStorage(key, type.dtype, numel, fail)
    known.set(key, storage)
    return { storage, isNew: true }
  }
  if (before.dtype !== type.dtype || before.numel !== numel) throw wrong('is described in two ways')
  return { storage: before, isNew: false }
}
