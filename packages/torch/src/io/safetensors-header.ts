import { type Fail, HINT_DAMAGED, quote } from './fail.js'
import { byteCount, type StoredDType } from './stored-dtype.js'
import { OtherNumber, parseStrictJson, type StrictJson, StrictJsonError } from './strict-json.js'

/** The reference refuses longer headers (safetensors, `MAX_HEADER_SIZE`). */
export const MAX_HEADER_BYTES = 100_000_000

/** Element types in the format's descending order of alignment, which is the order of tensors in a file. */
export const DTYPE_NAMES = [
  ['I64', 'int64'],
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['I32', 'int32'],
  ['BF16', 'bfloat16'],
  ['F16', 'float16'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
] as const satisfies readonly (readonly [string, StoredDType])[]

const DTYPES: ReadonlyMap<string, StoredDType> = new Map(DTYPE_NAMES)

/** Element types of the format that Septum has no tensors of. */
const UNREAD_DTYPES = new Set([
  'F8_E5M2',
  'F8_E4M3',
  'F8_E5M2FNUZ',
  'F8_E4M3FNUZ',
  'F8_E8M0',
  'F6_E2M3',
  'F6_E3M2',
  'F4',
  'C64',
  'U16',
  'U32',
  'U64',
])

const HINT_REWRITE = 'Write the file again with the safetensors library: this one breaks the format'

export interface SafetensorsEntry {
  readonly dtype: StoredDType
  readonly shape: readonly number[]
  /** Size of the tensor in bytes. */
  readonly bytes: number
}

export interface PlacedEntry extends SafetensorsEntry {
  readonly name: string
  /** First byte, counted from the end of the header. */
  readonly begin: number
}

export interface SafetensorsHeader {
  readonly metadata: Record<string, string>
  /** In the order of their data, which tile the buffer without gap or overlap. */
  readonly entries: readonly PlacedEntry[]
}

/**
 * Checks a header by every rule of the format (README of huggingface/safetensors and `Metadata::validate`),
 * and in addition refuses a key twice, a null `__metadata__` and a byte-order mark.
 *
 * @param header the bytes after the 8 of the length. @param dataBytes what follows the header in the file.
 */
export function parseHeader(header: Uint8Array, dataBytes: number, fail: Fail): SafetensorsHeader {
  const root = parseJson(header, fail)
  const metadata = parseMetadata(root.get('__metadata__'), fail)
  const entries: PlacedEntry[] = []
  for (const [name, info] of root) if (name !== '__metadata__') entries.push(parseEntry(name, info, fail))
  entries.sort((a, b) => a.begin - b.begin || a.bytes - b.bytes)
  checkTiling(entries, dataBytes, fail)
  return { metadata, entries }
}

function parseJson(header: Uint8Array, fail: Fail): ReadonlyMap<string, StrictJson> {
  if (header[0] !== 0x7b) {
    throw fail('safetensors-header-start', 'the header does not begin with {', HINT_REWRITE)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header)
  } catch {
    throw fail('safetensors-header-utf8', 'the header is not valid UTF-8', HINT_DAMAGED)
  }
  try {
    // The first byte is a brace, so what parses is an object.
    return parseStrictJson(text) as ReadonlyMap<string, StrictJson>
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
    if (error.kind === 'duplicate') {
      const message = `the header holds the key ${quote(error.message)} twice`
      throw fail('safetensors-duplicate', message, HINT_REWRITE)
    }
    throw fail('safetensors-header-json', `the header is not valid JSON: ${error.message}`, HINT_DAMAGED)
  }
}

function parseMetadata(value: StrictJson | undefined, fail: Fail): Record<string, string> {
  if (value === undefined) return {}
  const wrong = (what: string) => fail('safetensors-metadata', what, HINT_REWRITE)
  if (!(value instanceof Map)) throw wrong('__metadata__ is not an object')
  for (const [key, text] of value) {
    if (typeof text !== 'string') throw wrong(`__metadata__ entry ${quote(key)} is not a string`)
  }
  return Object.fromEntries(value) as Record<string, string>
}

function parseEntry(name: string, info: StrictJson, fail: Fail): PlacedEntry {
  const tensor = `tensor ${quote(name)}`
  const wrong = (what: string) => fail('safetensors-entry', `${tensor} ${what}`, HINT_REWRITE)
  if (!(info instanceof Map)) throw wrong('is not described by an object')
  // Further keys are left alone, as the reference does.
  const dtype = parseDType(tensor, info.get('dtype'), fail)

  const shape = info.get('shape')
  if (!Array.isArray(shape)) throw wrong('has no shape')
  const sizes = shape.map((size: StrictJson) => {
    if (size instanceof OtherNumber && /^[0-9]+$/.test(size.literal)) throw overflow(tensor, fail)
    if (typeof size === 'number' && size >= 0) return size
    throw fail('safetensors-shape', `${tensor} has a size that is not a non-negative integer`, HINT_REWRITE)
  })
  const bytes = byteCount(dtype, sizes)
  if (bytes === null) throw overflow(tensor, fail)

  const offsets = info.get('data_offsets')
  if (!Array.isArray(offsets) || offsets.length !== 2) throw wrong('has no pair data_offsets')
  const [begin, end] = offsets as StrictJson[]
  const offset = (code: string) => fail('safetensors-offsets', `${tensor} ${code}`, HINT_REWRITE)
  if (typeof begin !== 'number' || typeof end !== 'number' || begin < 0) {
    throw offset('has data_offsets that are not non-negative integers')
  }
  if (end < begin) throw offset(`ends at byte ${end} before it begins at byte ${begin}`)
  if (end - begin !== bytes) {
    const message = `${tensor} of shape [${sizes}] and dtype ${dtype} needs ${bytes} bytes, not ${end - begin}`
    throw fail('safetensors-size', message, HINT_REWRITE)
  }
  return { name, dtype, shape: sizes, bytes, begin }
}

function parseDType(tensor: string, value: StrictJson | undefined, fail: Fail): StoredDType {
  if (typeof value !== 'string') throw fail('safetensors-entry', `${tensor} has no dtype`, HINT_REWRITE)
  const dtype = DTYPES.get(value)
  if (dtype !== undefined) return dtype
  if (UNREAD_DTYPES.has(value)) {
    const hint = 'Convert it to F32, F16 or BF16 (whole numbers: I64 or I32) and write the file again'
    throw fail('safetensors-dtype-unread', `${tensor} holds ${value}, which Septum has no tensors of`, hint)
  }
  throw fail('safetensors-dtype-unknown', `${tensor} has the unknown dtype ${quote(value)}`, HINT_REWRITE)
}

function overflow(tensor: string, fail: Fail) {
  return fail('safetensors-overflow', `${tensor} has a shape whose product is past 2^53`, HINT_REWRITE)
}

function checkTiling(entries: readonly PlacedEntry[], dataBytes: number, fail: Fail): void {
  let reached = 0
  for (const { name, begin, bytes } of entries) {
    if (begin !== reached) {
      const [code, what] =
        begin < reached ? ['safetensors-overlap', 'overlaps'] : ['safetensors-hole', 'leaves a hole after']
      throw fail(
        code!,
        `tensor ${quote(name)} begins at byte ${begin} and ${what} byte ${reached}`,
        HINT_REWRITE,
      )
    }
    reached = begin + bytes
  }
  if (reached !== dataBytes) {
    const message = `the tensors fill ${reached} bytes but the file holds ${dataBytes} after its header`
    throw fail('safetensors-incomplete', message, HINT_DAMAGED)
  }
}
