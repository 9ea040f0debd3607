import { checkImage, type MedicalImage, SeptumError } from '@septum/core'
import { bytesOfSamples, type SampleType, typeOfSamples } from '../volume/samples.js'
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
 * An image as NIfTI-1: samples as they are, channels as fourth dimension, little-endian, no name or date.
 * Orientation goes into the sform and, if a quaternion can say it within 1e-5, into the qform; without geometry both codes
 * are 0 and the spacing is 1.
 * @param description at most 79 characters of ASCII, for the header's `descrip`.
 * @throws SeptumError of `checkImage`; `volume-write` for an axis beyond 32,767, which NIfTI-1 cannot say.
 */
export function niftiBytes(image: MedicalImage, description = ''): Uint8Array {
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
  const out = new Uint8Array(DATA_START + data.byteLength)
  const view = new DataView(out.buffer)
  const int16 = (value: number, at: number) => view.setInt16(at, value, true)
  const float = (value: number, at: number) => view.setFloat32(at, value, true)
  view.setInt32(0, 348, true)
  out[38] = 0x72 // 'r', which ANALYZE readers expect
  ;[sizes.length, ...sizes, 1, 1, 1, 1, 1].slice(0, 8).forEach((size, i) => {
    int16(size, 40 + 2 * i)
  })
  const [code, bits] = codes[typeOfSamples(data)]!
  int16(code, 70)
  int16(bits, 72)
  const spacing = geometry ? [...geometry.spacingMm].reverse() : []
  for (let i = 1; i < 8; i++) float(spacing[i - 1] ?? 1, 76 + 4 * i)
  float(1, 76)
  float(DATA_START, 108)
  float(1, 112)
  out[123] = 2 // millimetres
  if (geometry) {
    const { affine, quaternion, qfac, exact } = storedOrientation(geometry)
    float(qfac, 76)
    int16(exact ? 1 : 0, 252)
    int16(1, 254)
    const origin = [affine[3]!, affine[7]!, affine[11]!]
    ;[...quaternion, ...origin].forEach((value, i) => {
      float(value, 256 + 4 * i)
    })
    for (let i = 0; i < 12; i++) float(affine[i]!, 280 + 4 * i)
  }
  out.set(ascii(description).subarray(0, 79), 148)
  out.set(ascii('n+1'), 344)
  out.set(bytesOfSamples(data), DATA_START)
  return out
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text.replaceAll(/[^\x20-\x7e]/g, '?'))
