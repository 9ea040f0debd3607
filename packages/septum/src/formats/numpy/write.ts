import { checkImage, type MedicalImage } from '@septum/core'
import { bytesOfSamples, type SampleType, typeOfSamples } from '../volume/samples.js'
import { writeWhole } from '../write.js'

const codes: Readonly<Partial<Record<SampleType, string>>> = {
  uint8: '|u1',
  int8: '|i1',
  uint16: '<u2',
  int16: '<i2',
  uint32: '<u4',
  int32: '<i4',
  float32: '<f4',
  float64: '<f8',
}

/**
 * Writes an image as .npy of its shape, [C, H, W] or [C, D, H, W]; one channel is left out, so that it is read as
 * [H, W] or [D, H, W]. A .npy file keeps no geometry.
 * @throws SeptumError of `checkImage`, `write-failed`.
 */
export async function writeNpy(file: string, image: MedicalImage): Promise<void> {
  const { data, shape } = checkImage(image)
  const axes = shape[0] === 1 ? shape.slice(1) : shape
  const text = `{'descr': '${codes[typeOfSamples(data)]}', 'fortran_order': False, 'shape': (${axes.join(', ')}), }`
  // numpy.lib.format: the header ends in a newline and is padded so that the samples begin at a multiple of 64.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10
  const head = Buffer.alloc(10)
  head.write('\x93NUMPY\x01\x00', 'latin1')
  head.writeUInt16LE(length, 8)
  const header = Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1')
  await writeWhole(file, Buffer.concat([head, header, bytesOfSamples(data)]))
}
