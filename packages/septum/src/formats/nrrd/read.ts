import { checkGeometry, type ImageGeometry, type MedicalImage, type Vector3 } from '@septum/core'
import type { ImageFormat, ImageHeader, ReadLimits } from '../format.js'
import { type AxisRoles, axisRoles, geometryOfVectors } from '../volume/axes.js'
import { besideHeader, numberedNames } from '../volume/data-file.js'
import { readRange } from '../volume/file-bytes.js'
import { channelsFirst, countSamples } from '../volume/grid.js'
import { broken, inFile } from '../volume/problem.js'
import { type RawData, readRawData } from '../volume/raw-data.js'
import { decodedBytes, largestValue } from '../volume/samples.js'
import { NRRD_HEADER_BYTES, type NrrdHeader, parseNrrdHeader, recogniseNrrd } from './header.js'

/**
 * NRRD, attached (.nrrd) or detached (.nhdr with one file, a numbered pattern or a LIST): raw, gzip, text, hex.
 * An axis without direction in space (colour, vector, list, time) becomes the channels.
 */
export const nrrdFormat: ImageFormat = {
  name: 'NRRD',
  extensions: ['.nrrd', '.nhdr'],
  recognises: recogniseNrrd,
  readHeader: (file, limits) =>
    inFile(file, async () => {
      const header = await open(file)
      return describe(file, header, limits).header
    }),
  read: (file, limits) => inFile(file, () => read(file, limits)),
}

async function open(file: string): Promise<NrrdHeader> {
  const { bytes } = await readRange(file, 0, 65_536)
  // Only a header that does not end in the first 64 KiB is looked for further.
  const whole =
    bytes.length < 65_536 || bytes.includes('\n\n') || bytes.includes('\r\n\r\n')
      ? bytes
      : (await readRange(file, 0, NRRD_HEADER_BYTES)).bytes
  return parseNrrdHeader(whole, file)
}

function describe(
  file: string,
  header: NrrdHeader,
  { maxBytes }: ReadLimits,
): { header: ImageHeader; roles: AxisRoles } {
  const { sizes, sampleType } = header
  countSamples(sizes, decodedBytes(sampleType), maxBytes, file)
  const spatial = spatialAxes(header)
  const roles = axisRoles(sizes, spatial, file)
  const notes = [...header.notes]
  const geometry = geometryOf(header, spatial, notes)
  if (roles.channels > 1)
    notes.push(`An axis of ${roles.channels} values that is not one of space became channels.`)
  return {
    roles,
    header: {
      format: 'NRRD',
      shape: roles.shape,
      ...(geometry && { geometry: checkGeometry(geometry, roles.shape.length - 1) }),
      maxValue: largestValue(sampleType),
      sampleType,
      notes,
    },
  }
}

/** By directions, else by kinds, else by spacings; without any of them the fourth axis is one of channels. */
function spatialAxes({ sizes, directions, kinds, spacings }: NrrdHeader): boolean[] {
  if (directions) return directions.map((vector) => vector !== undefined)
  if (kinds)
    return kinds.map((kind) => kind === 'domain' || kind === 'space' || kind === '???' || kind === 'none')
  if (spacings?.some(Number.isFinite)) return spacings.map((mm, axis) => Number.isFinite(mm) && axis < 3)
  return sizes.map((_, axis) => axis < 3)
}

function geometryOf(
  header: NrrdHeader,
  spatial: readonly boolean[],
  notes: string[],
): ImageGeometry | undefined {
  const { directions, toLps = [1, 1, 1], origin, spacings } = header
  const inLps = ([x, y, z]: Vector3): Vector3 => [x * toLps[0], y * toLps[1], z * toLps[2]]
  if (directions) {
    if (!header.toLps)
      notes.push('The file does not name its world axes: they were taken as left, posterior, superior.')
    const vectors = directions.filter((vector) => vector !== undefined)
    return geometryOfVectors(vectors.map(inLps), inLps(origin))
  }
  if (!spacings) return undefined
  notes.push('The file names no orientation: its axes were taken to grow to left, posterior, superior.')
  const own = spacings.filter((_, axis) => spatial[axis])
  const axes: Vector3[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]
  return { spacingMm: own.reverse(), originMm: [0, 0, 0], directions: axes.slice(0, own.length).reverse() }
}

async function read(file: string, limits: ReadLimits): Promise<MedicalImage> {
  const nrrd = await open(file)
  const { header, roles } = describe(file, nrrd, limits)
  const samples = await readRawData(dataOf(file, nrrd))
  const data = channelsFirst(samples, roles.channels, roles.inner)
  const { shape, geometry } = header
  return { data, shape, ...(geometry && { geometry }), maxValue: largestValue(data) }
}

function dataOf(file: string, header: NrrdHeader): RawData {
  const { sizes, sampleType, littleEndian, lines, skip, encoding } = header
  return {
    files: filesOf(file, header),
    start: header.dataFile === undefined ? header.end : 0,
    lines,
    skip,
    encoding,
    sampleType,
    littleEndian,
    count: sizes.reduce((product, size) => product * size, 1),
  }
}

function filesOf(file: string, { dataFile, list }: NrrdHeader): string[] {
  if (dataFile === undefined) return [file]
  if (/^LIST\b/.test(dataFile)) {
    if (list.length === 0) throw broken(file, 'its LIST of files is empty')
    return list.map((name) => besideHeader(file, name))
  }
  const pattern = /^(\S*%\S*d\S*)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)(?:\s+\d+)?$/.exec(dataFile)
  if (!pattern) return [besideHeader(file, dataFile)]
  const names = numberedNames(pattern[1]!, pattern.slice(2, 5).map(Number), file)
  return names.map((name) => besideHeader(file, name))
}
