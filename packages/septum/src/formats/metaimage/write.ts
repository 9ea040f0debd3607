import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { checkImage, type MedicalImage, SeptumError } from '@septum/core'
import { bytesOfSamples, type SampleType, typeOfSamples } from '../volume/samples.js'
import { writeWhole } from '../write.js'

const types: Readonly<Partial<Record<SampleType, string>>> = {
  uint8: 'MET_UCHAR',
  int8: 'MET_CHAR',
  uint16: 'MET_USHORT',
  int16: 'MET_SHORT',
  uint32: 'MET_UINT',
  int32: 'MET_INT',
  float32: 'MET_FLOAT',
  float64: 'MET_DOUBLE',
}

/**
 * Writes an image as compressed .mha. Several channels become a fourth, slowest axis.
 * @throws SeptumError of `checkImage`, `write-failed`; `volume-write` for a slice with geometry or channels, which
 * a two-dimensional MetaImage cannot keep.
 */
export async function writeMetaImage(file: string, image: MedicalImage): Promise<void> {
  const header = metaHeader(image)
  const samples = await promisify(deflate)(bytesOfSamples(image.data))
  const text = header.replace('SIZE', String(samples.length))
  await writeWhole(file, Buffer.concat([Buffer.from(text, 'latin1'), samples]))
}

function metaHeader(image: MedicalImage): string {
  const { data, shape, geometry } = checkImage(image)
  const [channels, ...space] = shape as [number, ...number[]]
  if (space.length === 2 && (channels > 1 || geometry)) {
    throw new SeptumError(
      'volume-write',
      'A .mha file keeps neither the place in space nor the channels of a single slice',
      'Write it as .nii.gz or .nrrd.',
    )
  }
  const sizes = [...space.reverse(), ...(channels > 1 ? [channels] : [])]
  const axes = sizes.length
  const padded = (values: readonly number[], rest: number) =>
    Array.from({ length: axes }, (_, axis) => values[axis] ?? rest)
  const directions = geometry ? [...geometry.directions].reverse() : []
  const matrix = Array.from({ length: axes * axes }, (_, at) => {
    const [row, column] = [Math.floor(at / axes), at % axes]
    return directions[row]?.[column] ?? (row === column ? 1 : 0)
  })
  return [
    'ObjectType = Image',
    `NDims = ${axes}`,
    'BinaryData = True',
    'BinaryDataByteOrderMSB = False',
    'CompressedData = True',
    'CompressedDataSize = SIZE',
    `TransformMatrix = ${matrix.join(' ')}`,
    `Offset = ${padded(geometry?.originMm ?? [], 0).join(' ')}`,
    `ElementSpacing = ${padded(geometry ? [...geometry.spacingMm].reverse() : [], 1).join(' ')}`,
    `DimSize = ${sizes.join(' ')}`,
    `ElementType = ${types[typeOfSamples(data)]}`,
    'ElementDataFile = LOCAL',
    '',
  ].join('\n')
}
