const EPSILON = 2 ** -52

/**
 * Enhanced-alignment measure of a binary map (Fan et al., IJCAI 2018). Only four different values occur in
 * its matrix, so the pixel counts suffice. The sum is divided by pixels - 1, as every released program
 * does: a perfect map scores pixels / (pixels - 1), slightly above 1.
 * @param hit marked in both. @param wrong marked in the prediction only.
 * @param marked marked in the reference. @param pixels of the image.
 */
export function enhancedAlignment(hit: number, wrong: number, marked: number, pixels: number): number {
  const found = hit + wrong
  const divisor = pixels - 1 + EPSILON
  if (marked === 0) return (pixels - found) / divisor
  if (marked === pixels) return found / divisor
  const meanFound = found / pixels
  const meanMarked = marked / pixels
  const missed = marked - hit
  const sum =
    hit * enhanced(1 - meanFound, 1 - meanMarked) +
    wrong * enhanced(1 - meanFound, -meanMarked) +
    missed * enhanced(-meanFound, 1 - meanMarked) +
    (pixels - found - missed) * enhanced(-meanFound, -meanMarked)
  return sum / divisor
}

/** Alignment of two bias values, (a + 1)^2 / 4 with a = 2fh / (f^2 + h^2). */
function enhanced(f: number, h: number): number {
  const alignment = (2 * f * h) / (f * f + h * h + EPSILON)
  return (alignment + 1) ** 2 / 4
}
