import { latin1 } from '../volume/latin1.js'
import { broken, unsupported } from '../volume/problem.js'
import type { SampleType } from '../volume/samples.js'

/** Longest header that is searched for its end. */
export const META_HEADER_BYTES = 2 ** 16

/** Fields of a MetaImage header (itk.org/Wiki/ITK/MetaIO/Documentation), axes fastest first. */
export interface MetaHeader {
  readonly sizes: readonly number[]
  readonly sampleType: SampleType
  /** Values of one voxel, fastest of all. */
  readonly channels: number
  readonly encoding: 'raw' | 'compressed' | 'text'
  readonly littleEndian: boolean
  readonly spacing: readonly number[]
  readonly origin: readonly number[]
  /** Rows are the directions of the axes: sizes.length squared numbers. */
  readonly matrix: readonly number[]
  readonly dataFile: string
  /** File names that follow `LIST`. */
  readonly list: readonly string[]
  /** Bytes of a detached file before its samples; -1: the samples are the end of the file. */
  readonly headerSize: number
  /** Byte after the header. */
  readonly end: number
}

/** MET_LONG has 4 bytes in MetaIO, whatever the machine. */
const types: Readonly<Record<string, SampleType>> = {
  MET_CHAR: 'int8',
  MET_UCHAR: 'uint8',
  MET_SHORT: 'int16',
  MET_USHORT: 'uint16',
  MET_INT: 'int32',
  MET_UINT: 'uint32',
  MET_LONG: 'int32',
  MET_ULONG: 'uint32',
  MET_LONG_LONG: 'int64',
  MET_ULONG_LONG: 'uint64',
  MET_FLOAT: 'float32',
  MET_DOUBLE: 'float64',
}

/** Whether a file begins with a field of MetaImage. */
export function recogniseMeta(head: Uint8Array): boolean {
  const text = latin1(head.subarray(0, 512))
  return /^\s*(ObjectType|NDims|Comment)\s*=/i.test(text) && /^\s*NDims\s*=/im.test(text)
}

/**
 * Parses a header; `ElementDataFile` ends it.
 * @throws SeptumError `volume-broken` or `volume-unsupported`.
 */
export function parseMetaHeader(bytes: Uint8Array, file: string): MetaHeader {
  const { fields, list, end } = readFields(bytes, file)
  const field = (...names: string[]) =>
    names.map((name) => fields.get(name)).find((value) => value !== undefined)
  const kind = field('objecttype')
  if (kind !== undefined && kind.toLowerCase() !== 'image') {
    throw unsupported(file, 'The file holds a MetaIO object that is no image', 'Convert it to an image.')
  }
  const dimension = Number(field('ndims'))
  if (!(Number.isInteger(dimension) && dimension >= 1 && dimension <= 10)) {
    throw broken(file, 'its header names an impossible number of dimensions')
  }
  const numbers = (count: number, otherwise: number[], ...names: string[]) => {
    const value = field(...names)
    if (value === undefined) return otherwise
    const found = value.split(/\s+/).map(Number)
    if (found.length !== count || !found.every(Number.isFinite)) {
      throw broken(file, `"${names[0]}" of its header is not ${count} numbers`)
    }
    return found
  }
  const flag = (...names: string[]) => /^(true|t|1)$/i.test(field(...names) ?? '')
  const elementType = field('elementtype')
    ?.toUpperCase()
    .replace(/_ARRAY$/, '')
  const sampleType = types[elementType ?? '']
  if (!sampleType) {
    throw unsupported(file, 'The samples are of a type that is not read', 'Convert it to integers or floats.')
  }
  const sizes = numbers(dimension, [], 'dimsize')
  if (sizes.length === 0) throw broken(file, 'its header lacks "DimSize"')
  const [channels, headerSize] = [
    numbers(1, [1], 'elementnumberofchannels')[0]!,
    numbers(1, [0], 'headersize')[0]!,
  ]
  if (!(Number.isInteger(headerSize) && headerSize >= -1))
    throw broken(file, 'its "HeaderSize" is impossible')
  const compressed = flag('compresseddata')
  const text = field('binarydata') !== undefined && !flag('binarydata')
  const identity = Array.from({ length: dimension ** 2 }, (_, at) => (at % (dimension + 1) === 0 ? 1 : 0))
  const zeros = identity.slice(0, dimension).fill(0)
  return {
    sizes,
    sampleType,
    channels,
    encoding: compressed ? 'compressed' : text ? 'text' : 'raw',
    littleEndian: !flag('binarydatabyteordermsb', 'elementbyteordermsb'),
    spacing: numbers(dimension, zeros.slice().fill(1), 'elementspacing', 'elementsize'),
    origin: numbers(dimension, zeros, 'offset', 'position', 'origin'),
    matrix: numbers(dimension ** 2, identity, 'transformmatrix', 'rotation', 'orientation'),
    dataFile: field('elementdatafile')!,
    list,
    headerSize,
    end,
  }
}

/** Lines `Name = value` up to ElementDataFile; names in lower case. */
function readFields(bytes: Uint8Array, file: string) {
  const fields = new Map<string, string>()
  let at = 0
  while (at < bytes.length) {
    const newline = bytes.indexOf(10, at)
    const end = newline < 0 ? bytes.length : newline
    const line = latin1(bytes, at, end).trim()
    at = Math.min(end + 1, bytes.length)
    if (line === '') continue
    const match = /^([A-Za-z]\w*)\s*=\s*(.*)$/.exec(line)
    if (!match) throw broken(file, 'a line of its header is no field')
    const name = match[1]!.toLowerCase()
    if (fields.has(name) && name !== 'comment')
      throw broken(file, `its header says "${match[1]!.slice(0, 40)}" twice`)
    fields.set(name, match[2]!.trim())
    if (name !== 'elementdatafile') continue
    const listed = /^LIST\b/i.test(match[2]!)
    const list = listed
      ? latin1(bytes, at)
          .split('\n')
          .map((text) => text.trim())
      : []
    return { fields, list: list.filter((text) => text !== ''), end: at }
  }
  throw broken(file, 'its header does not end with "ElementDataFile"')
}
