import { int, type OnnxGraph } from '../onnx/graph.js'
import { floatsOf } from '../simplify.js'

/** Largest number of 16 bits. */
const LARGEST = 65504
/** Constants with fewer elements (biases, norms, single numbers) would save nothing. */
const LEAST_ELEMENTS = 256

const bits = new Uint32Array(1)
const asFloat = new Float32Array(bits.buffer)

/** A number as IEEE 754 binary16, rounded to the nearest, ties to even; beyond 65504 infinity. */
export function halfOf(value: number): number {
  asFloat[0] = value
  const x = bits[0]!
  const sign = (x >>> 16) & 0x8000
  const exponent = (x >>> 23) & 0xff
  const mantissa = x & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200)
  const e = exponent - 112
  if (e >= 31) return sign | 0x7c00
  // Below 2^-14 the leading one becomes part of the fraction.
  const shift = e <= 0 ? 14 - e : 13
  if (shift > 24) return sign
  const full = e <= 0 ? mantissa | 0x800000 : mantissa
  const kept = full >>> shift
  const rest = full & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  const up = rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0
  // A carry runs into the exponent, as it must.
  return sign | ((e <= 0 ? kept : (e << 10) | kept) + up)
}

/**
 * Stores weights in half precision. The graph brings them back to single precision when it is opened, so that every
 * operator computes as before: the one loss is that of rounding the weights.
 * @returns how many tensors are smaller now
 */
export function halveWeights(graph: OnnxGraph): number {
  let count = 0
  const casts = []
  for (const [name, value] of [...graph.initializers]) {
    if (value.type !== 'float32' || value.shape.length < 2 || value.data.length / 4 < LEAST_ELEMENTS) continue
    const floats = floatsOf(value)
    if (floats.some((x) => !(Math.abs(x) <= LARGEST))) continue
    const stored = `${name}.half`
    graph.initializers.delete(name)
    graph.initializer(stored, {
      type: 'float16',
      shape: value.shape,
      data: new Uint8Array(Uint16Array.from(floats, halfOf).buffer),
    })
    casts.push({ op: 'Cast', inputs: [stored], outputs: [name], attributes: { to: int(1) }, path: '' })
    count++
  }
  graph.nodes.unshift(...casts)
  return count
}
