import { Random } from '@septum/core'

/** Smooth random field: a sum of plane waves, about standard normal. */
function waves(random, longest, shortest) {
  const parts = Array.from({ length: 24 }, () => {
    const length = shortest * (longest / shortest) ** random.uniform()
    const [direction, phase] = [6.283 * random.uniform(), 6.283 * random.uniform()]
    const k = 6.283 / length
    return [k * Math.cos(direction), k * Math.sin(direction), phase]
  })
  return (y, x) =>
    parts.reduce((sum, [a, b, phase]) => sum + Math.cos(a * y + b * x + phase), 0) / Math.sqrt(12)
}

/**
 * Prediction and reference of gland-like tissue as probability maps in bytes, [side, side] each: one smooth field, a
 * second one added to the prediction, and noise on the background as a network leaves it.
 */
export function tissuePair(side) {
  const random = new Random(21)
  const [common, own] = [waves(random, 90, 14), waves(random, 40, 8)]
  const map = (weight, noise) =>
    Uint8Array.from({ length: side * side }, (_, i) => {
      const [y, x] = [Math.floor(i / side), i % side]
      const value = common(y, x) + weight * own(y, x) + noise * random.normal()
      return Math.round(255 / (1 + Math.exp(-4 * value)))
    })
  return [map(0.35, 0.25), map(0, 0)]
}

/** Predicted and true nuclei, one number each, [side, side] in 16 bits: discs that wander, and a few that only one side has. */
export function nucleiPair(side, count) {
  const random = new Random(22)
  const [p, g] = [new Uint16Array(side * side), new Uint16Array(side * side)]
  const paint = (map, label, y, x, radius) => {
    for (let row = Math.max(0, Math.ceil(y - radius)); row < side && row <= y + radius; row++)
      for (let column = Math.max(0, Math.ceil(x - radius)); column < side && column <= x + radius; column++)
        if (Math.hypot(row - y, column - x) <= radius) map[row * side + column] = label
  }
  for (let label = 1; label <= count; label++) {
    const [y, x, radius] = [side * random.uniform(), side * random.uniform(), 5 + 9 * random.uniform()]
    const side1 = random.uniform()
    if (side1 < 0.95) paint(g, label, y, x, radius)
    if (side1 > 0.05)
      paint(p, label, y + 2 * random.normal(), x + 2 * random.normal(), radius + random.normal())
  }
  return [p, g]
}
