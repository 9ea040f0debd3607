import { arange, cat, operator, type Tensor, tensor } from '@septum/torch'

/** Multipliers and shifts of a 32-bit mixing function without known bias (C. Wellons, "Prospecting for hash functions"). */
const MULTIPLIER_1 = 0x7feb352d
const MULTIPLIER_2 = 0x846ca68b | 0

/** h ^= h >>> bits, for int32: the sign must not be drawn in. */
function xorShift(h: Tensor, bits: number): Tensor {
  const low = h.bitwiseRightShift(bits).bitwiseAnd(2 ** (32 - bits) - 1)
  return bitwiseXor(h, low)
}

const bitwiseXor = (a: Tensor, b: Tensor): Tensor => operator('aten::bitwise_xor.Tensor').one(a, b)

/** Mixes int32 values well. Products keep their low 32 bits, as everywhere. */
function mix(h: Tensor): Tensor {
  const once = xorShift(h, 16).mul(MULTIPLIER_1)
  const twice = xorShift(once, 15).mul(MULTIPLIER_2)
  return xorShift(twice, 16)
}

/**
 * Standard normal noise as a function of seed and position alone: whatever the device, the other cases of the batch or
 * the state of a generator, so that a logged batch can be made again.
 * @param seeds one a case, whole numbers in [0, 2^31). @returns [N, count] float32, |x| < 5.8.
 */
export function noiseField(seeds: readonly number[], count: number, device: string): Tensor {
  const pairs = Math.ceil(count / 2)
  const keys = tensor(Int32Array.from(seeds), { shape: [seeds.length, 1], device })
  // Two rounds: the seed is mixed by itself, then with each position.
  const start = mix(keys)
  const positions = arange(0, 2 * pairs, 1, { dtype: 'int32', device }).view([1, 2 * pairs])
  const bits = mix(bitwiseXor(mix(positions), start))
    .bitwiseAnd(0xffffff)
    .float()
  const radius = bits
    .narrow(1, 0, pairs)
    .add(1)
    .mul_(2 ** -24)
    .log()
    .mul_(-2)
    .sqrt_()
  const angle = bits.narrow(1, pairs, pairs).mul(2 * Math.PI * 2 ** -24)
  // Box and Muller: two independent normal numbers from two uniform ones.
  return cat([angle.cos().mul_(radius), angle.sin().mul_(radius)], 1).narrow(1, 0, count)
}
