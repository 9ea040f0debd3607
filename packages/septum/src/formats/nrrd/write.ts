import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { checkImage, type MedicalImage } from '@septum/core'
import { bytesOfSamples, typeOfSamples } from '../volume/samples.js'
import { writeWhole } from '../write.js'

/**
 * Writes an image as NRRD: attached, gzip, little-endian, in the space left-posterior-superior; several channels
 * are the slowest axis, of kind `list`. Without geometry no space is named. The file appears whole or not at all.
 * @throws SeptumError of `checkImage`, `write-failed`.
 */
export async function writeNrrd(file: string, image: MedicalImage): Promise<void> {
  const header = Buffer.from(nrrdHeader(image), 'latin1')
  const samples = await promisify(gzip)(bytesOfSamples(image.data))
  await writeWhole(file, Buffer.concat([header, samples]))
}

function nrrdHeader(image: MedicalImage): string {
  const { data, shape, geometry } = checkImage(image)
  const [channels, ...space] = shape as [number, ...number[]]
  const many = channels > 1
  const sizes = [...space.reverse(), ...(many ? [channels] : [])]
  const names = { float32: 'float', float64: 'double' } as Readonly<Record<string, string>>
  const type = typeOfSamples(data)
  const vector = (parts: readonly number[]) => `(${parts.join(',')})`
  const directions = geometry?.directions
    .map((direction, i) => vector(direction.map((part) => part * geometry.spacingMm[i]!)))
    .reverse()
  return [
    'NRRD0004',
    `type: ${names[type] ?? type}`,
    `dimension: ${sizes.length}`,
    ...(geometry ? ['space: left-posterior-superior'] : []),
    `sizes: ${sizes.join(' ')}`,
    ...(directions ? [`space directions: ${[...directions, ...(many ? ['none'] : [])].join(' ')}`] : []),
    `kinds: ${sizes.map((_, axis) => (axis < space.length ? 'domain' : 'list')).join(' ')}`,
    ...(data.BYTES_PER_ELEMENT > 1 ? ['endian: little'] : []),
    'encoding: gzip',
    ...(geometry ? [`space origin: ${vector(geometry.originMm)}`] : []),
    '\n',
  ].join('\n')
}
