import type { Vector3 } from '@septum/core'
import { latin1 } from '../volume/latin1.js'
import { broken, unsupported } from '../volume/problem.js'
import type { SampleType } from '../volume/samples.js'

/** Longest header that is searched for its end. */
export const NRRD_HEADER_BYTES = 2 ** 20

/** Fields of an NRRD header (teem.sourceforge.net/nrrd/format.html), axes fastest first. */
export interface NrrdHeader {
  readonly sizes: readonly number[]
  readonly sampleType: SampleType
  readonly encoding: 'raw' | 'compressed' | 'text' | 'hex'
  readonly littleEndian: boolean
  readonly lines: number
  /** -1: the samples are the end of the file. */
  readonly skip: number
  /** Value of `data file`; the names that follow a LIST. */
  readonly dataFile?: string
  readonly list: readonly string[]
  /** Factors of the world axes to LPS; undefined where the file has no space. */
  readonly toLps?: Vector3
  /** Vector of each axis, undefined where the axis is not one of space. */
  readonly directions?: readonly (Vector3 | undefined)[]
  readonly origin: Vector3
  /** Spacing of each axis, NaN where there is none. */
  readonly spacings?: readonly number[]
  readonly kinds?: readonly string[]
  /** Byte after the header, where attached samples begin. */
  readonly end: number
  readonly notes: readonly string[]
}

const types: Readonly<Record<string, SampleType>> = {}
const names: readonly (readonly [SampleType, string])[] = [
  ['int8', 'signed char,int8,int8_t'],
  ['uint8', 'uchar,unsigned char,uint8,uint8_t'],
  ['int16', 'short,short int,signed short,signed short int,int16,int16_t'],
  ['uint16', 'ushort,unsigned short,unsigned short int,uint16,uint16_t'],
  ['int32', 'int,signed int,int32,int32_t'],
  ['uint32', 'uint,unsigned int,uint32,uint32_t'],
  ['int64', 'longlong,long long,long long int,signed long long,signed long long int,int64,int64_t'],
  ['uint64', 'ulonglong,unsigned long long,unsigned long long int,uint64,uint64_t'],
  ['float32', 'float'],
  ['float64', 'double'],
]
for (const [type, list] of names) {
  for (const name of list.split(',')) (types as Record<string, SampleType>)[name] = type
}

const encodings: Readonly<Record<string, NrrdHeader['encoding']>> = {
  raw: 'raw',
  txt: 'text',
  text: 'text',
  ascii: 'text',
  hex: 'hex',
  gz: 'compressed',
  gzip: 'compressed',
}

/** World axes of each space as factors to LPS. */
const spaces: Readonly<Record<string, Vector3>> = {
  'right-anterior-superior': [-1, -1, 1],
  ras: [-1, -1, 1],
  'left-anterior-superior': [1, -1, 1],
  las: [1, -1, 1],
  'left-posterior-superior': [1, 1, 1],
  lps: [1, 1, 1],
}

/** Whether a file begins like NRRD. */
export const recogniseNrrd = (head: Uint8Array) => /^NRRD000\d/.test(latin1(head.subarray(0, 8)))

/**
 * Parses a header.
 * @param bytes beginning of the file, with the whole header.
 * @throws SeptumError `volume-broken` or `volume-unsupported`.
 */
