import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { type Fail, failIn, quote } from './fail.js'
import { asFileError } from './file.js'
import { DTYPE_NAMES, MAX_HEADER_BYTES } from './safetensors-header.js'
import { byteCount, type StoredDType } from './stored-dtype.js'

/** A tensor to be written. */
export interface SafetensorsSource {
  readonly name: string
  readonly dtype: StoredDType
  readonly shape: readonly number[]
  /** Called once, when its turn comes: the elements, row-major and little-endian. */
  readonly data: () => Uint8Array
}

interface Prepared extends SafetensorsSource {
  readonly rank: number
  readonly key: Buffer
  readonly bytes: number
}

const CHUNK_BYTES = 2 ** 28
const LONE_SURROGATE = /\p{Cs}/u

/**
 * Writes a `.safetensors` file as the reference does: tensors by descending alignment of their dtype, then by
 * name; header padded with spaces to a multiple of 8 bytes. One tensor at a time is in memory. The file
 * appears under its name only when it is whole and synced; a failure leaves what was there before.
 *
 * @param metadata free text, written with its keys sorted so that equal content gives equal bytes.
 * Throws `safetensors-name`, `safetensors-dtype-unwritten`, `safetensors-shape`, `safetensors-size`,
 * `safetensors-header-length`, `disk-full` and other errors of writing.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<SafetensorsSource>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const fail = failIn(path)
  const sorted = prepare(tensors, fail)
  const header = headerBytes(sorted, metadata, fail)
  const temporary = `${path}.${process.pid}.tmp`
  let descriptor: number
  try {
    descriptor = openSync(temporary, 'w')
  } catch (error) {
    throw asFileError(error, fail)
  }
  try {
    try {
      writeAll(descriptor, header)
      for (const tensor of sorted) writeAll(descriptor, dataOf(tensor, fail))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw asFileError(error, fail)
  }
}

function prepare(tensors: Iterable<SafetensorsSource>, fail: Fail): Prepared[] {
  const seen = new Set<string>()
  const prepared: Prepared[] = []
  for (const { name, dtype, shape, data } of tensors) {
    const tensor = `tensor ${quote(name)}`
    if (name === '__metadata__' || LONE_SURROGATE.test(name) || seen.has(name)) {
      const why = seen.has(name) ? 'comes twice' : 'has a name that the format does not allow'
      throw fail('safetensors-name', `${tensor} ${why}`, 'Give every tensor a name of its own')
    }
    seen.add(name)
    const rank = DTYPE_NAMES.findIndex((pair) => pair[1] === dtype)
    if (rank < 0) {
      throw fail(
        'safetensors-dtype-unwritten',
        `${tensor} of dtype ${dtype} cannot be written`,
        'Convert it first',
      )
    }
    const bytes = byteCount(dtype, shape)
    if (bytes === null) {
      throw fail('safetensors-shape', `${tensor} has the impossible shape [${shape}]`, 'Check its sizes')
    }
    prepared.push({ name, dtype, shape, data, rank, bytes, key: Buffer.from(name, 'utf8') })
  }
  // Rust compares strings by their UTF-8 bytes, JavaScript by UTF-16 units: they differ beyond U+FFFF.
  return prepared.sort((a, b) => a.rank - b.rank || Buffer.compare(a.key, b.key))
}

function headerBytes(
  tensors: readonly Prepared[],
  metadata: Readonly<Record<string, string>>,
  fail: Fail,
): Uint8Array {
  // Joined by hand: an object would move keys such as "0" to the front.
  const parts: string[] = []
  const keys = Object.keys(metadata).sort()
  if (keys.length > 0) {
    const pairs = keys.map((key) => {
      const value: unknown = metadata[key]
      if (typeof value !== 'string' || LONE_SURROGATE.test(value + key)) {
        throw fail(
          'safetensors-metadata',
          `metadata ${quote(key)} is not text`,
          'Give text as keys and values',
        )
      }
      return `${JSON.stringify(key)}:${JSON.stringify(value)}`
    })
    parts.push(`"__metadata__":{${pairs.join(',')}}`)
  }
  let begin = 0
  for (const { name, shape, rank, bytes } of tensors) {
    const end = begin + bytes
    const dtype = DTYPE_NAMES[rank]![0]
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    )
    begin = end
  }
  const json = Buffer.from(`{${parts.join(',')}}`, 'utf8')
  const padded = Math.ceil(json.length / 8) * 8
  if (padded > MAX_HEADER_BYTES) {
    const message = `names, shapes and metadata take ${padded} bytes; the format allows ${MAX_HEADER_BYTES}`
    throw fail('safetensors-header-length', message, 'Shorten the metadata or split the file')
  }
  const bytes = Buffer.alloc(8 + padded, ' ')
  bytes.writeBigUInt64LE(BigInt(padded), 0)
  json.copy(bytes, 8)
  return bytes
}

function dataOf({ name, data, bytes, shape, dtype }: Prepared, fail: Fail): Uint8Array {
  const given = data()
  if (given.byteLength === bytes) return given
  const message = `tensor ${quote(name)} of shape [${shape}] and dtype ${dtype} needs ${bytes} bytes, not ${given.byteLength}`
  throw fail('safetensors-size', message, 'Give its contiguous elements')
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let done = 0
  while (done < bytes.byteLength) {
    done += writeSync(descriptor, bytes, done, Math.min(bytes.byteLength - done, CHUNK_BYTES))
  }
}
