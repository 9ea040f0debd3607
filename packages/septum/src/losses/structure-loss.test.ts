import { rand, tensor, zeros } from '@septum/torch'
import { expect, it } from 'vitest'
import { contourWeights, structureLoss } from './structure-loss.js'

const image = (rows: number[][]) => tensor(rows.flat(), { shape: [1, 1, rows.length, rows[0]!.length] })
const square = [
  [0, 0, 0, 0],
  [0, 1, 1, 0],
  [0, 1, 1, 0],
  [0, 0, 0, 0],
]
const signed = square.map((row) => row.map((v) => (v ? 2 : -2)))
const wrongCorner = signed.map((row, y) => row.map((v, x) => (x + y === 0 ? 2 : v)))

// Worked values computed with PyTorch 1.13 by the released formula and by the meant one.
it.each([
  ['all 0', square.map((row) => row.map(() => 0)), Math.LN2, Math.LN2, 0.582548],
  ['right everywhere', signed, 0.126928, 0.126928, 0.163444],
  ['one wrong corner', wrongCorner, 0.251928, 0.183379, 0.187395],
])('%s: cross-entropy as released and as meant, and IoU', (_, logits, released, meant, iou) => {
  const mask = image(square)
  const asReleased = structureLoss(image(logits), mask, { bce: 'released' })
  const asMeant = structureLoss(image(logits), mask)
  expect(asReleased.bce.item()).toBeCloseTo(released, 5)
  expect(asMeant.bce.item()).toBeCloseTo(meant, 5)
  expect(asMeant.iou.item()).toBeCloseTo(iou, 5)
  expect(asReleased.iou.item()).toBeCloseTo(iou, 5)
  expect(asMeant.total.item()).toBeCloseTo(meant + iou, 5)
})

it('weighs contours: 1 + 5 |mean over 961 pixels - mask|', () => {
  const small = contourWeights(image(square)).flatten()
  expect(small.select(0, 0).item()).toBeCloseTo(1 + (5 * 4) / 961, 5)
  expect(small.select(0, 5).item()).toBeCloseTo(1 + 5 * (1 - 4 / 961), 5)
  const rows = Array.from({ length: 64 }, (_, y) =>
    Array.from({ length: 64 }, (_, x) => (y >= 16 && y < 48 && x >= 16 && x < 48 ? 1 : 0)),
  )
  const large = contourWeights(image(rows))
  const at = (y: number, x: number) => large.select(2, y).select(2, x).item()
  // Far from the contour the window is all background, or all square.
  expect(at(0, 0)).toBeCloseTo(1, 5)
  expect(at(32, 32)).toBeCloseTo(1, 5)
  // The window of the square's corner holds 16 x 16 of its pixels, that of its edge's middle 16 x 31.
  expect(at(16, 16)).toBeCloseTo(1 + 5 * (1 - 256 / 961), 5)
  expect(at(16, 32)).toBeCloseTo(1 + 5 * (1 - 496 / 961), 5)
  expect(large.mean().item()).toBeCloseTo(2.063345, 4)
})

it('has 8/9 for the IoU of an empty 4x4 mask at probability one half, and 0 for a sure one', () => {
  const empty = zeros([1, 1, 4, 4])
  const half = structureLoss(empty, empty)
  expect(half.bce.item()).toBeCloseTo(Math.log(2), 5)
  expect(half.iou.item()).toBeCloseTo(8 / 9, 5)
  expect(structureLoss(empty.sub(20), empty).total.item()).toBeCloseTo(0, 6)
})

it('is the mean over images and classes, each with sums of its own', () => {
  const [logits, mask] = [rand([2, 3, 9, 7]).sub(0.5).mul(4), rand([2, 3, 9, 7]).gt(0.6).float()]
  const whole = structureLoss(logits, mask)
  let [iou, bce] = [0, 0]
  for (let n = 0; n < 2; n++) {
    for (let k = 0; k < 3; k++) {
      const one = (t: typeof mask) => t.narrow(0, n, 1).narrow(1, k, 1)
      const part = structureLoss(one(logits), one(mask))
      iou += part.iou.item() / 6
      bce += part.bce.item() / 6
    }
  }
  expect(whole.iou.item()).toBeCloseTo(iou, 5)
  expect(whole.bce.item()).toBeCloseTo(bce, 5)
})
