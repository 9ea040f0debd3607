import type { MedicalImage } from '@septum/core'
import type { ImageFormat, ReadLimits } from '../format.js'
import { besideHeader, numberedNames } from '../volume/data-file.js'
import { readRange } from '../volume/file-bytes.js'
import { channelsFirst } from '../volume/grid.js'
import { broken, inFile } from '../volume/problem.js'
import { readRawData } from '../volume/raw-data.js'
import { META_HEADER_BYTES, type MetaHeader, parseMetaHeader, recogniseMeta } from './header.js'
import { describeMeta, isAttachedMeta } from './image.js'

/** MetaImage: .mha, or .mhd with one file, a numbered pattern or a LIST; raw, zlib or text. World axes are LPS. */
export const metaImageFormat: ImageFormat = {
  name: 'MetaImage',
  extensions: ['.mha', '.mhd'],
  recognises: recogniseMeta,
  readHeader: (file, limits) => inFile(file, async () => describeMeta(file, await open(file), limits).header),
  read: (file, limits) => inFile(file, () => read(file, limits)),
}

async function open(file: string): Promise<MetaHeader> {
  return parseMetaHeader((await readRange(file, 0, META_HEADER_BYTES)).bytes, file)
}

async function read(file: string, limits: ReadLimits): Promise<MedicalImage> {
  const meta = await open(file)
  const { header, roles } = describeMeta(file, meta, limits)
  const samples = await readRawData({
    files: filesOf(file, meta),
    start: isAttachedMeta(meta) ? meta.end : meta.headerSize,
    encoding: meta.encoding,
    sampleType: meta.sampleType,
    littleEndian: meta.littleEndian,
    count: meta.sizes.reduce((product, size) => product * size, meta.channels),
  })
  const data = channelsFirst(samples, roles.channels, roles.inner)
  return { data, shape: header.shape, geometry: header.geometry!, maxValue: header.maxValue }
}

function filesOf(file: string, header: MetaHeader): string[] {
  const { dataFile, list } = header
  if (isAttachedMeta(header)) return [file]
  if (/^LIST\b/i.test(dataFile)) {
    if (list.length === 0) throw broken(file, 'its LIST of files is empty')
    return list.map((name) => besideHeader(file, name))
  }
  const pattern = /^(\S*%\S*d\S*)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)$/.exec(dataFile)
  if (!pattern) return [besideHeader(file, dataFile)]
  const names = numberedNames(pattern[1]!, pattern.slice(2, 5).map(Number), file)
  return names.map((name) => besideHeader(file, name))
}
