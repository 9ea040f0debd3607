import type { MedicalImage } from '@septum/core'
import type { ImageFormat, ReadLimits } from '../format.js'
import { besideHeader, numberedNames } from '../volume/data-file.js'
import { readRange } from '../volume/file-bytes.js'
import { channelsFirst } from '../volume/grid.js'
import { broken, inFile } from '../volume/problem.js'
import { type RawData, readRawData } from '../volume/raw-data.js'
import { largestValue } from '../volume/samples.js'
import { NRRD_HEADER_BYTES, type NrrdHeader, parseNrrdHeader, recogniseNrrd } from './header.js'
import { describeNrrd } from './image.js'

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
      return describeNrrd(file, header, limits).header
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

async function read(file: string, limits: ReadLimits): Promise<MedicalImage> {
  const nrrd = await open(file)
  const { header, roles } = describeNrrd(file, nrrd, limits)
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
