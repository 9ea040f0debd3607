import { readFileSync } from 'node:fs'
import { type Tensor, tensor } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { edgeCounted, edgeTarget } from './edge-target.js'
import { exclusiveLoss } from './exclusive-loss.js'
import { type MaskLossOptions, maskLoss } from './mask-loss.js'
import { contourWeights, structureLoss } from './structure-loss.js'
import { classTargets, countedSamples } from './targets.js'

interface Fixture {
  readonly shape: readonly number[]
  readonly labels: readonly number[]
  readonly regions: readonly (readonly number[])[]
  readonly cases: readonly {
    readonly name: string
    readonly channels: number
    readonly seed: number
    readonly value: number
    readonly norm: number
    readonly places: readonly number[]
    readonly gradient: readonly number[]
  }[]
}

const { shape, labels, regions, cases } = JSON.parse(
  readFileSync(new URL('./fixtures/ignored.json', import.meta.url), 'utf8'),
) as Fixture
const masks = tensor(labels, { shape, dtype: 'uint8' })
const counted = countedSamples(masks, { ignores: true })!
const plain = classTargets(masks, 2)
const overlapping = classTargets(masks, { classes: ['whole', 'core'], regions })

const options = (some: Partial<MaskLossOptions>): MaskLossOptions => ({
  loss: 'dice-bce',
  diceWeight: 1,
  bceWeight: 1,
  dice: 'case',
  backgroundWeight: 1,
  structureBce: 'weighted',
  ...some,
})

const losses: Readonly<Record<string, (logits: Tensor) => { readonly total: Tensor }>> = {
  'structure weighted': (x) => structureLoss(x, overlapping, { counted }),
  'structure released': (x) => structureLoss(x, plain, { bce: 'released', counted }),
  'dice case': (x) => maskLoss(x, overlapping, options({}), counted),
  'dice batch': (x) => maskLoss(x, plain, options({ dice: 'batch', backgroundWeight: 0.5 }), counted),
  'dice batch-squared': (x) => maskLoss(x, plain, options({ dice: 'batch-squared' }), counted),
  'exclusive case': (x) => exclusiveLoss(x, plain, options({}), counted),
  'exclusive batch': (x) =>
    exclusiveLoss(x, plain, options({ dice: 'batch', backgroundWeight: 0.4 }), counted),
  'exclusive batch-squared': (x) => exclusiveLoss(x, plain, options({ dice: 'batch-squared' }), counted),
}

/** The rule of `ignored.py`. */
const logitsOf = (channels: number, seed: number): Tensor => {
  const [n, , height, width] = shape as [number, number, number, number]
  const values = Array.from(
    { length: n * channels * height * width },
    (_, i) => (((i * 7919 + seed * 613) % 2003) / 2003) * 8 - 4,
  )
  return tensor(values, { shape: [n, channels, height, width] })
}

describe('what is ignored has neither loss nor gradient, as in PyTorch with such pixels taken out', () => {
  it.each(cases)('$name', ({ name, channels, seed, value, norm, places, gradient }) => {
    const logits = logitsOf(channels, seed).requiresGrad_()
    const { total } = losses[name]!(logits)
    expect(total.item()).toBeCloseTo(value, 4)
    total.backward()
    const grad = logits.grad!
    expect(grad.mul(counted.neg().add(1)).abs().amax().item()).toBe(0)
    expect(Math.abs(grad.mul(grad).sum().sqrt().item() - norm)).toBeLessThan(1e-4 * norm)
    const flat = grad.flatten().toTypedArray() as Float32Array
    for (const [i, place] of places.entries())
      expect(Math.abs(flat[place]! - gradient[i]!)).toBeLessThan(2e-5 * norm)
  })

  it.each(Object.entries(losses))('nothing counts: %s is finite without gradient', (name, loss) => {
    const { channels, seed } = cases.find((one) => one.name === name)!
    counted.mul_(0)
    try {
      const logits = logitsOf(channels, seed).requiresGrad_()
      const { total } = loss(logits)
      expect(total.item()).toBeCloseTo(0, 5)
      total.backward()
      expect(logits.grad!.abs().amax().item()).toBe(0)
    } finally {
      counted.copy_(countedSamples(masks, { ignores: true })!)
    }
  })
})

it('weights of contours without an ignored pixel are those of the paper', () => {
  const all = counted.mul(0).add(1)
  expect(contourWeights(plain, all).sub(contourWeights(plain)).abs().amax().item()).toBeLessThan(1e-5)
})

it('contours are known but beside ignored pixels', () => {
  const mask = [
    [0, 0, 0, 0, 0, 0],
    [0, 1, 1, 1, 0, 0],
    [0, 1, 1, 1, 0, 0],
    [0, 1, 1, 1, 0, 0],
    [0, 0, 0, 0, 0, 0],
  ]
  // One ignored pixel at row 2, column 4: columns 3 to 5 of rows 1 to 3 are unknown.
  const keep = mask.map((row, y) => row.map((_, x) => (y === 2 && x === 4 ? 0 : 1)))
  const known = mask.map((row, y) => row.map((_, x) => (y >= 1 && y <= 3 && x >= 3 ? 0 : 1)))
  const of = (rows: number[][]) => tensor(rows.flat(), { shape: [1, 1, 5, 6] })
  expect([...edgeCounted(of(keep))!.toTypedArray()]).toEqual(known.flat())
  expect(edgeCounted(null)).toBeNull()
  // What the edge of the mask itself is, is not touched by it: all but its middle.
  expect(edgeTarget(of(mask)).sum().item()).toBe(8)
})
