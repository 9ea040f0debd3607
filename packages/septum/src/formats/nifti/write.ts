import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { checkImage, type MedicalImage, SeptumError } from '@septum/core'
import { bytesOfSamples, type SampleType, typeOfSamples } from '../volume/samples.js'
import { writeWhole } from '../write.js'
import { storedOrientation } from './orientation.js'

const DATA_START = 352
const codes: Readonly<Partial<Record<SampleType, readonly [code: number, bits: number]>>> = {
  uint8: [2, 8],
  int16: [4, 16],
  int32: [8, 32],
  float32: [16, 32],
  float64: [64, 64],
  int8: [256, 8],
  uint16: [512, 16],
  uint32: [768, 32],
}

/**
 * An image as NIfTI-1: samples as they are, channels as fourth dimension, little-endian, no name, text or date.
 * Orientation goes into the sform and, if a quaternion can say it within 1e-5, into the qform; without geometry both codes
 * are 0 and the spacing is 1.
 * @throws SeptumError of `checkImage`; `volume-write` for an axis beyond 32,767, which NIfTI-1 cannot say.
 */
export function encodeNifti(image: MedicalImage): Buffer {
  const { data, shape, geometry } = checkImage(image)
  const [channels, ...space] = shape as [number, ...number[]]
  const sizes = space.reverse()
  if (channels > 1) sizes.push(...(sizes.length === 2 ? [1, channels] : [channels]))
  if (sizes.some((size) => size > 32_767)) {
    throw new SeptumError(
      'volume-write',
      `NIfTI-1 cannot hold ${sizes.join(' x ')} samples: an axis has at most 32767`,
      'Write it as .nrrd or .mha.',
    )
  }
  const out = Buffer.alloc(DATA_START + data.byteLength)
  out.writeInt32LE(348, 0)
  out[38] = 0x72 // 'r', which ANALYZE readers expect
  ;[sizes.length, ...sizes, 1, 1, 1, 1, 1].slice(0, 8).forEach((size, i) => {
    out.writeInt16LE(size, 40 + 2 * i)
  })
  const [code, bits] = codes[typeOfSamples(data)]!
  out.writeInt16LE(code, 70)
  out.writeInt16LE(bits, 72)
  const spacing = geometry ? [...geometry.spacingMm].reverse() : []
  for (let i = 1; i < 8; i++) out.writeFloatLE(spacing[i - 1] ?? 1, 76 + 4 * i)
  out.writeFloatLE(1, 76)
  out.writeFloatLE(DATA_START, 108)
  out.writeFloatLE(1, 112)
  out[123] = 2 // millimetres
  if (geometry) {
    const { affine, quaternion, qfac, exact } = storedOrientation(geometry)
    out.writeFloatLE(qfac, 76)
    out.writeInt16LE(exact ? 1 : 0, 252)
    out.writeInt16LE(1, 254)
    const origin = [affine[3]!, affine[7]!, affine[11]!]
    ;[...quaternion, ...origin].forEach((value, i) => {
      out.writeFloatLE(value, 256 + 4 * i)
    })
    for (let i = 0; i < 12; i++) out.writeFloatLE(affine[i]!, 280 + 4 * i)
  }
  out.write('n+1\0', 344, 'latin1')
  out.set(bytesOfSamples(data), DATA_START)
  return out
}

/**
 * Writes an image as .nii, or compressed if the name ends in .gz; label masks, probability and uncertainty maps
 * alike. The file appears whole or not at all.
 * @throws SeptumError as `encodeNifti`; `write-failed`.
 */
export async function writeNifti(file: string, image: MedicalImage): Promise<void> {
  const bytes = encodeNifti(image)
  await writeWhole(file, /\.gz$/i.test(file) ? await promisify(gzip)(bytes) : bytes)
}
