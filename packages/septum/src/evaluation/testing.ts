import { writeFileSync } from 'node:fs'

/** Writes a NumPy array of 32-bit floats (NPY format version 1.0). */
export function writeArray(file: string, data: Float32Array, shape: readonly number[]): void {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`
  const head = text.padEnd(128 - 10 - 1, ' ')
  const start = Buffer.alloc(10)
  start.write('\x93NUMPY\x01\x00', 'latin1')
  start.writeUInt16LE(head.length + 1, 8)
  writeFileSync(file, Buffer.concat([start, Buffer.from(`${head}\n`, 'latin1'), Buffer.from(data.buffer)]))
}
