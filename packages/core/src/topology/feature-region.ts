import { checkConnectivity } from './components.js'
import type { GreyMap } from './pixel-order.js'

/**
 * The region of a component of a superlevel filtration: pixels connected to `birthPixel` whose value is above
 * `threshold`. With the value of the death pixel and `strict` it is the object just before it merges: neither the
 * saddle nor the older object behind it belongs to it. For the component that never dies take 0.5, not strict.
 * Only the region and its border are visited.
 * @param values [height, width], large inside objects. @param strict `>`, else `>=`.
 * @returns pixels row by row, ascending; none when the birth pixel itself is not above the threshold.
 * @throws SeptumError `topology-connectivity`.
 */
export function featureRegion(
  values: GreyMap,
  [height, width]: readonly [number, number],
  birthPixel: number,
  threshold: number,
  { connectivity, strict }: { connectivity: 4 | 8; strict: boolean },
): Int32Array {
  checkConnectivity(connectivity, 2)
  const inside = (pixel: number) => (strict ? values[pixel]! > threshold : values[pixel]! >= threshold)
  if (!inside(birthPixel)) return new Int32Array(0)
  const seen = new Set([birthPixel])
  const region = [birthPixel]
  for (let next = 0; next < region.length; next++) {
    const pixel = region[next]!
    const y = Math.floor(pixel / width)
    const x = pixel - y * width
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        if (connectivity === 4 && dy !== 0 && dx !== 0) continue
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue
        const other = pixel + dy * width + dx
        if (seen.has(other) || !inside(other)) continue
        seen.add(other)
        region.push(other)
      }
    }
  }
  return Int32Array.from(region).sort()
}
