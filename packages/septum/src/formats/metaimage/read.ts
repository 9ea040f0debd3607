import { checkGeometry, type MedicalImage, type Vector3 } from '@septum/core'
import type { ImageFormat, ImageHeader, ReadLimits } from '../format.js'
import { type AxisRoles, axisRoles } from '../volume/axes.js'
import { besideHeader, numberedNames } from '../volume/data-file.js'
import { readRange } from '../volume/file-bytes.js'
import { channelsFirst, countSamples } from '../volume/grid.js'
import { broken, inFile } from '../volume/problem.js'
import { readRawData } from '../volume/raw-data.js'
import { decodedBytes, largestValue } from '../volume/samples.js'
import { META_HEADER_BYTES, type MetaHeader, parseMetaHeader, recogniseMeta } from './header.js'

/** MetaImage: .mha, or .mhd with one file, a numbered pattern or a LIST; raw, zlib or text. World axes are LPS. */
export const metaImageFormat: ImageFormat = {
  name: 'MetaImage',
  extensions: ['.mha', '.mhd'],
  recognises: recogniseMeta,
  readHeader: (file, limits) => inFile(file, async () => describe(file, await open(file), limits).header),
  read: (file, limits) => inFile(file, () => read(file, limits)),
}

async function open(file: string): Promise<MetaHeader> {
  return parseMetaHeader((await readRange(file, 0, META_HEADER_BYTES)).bytes, file)
}

function describe(
  file: string,
  meta: MetaHeader,
  { maxBytes }: ReadLimits,
): { header: ImageHeader; roles: AxisRoles } {
  const { sizes, channels, sampleType, spacing, matrix, origin } = meta
  countSamples([...sizes, channels], decodedBytes(sampleType), maxBytes, file)
  const axes = Math.min(sizes.length, 3)
  const all = channels > 1 ? [channels, ...sizes] : [...sizes]
  const roles = axisRoles(
    all,
    all.map((_, axis) => (channels > 1 ? axis > 0 && axis <= axes : axis < axes)),
    file,
  )
  // A plane keeps two parts of its vectors and origin: it lies in the plane of x and y.
  const vector = (parts: readonly number[]): Vector3 => [parts[0]!, parts[1]!, axes === 3 ? parts[2]! : 0]
  const directions = Array.from({ length: axes }, (_, axis) => {
    const [x, y, z] = vector(matrix.slice(axis * sizes.length, (axis + 1) * sizes.length))
    const length = Math.hypot(x, y, z)
    return [x / length, y / length, z / length] as const
  })
  const geometry = {
    spacingMm: spacing.slice(0, axes).reverse(),
    originMm: vector(origin),
    directions: directions.reverse(),
  }
  return {
    roles,
    header: {
      format: 'MetaImage',
      shape: roles.shape,
      geometry: checkGeometry(geometry, axes),
      maxValue: largestValue(sampleType),
      sampleType,
      notes: sizes.length > 3 ? ['Axes beyond the third became channels.'] : [],
    },
  }
}

async function read(file: string, limits: ReadLimits): Promise<MedicalImage> {
  const meta = await open(file)
  const { header, roles } = describe(file, meta, limits)
  const samples = await readRawData({
    files: filesOf(file, meta),
    start: isLocal(meta) ? meta.end : meta.headerSize,
    encoding: meta.encoding,
    sampleType: meta.sampleType,
    littleEndian: meta.littleEndian,
    count: meta.sizes.reduce((product, size) => product * size, meta.channels),
  })
  const data = channelsFirst(samples, roles.channels, roles.inner)
  return { data, shape: header.shape, geometry: header.geometry!, maxValue: header.maxValue }
}

const isLocal = ({ dataFile }: MetaHeader) => /^LOCAL(FILE)?$/i.test(dataFile)

function filesOf(file: string, header: MetaHeader): string[] {
  const { dataFile, list } = header
  if (isLocal(header)) return [file]
  if (/^LIST\b/i.test(dataFile)) {
    if (list.length === 0) throw broken(file, 'its LIST of files is empty')
    return list.map((name) => besideHeader(file, name))
  }
  const pattern = /^(\S*%\S*d\S*)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)$/.exec(dataFile)
  if (!pattern) return [besideHeader(file, dataFile)]
  const names = numberedNames(pattern[1]!, pattern.slice(2, 5).map(Number), file)
  return names.map((name) => besideHeader(file, name))
}