export function parseNrrdHeader(bytes: Uint8Array, file: string): NrrdHeader {
  if (!recogniseNrrd(bytes)) throw broken(file, 'it has no NRRD signature')
  const { fields, list, end } = readFields(bytes, file)
  const field = (name: string) => fields.get(name)
  const required = (name: string) => {
    const value = field(name)
    if (value === undefined) throw broken(file, `its header lacks "${name}"`)
    return value
  }
  const dimension = Number(required('dimension'))
  if (!(Number.isInteger(dimension) && dimension >= 1 && dimension <= 16)) {
    throw broken(file, `its header names ${required('dimension').slice(0, 20)} dimensions`)
  }
  const perAxis = (name: string, values: readonly string[] | undefined) => {
    if (values && values.length !== dimension) {
      throw broken(file, `"${name}" has ${values.length} values for ${dimension} axes`)
    }
    return values
  }
  const words = (name: string) => perAxis(name, field(name)?.split(/\s+/))
  const sizes = words('sizes')?.map(Number)
  if (!sizes) throw broken(file, 'its header lacks "sizes"')
  const sampleType = types[required('type').toLowerCase()]
  if (!sampleType)
    throw unsupported(file, 'The samples are of a type that is not read', 'Convert it to integers or floats.')
  const encoding = encodings[required('encoding').toLowerCase()]
  if (!encoding)
    throw unsupported(
      file,
      'The samples are stored in an encoding that is not read',
      'Save it with gzip or raw encoding.',
    )
  const endian = field('endian')?.toLowerCase()
  const oneByte = sampleType === 'int8' || sampleType === 'uint8' || encoding === 'text'
  if (endian !== 'little' && endian !== 'big' && !oneByte) throw broken(file, 'its header lacks "endian"')
  const lines = wholeNumber(field('line skip') ?? field('lineskip') ?? '0', 0)
  const skip = wholeNumber(field('byte skip') ?? field('byteskip') ?? '0', -1)
  if (lines === undefined || skip === undefined || (skip === -1 && encoding !== 'raw')) {
    throw broken(file, 'its "line skip" or "byte skip" is impossible')
  }
  const notes: string[] = []
  const toLps = spaceOf(field('space'), field('space dimension'), file, notes)
  const vectors = perAxis(
    'space directions',
    field('space directions')?.match(/none|\([^)]*\)/gi) ?? undefined,
  )
  if (field('space directions') !== undefined && !vectors)
    throw broken(file, 'its "space directions" are no vectors')
  const dataFile = field('data file') ?? field('datafile')
  const kinds = words('kinds')?.map((kind) => kind.toLowerCase())
  return {
    sizes,
    sampleType,
    encoding,
    littleEndian: endian !== 'big',
    lines,
    skip,
    list,
    origin: vectorOf(field('space origin') ?? '(0,0,0)', file) ?? [0, 0, 0],
    end,
    notes,
    ...(dataFile !== undefined && { dataFile }),
    ...(toLps && { toLps }),
    ...(vectors && { directions: vectors.map((vector) => vectorOf(vector, file)) }),
    ...(field('spacings') !== undefined && { spacings: words('spacings')!.map(Number) }),
    ...(kinds && { kinds }),
  }
}

/** Lines `field: value` up to an empty line; names of fields in lower case. Comments and keys (`:=`) are left out. */
function readFields(bytes: Uint8Array, file: string) {
  const fields = new Map<string, string>()
  const list: string[] = []
  let listing = false
  let at = bytes.indexOf(10) + 1
  if (at === 0) throw broken(file, 'its header ends too early')
  while (at < bytes.length) {
    const newline = bytes.indexOf(10, at)
    const end = newline < 0 ? bytes.length : newline
    const line = latin1(bytes, at, end).replace(/\r$/, '')
    at = end + 1
    if (listing) {
      if (line !== '') list.push(line)
      continue
    }
    if (line === '') return { fields, list, end: Math.min(at, bytes.length) }
    if (line.startsWith('#') || /^[^:]*:=/.test(line)) continue
    const colon = line.indexOf(': ')
    if (colon < 0) throw broken(file, 'a line of its header is no field')
    const name = line.slice(0, colon).toLowerCase()
    if (fields.has(name)) throw broken(file, `its header says "${name.slice(0, 40)}" twice`)
    fields.set(name, line.slice(colon + 2).trim())
    listing = /^data ?file$/.test(name) && /^LIST\b/.test(fields.get(name)!)
  }
  if (at - 1 >= NRRD_HEADER_BYTES) throw broken(file, 'its header does not end')
  return { fields, list, end: bytes.length }
}

function wholeNumber(text: string, least: number): number | undefined {
  const value = Number(text)
  return text !== '' && Number.isSafeInteger(value) && value >= least ? value : undefined
}

function spaceOf(
  space: string | undefined,
  dimension: string | undefined,
  file: string,
  notes: string[],
): Vector3 | undefined {
  if (space === undefined && dimension === undefined) return undefined
  const known = space === undefined ? undefined : spaces[space.toLowerCase()]
  if (known) return known
  if (dimension === '3' || /^(scanner-xyz|3d-(right|left)-handed)$/i.test(space ?? '')) {
    notes.push('The file does not name its world axes: they were taken as left, posterior, superior.')
    return [1, 1, 1]
  }
  throw unsupported(
    file,
    'The space of the file is not read',
    'Save it in the space left-posterior-superior.',
  )
}

function vectorOf(text: string, file: string): Vector3 | undefined {
  if (text.toLowerCase() === 'none') return undefined
  const parts = text.replace(/^\(|\)$/g, '').split(',')
  const [x, y, z] = parts.map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (parts.length !== 3) throw broken(file, 'a vector of its header has not three parts')
  return [x!, y!, z!]
}
