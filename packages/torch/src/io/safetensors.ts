import { checkBooleans } from './booleans.js'
import { quote } from './fail.js'
import { FileReader } from './file.js'
import {
  MAX_HEADER_BYTES,
  type PlacedEntry,
  parseHeader,
  type SafetensorsEntry,
} from './safetensors-header.js'

/** An open `.safetensors` file. Its header is checked whole; data are read when asked for. */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their data. */
  readonly names: readonly string[]
  /** Throws `safetensors-no-tensor`. */
  entry(name: string): SafetensorsEntry
  /**
   * @returns the elements, row-major and little-endian, in an ArrayBuffer of their own (offset 0).
   * Throws `safetensors-no-tensor`, `bool-value` and the errors of reading.
   */
  read(name: string): Uint8Array<ArrayBuffer>
  /** Closing twice is harmless. */
  close(): void
}

/**
 * Opens a `.safetensors` file and checks its header by every rule of the format: lengths before allocation,
 * known dtypes, no key twice, no overlap, no hole, ends where the file ends.
 * (https://github.com/huggingface/safetensors, README and `safetensors/src/tensor.rs`.)
 *
 * ```ts
 * const file = openSafetensors('weights.safetensors')
 * for (const name of file.names) use(name, file.entry(name), file.read(name))
 * file.close()
 * ```
 */
export function openSafetensors(path: string): SafetensorsFile {
  const file = FileReader.open(path)
  try {
    return openHeader(file)
  } catch (error) {
    file.close()
    throw error
  }
}

function openHeader(file: FileReader): SafetensorsFile {
  const { fail } = file
  const hint = 'Check that this is a .safetensors file, and that it was downloaded whole'
  if (file.size < 8) {
    throw fail('safetensors-header-length', `${file.size} bytes are too few for a .safetensors file`, hint)
  }
  const length = new DataView(file.read(0, 8).buffer).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES) {
    const message = `the header claims ${length} bytes; ${MAX_HEADER_BYTES} are allowed`
    throw fail('safetensors-header-length', message, hint)
  }
  const start = 8 + Number(length)
  if (start > file.size) {
    const message = `the header claims ${length} bytes but the file has ${file.size - 8} after its first 8`
    throw fail('safetensors-header-length', message, hint)
  }
  const { metadata, entries } = parseHeader(file.read(8, Number(length)), file.size - start, fail)
  const byName = new Map<string, PlacedEntry>(entries.map((entry) => [entry.name, entry]))
  const find = (name: string): PlacedEntry => {
    const entry = byName.get(name)
    if (entry !== undefined) return entry
    const known = entries.slice(0, 3).map((one) => quote(one.name))
    const message = `there is no tensor ${quote(name)} among the ${entries.length} of the file`
    throw fail('safetensors-no-tensor', message, `The file begins with ${known.join(', ') || 'nothing'}`)
  }
  return {
    metadata,
    names: entries.map((entry) => entry.name),
    entry: (name) => {
      const { dtype, shape, bytes } = find(name)
      return { dtype, shape, bytes }
    },
    read: (name) => {
      const { dtype, begin, bytes } = find(name)
      const data = file.read(start + begin, bytes)
      if (dtype === 'bool') checkBooleans(data, `tensor ${quote(name)}`, fail)
      return data
    },
    close: () => file.close(),
  }
}
