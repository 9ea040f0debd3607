/**
 * Orange and blue of Okabe and Ito's palette: told apart with every kind of colour blindness, and both lie well above
 * the greys of an image. The raters also differ by their dashes.
 */
export const modelColour = '#e69f00'
export const raterColour = '#56b4e9'
export const raterDashes: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [9, 3, 2, 3]]
export const frameColour = '#ffffff'

/** Inferno of matplotlib at eight equal steps: lightness rises all the way, so that it reads without colour too. */
const inferno = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
] as const

/** @param value in [0, 1]. @returns red, green, blue in [0, 255]. */
export function heat(value: number): readonly [number, number, number] {
  const at = Math.min(1, Math.max(0, value)) * (inferno.length - 1)
  const low = Math.min(inferno.length - 2, Math.floor(at))
  const [a, b, w] = [inferno[low]!, inferno[low + 1]!, at - low]
  return [0, 1, 2].map((c) => Math.round(a[c]! + (b[c]! - a[c]!) * w)) as unknown as [number, number, number]
}

/** How much of the heat map hides the image: certain pixels leave it clear. */
export const heatAlpha = (value: number): number => Math.min(1, value * 2.5)
