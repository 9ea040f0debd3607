import { compressed } from './png.js'

const dataStart = 352
const uint8Code = 2
const float32Code = 16
const millimetres = 2

/**
 * A picture's map as gzipped NIfTI-1, [W, H, 1] with x fastest. A picture does not say how it lies in the patient, so
 * that the file gives sizes of pixels and no orientation (qform and sform code 0).
 * @param map [H * W]. @param spacing [y, x] in mm; null: 1 without a unit.
 */
export function niftiOf(
  map: Uint8Array | Float32Array,
  [height, width]: readonly [number, number],
  spacing: readonly [number, number] | null,
  description: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(dataStart + map.byteLength)
  const view = new DataView(bytes.buffer)
  const float = map instanceof Float32Array
  view.setInt32(0, 348, true)
  const sizes = [3, width, height, 1, 1, 1, 1, 1]
  for (const [i, size] of sizes.entries()) view.setInt16(40 + 2 * i, size, true)
  view.setInt16(70, float ? float32Code : uint8Code, true)
  view.setInt16(72, float ? 32 : 8, true)
  const [dy, dx] = spacing ?? [1, 1]
  for (const [i, step] of [1, dx, dy, 1].entries()) view.setFloat32(76 + 4 * i, step, true)
  view.setFloat32(108, dataStart, true)
  view.setFloat32(112, 1, true)
  bytes[123] = spacing ? millimetres : 0
  bytes.set(new TextEncoder().encode(description).subarray(0, 79), 148)
  bytes.set([0x6e, 0x2b, 0x31, 0], 344)
  bytes.set(new Uint8Array(map.buffer, map.byteOffset, map.byteLength), dataStart)
  return compressed(bytes, 'gzip')
}
