import { SeptumError } from '@septum/core'
import { quote } from './fail.js'
import type { PthKey, PthValue } from './pickle-value.js'
import { PthTensor } from './pth-tensor.js'

/** Keys under which training programs keep the weights, the more telling first. */
const WRAPPERS = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'net',
  'network',
  'network_weights',
]
/** Prefixes of DataParallel and of torch.compile. */
const PREFIXES = ['module.', '_orig_mod.']
const MAX_NAMES = 200_000

export interface FlatStateDict {
  /** By the names of the state dict, in its order. */
  readonly tensors: Map<string, PthTensor>
  /** What was taken off on the way, outermost first: keys of wrappers and prefixes such as `module.`. */
  readonly unwrapped: readonly string[]
  /** Names inside the state dict that hold no tensor. */
  readonly skipped: readonly string[]
}

/**
 * Finds the state dict in what a `.pth` file holds: goes through common wrappers (`state_dict`, `model`, ...),
 * joins nested dicts with dots and takes off a prefix that every name shares (`module.`, `_orig_mod.`).
 *
 * @param file the path, for the error. Throws `pth-no-tensors`, `pth-names`.
 */
export function flattenStateDict(root: PthValue, file?: string): FlatStateDict {
  const place = file === undefined ? {} : { file }
  const unwrapped: string[] = []
  let dict = root
  const known = new Map<PthValue, boolean>()
  for (let inner = unwrapOnce(dict, known); inner !== null; inner = unwrapOnce(dict, known)) {
    unwrapped.push(inner.key)
    dict = inner.dict
  }
  const tensors = new Map<string, PthTensor>()
  const skipped: string[] = []
  const collect = (value: PthValue, name: string): void => {
    // Shared dicts can be met along exponentially many paths.
    if (tensors.size + skipped.length > MAX_NAMES) {
      throw new SeptumError(
        'pth-names',
        `there are more than ${MAX_NAMES} names`,
        'Save one state dict',
        place,
      )
    }
    if (value instanceof PthTensor && name !== '' && !tensors.has(name)) tensors.set(name, value)
    else if (value instanceof PthTensor) {
      const message =
        name === '' ? 'the file holds one tensor without a name' : `the name ${quote(name)} comes twice`
      throw new SeptumError('pth-names', message, 'Save a dict that gives each tensor its name', place)
    } else if (isDict(value) && (name === '' || hasTensors(value, known))) {
      for (const [key, item] of value) collect(item, name === '' ? String(key) : `${name}.${String(key)}`)
    } else if (name !== '') skipped.push(name)
  }
  collect(dict, '')
  if (tensors.size === 0) {
    const keys = isDict(dict) ? [...dict.keys()].slice(0, 5).map((key) => quote(String(key))) : []
    const found = keys.length > 0 ? `; it holds ${keys.join(', ')}` : ''
    const hint = 'In Python, save the weights alone: torch.save(model.state_dict(), "weights.pth")'
    throw new SeptumError('pth-no-tensors', `the file holds no named tensors${found}`, hint, place)
  }
  return { tensors: withoutPrefixes(tensors, unwrapped), unwrapped, skipped }
}

function isDict(value: PthValue): value is ReadonlyMap<PthKey, PthValue> {
  return value instanceof Map
}

/**
 * Whether tensors can be reached through text keys; the state of an optimiser has numbers as keys.
 * @param known answers so far: dicts may be shared along very many paths.
 */
function hasTensors(dict: ReadonlyMap<PthKey, PthValue>, known: Map<PthValue, boolean>): boolean {
  const before = known.get(dict)
  if (before !== undefined) return before
  let found = false
  for (const [key, value] of dict) {
    found ||=
      typeof key === 'string' && (value instanceof PthTensor || (isDict(value) && hasTensors(value, known)))
  }
  known.set(dict, found)
  return found
}

function unwrapOnce(dict: PthValue, known: Map<PthValue, boolean>): { key: string; dict: PthValue } | null {
  if (!isDict(dict)) return null
  for (const key of WRAPPERS) {
    const inner = dict.get(key)
    if (inner !== undefined && isDict(inner) && hasTensors(inner, known)) return { key, dict: inner }
  }
  return null
}

function withoutPrefixes(tensors: Map<string, PthTensor>, unwrapped: string[]): Map<string, PthTensor> {
  let result = tensors
  const common = (): string | undefined =>
    PREFIXES.find((prefix) => [...result.keys()].every((name) => name.startsWith(prefix) && name !== prefix))
  for (let prefix = common(); prefix !== undefined; prefix = common()) {
    unwrapped.push(prefix)
    const { length } = prefix
    result = new Map([...result].map(([name, tensor]) => [name.slice(length), tensor]))
  }
  return result
}
