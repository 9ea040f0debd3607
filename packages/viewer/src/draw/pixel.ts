import { type Region, squareAround } from './outline.js'

/** Height and width of a pixel as it is drawn, the smaller of them 1. */
export type PixelShape = readonly [number, number]

/** The shape that shows true proportions. @param spacing [y, x]; null: not known, squares. */
export function pixelShape(spacing: readonly [number, number] | null): PixelShape {
  if (!spacing) return [1, 1]
  const [height, width] = spacing
  const least = Math.min(height, width)
  return [height / least, width / least]
}

/** As `squareAround`, a square to the eye: in pixels that are no squares it has unequal sides. */
export function shownSquareAround(
  region: Region | null,
  [rows, columns]: readonly [number, number],
  [height, width]: PixelShape,
): Region {
  const drawn = region && scaled(region, height, width)
  return scaled(squareAround(drawn, [rows * height, columns * width]), 1 / height, 1 / width)
}

const scaled = ({ left, top, width, height }: Region, y: number, x: number): Region => ({
  left: left * x,
  top: top * y,
  width: width * x,
  height: height * y,
})
