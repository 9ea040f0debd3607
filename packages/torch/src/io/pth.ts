import { type Fail, HINT_DAMAGED, quote } from './fail.js'
import { FileReader } from './file.js'
import type { PickleValue, PthValue } from './pickle-value.js'
import { plain, storageOf } from './plain.js'
import type { PthStorage } from './pth-tensor.js'
import { elementBytes } from './stored-dtype.js'
import { PICKLE_LIMITS, unpickle } from './unpickler.js'
import { ZipReader } from './zip.js'

/** An open `.pth` or `.pt` file: its structure is read, its tensors are read when asked for. */
export interface PthFile {
  readonly root: PthValue
  /** Closing twice is harmless. Tensors can no longer be read. */
  close(): void
}

/** `pickle.dumps(0x1950a86a20f9469cfc6c, protocol=2)`: the first object of a file of PyTorch before 1.6. */
const LEGACY_MAGIC = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')
const ZIP_MAGIC = Buffer.from('PK\x03\x04', 'latin1')
const LEGACY_VERSION = 1001

const HINT_RESAVE = 'In Python, save the weights again: torch.save(model.state_dict(), "weights.pth")'

/**
 * Opens what `torch.save` has written, in the archive format (PyTorch 1.6 and later) or the older stream, and
 * builds its tensors and plain containers. Nothing in the file can run: every name outside a short list is
 * refused, sizes are checked before memory is taken, checksums before data are handed out.
 *
 * Throws `pth-refused` (the file wants to run something), `pth-format` (not such a file, or TorchScript),
 * `pth-big-endian`, `pth-pickle`, `pth-storage`, `pth-view`, `pth-plain`, `pth-limit`, `zip-*`, `file-*`.
 *
 * ```ts
 * const file = openPth('weights.pth')
 * const { tensors } = flattenStateDict(file.root)
 * for (const [name, tensor] of tensors) use(name, tensor.shape, tensor.read())
 * file.close()
 * ```
 */
export function openPth(path: string): PthFile {
  const file = FileReader.open(path)
  try {
    const start = Buffer.from(file.read(0, Math.min(file.size, LEGACY_MAGIC.length)))
    let root: PickleValue
    if (start.subarray(0, ZIP_MAGIC.length).equals(ZIP_MAGIC)) root = readArchive(file)
    else if (start.equals(LEGACY_MAGIC)) root = readLegacy(file)
    else {
      const hint = 'Check that it was downloaded whole and was written by torch.save'
      throw file.fail('pth-format', 'this is not a PyTorch file', hint)
    }
    return { root: plain(root, file.fail), close: () => file.close() }
  } catch (error) {
    file.close()
    throw error
  }
}

/** `<name>/data.pkl`, `<name>/data/<key>`, `<name>/byteorder` (PyTorch 2): `_save` in `torch/serialization.py`. */
function readArchive(file: FileReader): PickleValue {
  const { fail } = file
  const zip = new ZipReader(file)
  const pickles = [...zip.entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name))
  const [pickle] = pickles
  if (pickle === undefined || pickles.length > 1) {
    throw fail('pth-format', 'this zip archive was not written by torch.save', HINT_RESAVE)
  }
  const root = pickle.name.slice(0, -'data.pkl'.length)
  if (zip.entries.has(`${root}constants.pkl`)) {
    const hint = 'In Python, torch.save(torch.jit.load(path).state_dict(), "weights.pth")'
    throw fail('pth-format', 'this is a TorchScript program, not weights', hint)
  }
  const order = zip.entries.get(`${root}byteorder`)
  if (order !== undefined && order.bytes <= 16) {
    checkByteOrder(Buffer.from(zip.read(order)).toString('latin1').trim() === 'little', fail)
  }
  if (pickle.bytes > PICKLE_LIMITS.bytes) throw tooLong(fail)

  const storages = new Map<string, PthStorage>()
  const load = (id: readonly PickleValue[]): PthStorage => {
    const { storage, isNew } = storageOf(id, storages, fail)
    if (isNew) {
      const entry = zip.entries.get(`${root}data/${storage.key}`)
      const size = elementBytes(storage.dtype)
      const bytes = storage.numel * size
      // A storage may end in a part of an element.
      if (entry === undefined || entry.bytes < bytes || entry.bytes >= bytes + size) {
        const found = entry === undefined ? 'none' : String(entry.bytes)
        const message = `storage ${quote(storage.key)} should have ${bytes} bytes in the archive and has ${found}`
        throw fail('pth-storage', message, HINT_DAMAGED)
      }
      storage.bytes = { read: (begin, end) => zip.read(entry, begin, end) }
    }
    return storage
  }
  const { value, end } = unpickle(zip.read(pickle), 0, load, fail)
  if (end !== pickle.bytes) throw fail('pth-pickle', 'the pickle goes on after its end', HINT_DAMAGED)
  return value
}

/**
 * Five pickles (magic number, version, system, object, keys), then for each key the number of elements and the
 * elements: `_legacy_save` in `torch/serialization.py`.
 */
function readLegacy(file: FileReader): PickleValue {
  const { fail } = file
  const wrong = (what: string) => fail('pth-storage', what, HINT_DAMAGED)
  const head = file.read(0, Math.min(file.size, PICKLE_LIMITS.bytes))
  let at = LEGACY_MAGIC.length
  const storages = new Map<string, PthStorage>()
  const next = (load: (id: readonly PickleValue[]) => PickleValue): PickleValue => {
    const { value, end } = unpickle(head, at, load, fail)
    at = end
    return value
  }
  const none = () => {
    throw wrong('the head of the file refers to a storage')
  }
  if (next(none) !== LEGACY_VERSION) throw fail('pth-format', 'this PyTorch format is too old', HINT_RESAVE)
  const system = next(none)
  checkByteOrder(!(system instanceof Map) || system.get('little_endian') !== false, fail)
  const value = next((id) => storageOf(id, storages, fail).storage)
  const keys = next(none)
  if (!Array.isArray(keys)) throw wrong('the list of storages is missing')
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (storage === undefined || storage.bytes !== null) throw wrong('the list of storages is wrong')
    const begin = at + 8
    const bytes = storage.numel * elementBytes(storage.dtype)
    if (begin + bytes > file.size) throw wrong(`storage ${quote(storage.key)} of ${bytes} bytes is cut short`)
    const count = new DataView(file.read(at, 8).buffer).getBigInt64(0, true)
    if (count !== BigInt(storage.numel)) {
      throw wrong(`storage ${quote(storage.key)} has ${count} elements, not ${storage.numel}`)
    }
    storage.bytes = { read: (from, to) => file.read(begin + from, to - from) }
    at = begin + bytes
  }
  for (const { key, bytes } of storages.values()) {
    if (bytes === null) throw wrong(`storage ${quote(key)} is missing`)
  }
  return value
}

function checkByteOrder(isLittle: boolean, fail: Fail): void {
  if (isLittle) return
  const hint = 'On the machine that wrote it, save the weights as .safetensors, which is always little-endian'
  throw fail('pth-big-endian', 'the file was written on a big-endian machine', hint)
}

function tooLong(fail: Fail) {
  return fail('pth-limit', `the pickle is longer than ${PICKLE_LIMITS.bytes} bytes`, HINT_RESAVE)
}
