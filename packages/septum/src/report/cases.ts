import { SeptumError } from '@septum/core'

/** A picture to draw, row-major [height, width] (grey) or [height, width, 3] (RGB); floats in [0, 1], bytes in [0, 255]. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Float32Array | Uint8Array
}

/** A rectangle of image pixels. */
export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** One image with everything that was said about it. All maps are row-major [height, width]. */
export interface HypothesisCase {
  readonly name: string
  readonly image: Picture
  /** One mask per rater, non-zero = marked; all zero where a rater marked nothing. */
  readonly raters: readonly Uint8Array[]
  /** One sampled mask from coarse to fine: a label such as `3x3`, and probabilities in [0, 1]. */
  readonly stages: readonly { readonly label: string; readonly probabilities: Float32Array }[]
  /** Sampled masks, non-zero = foreground. */
  readonly samples: readonly Uint8Array[]
  /** Probability of the foreground after fusing the samples, [0, 1]. */
  readonly consensus: Float32Array
  /** Uncertainty in [0, 1] of the unit that the figure names. */
  readonly uncertainty: Float32Array
  /** Numbers of this case, in the order in which they are shown, e.g. `{ GED: 0.21 }`. */
  readonly scores: Readonly<Record<string, number>>
  /** What the enlarged tiles show. Default `auto`: a square around all marks. */
  readonly crop?: Area | 'auto' | 'whole'
}

/** @throws SeptumError `figure-size` when a map does not fit its image, `figure-crop` when the crop leaves it. */
export function checkCase(item: HypothesisCase): void {
  const { width, height, data } = item.image
  const pixels = width * height
  const fail = (what: string, length: number): never => {
    throw new SeptumError(
      'figure-size',
      `The ${what} holds ${length} values, which does not fit an image of ${width} x ${height} pixels`,
      'Give every map of a case at the size of its image.',
      { case: item.name },
    )
  }
  if (pixels === 0 || (data.length !== pixels && data.length !== 3 * pixels)) fail('image', data.length)
  const maps: [string, ArrayLike<number>][] = [
    ...item.raters.map((mask, i): [string, Uint8Array] => [`mask of rater ${i + 1}`, mask]),
    ...item.stages.map((stage): [string, Float32Array] => [`stage ${stage.label}`, stage.probabilities]),
    ...item.samples.map((mask, i): [string, Uint8Array] => [`sample ${i + 1}`, mask]),
    ['consensus', item.consensus],
    ['uncertainty', item.uncertainty],
  ]
  for (const [what, map] of maps) if (map.length !== pixels) fail(what, map.length)
  if (typeof item.crop !== 'object') return
  const { x, y, width: w, height: h } = item.crop
  if (
    ![x, y, w, h].every(Number.isInteger) ||
    x < 0 ||
    y < 0 ||
    w < 1 ||
    h < 1 ||
    x + w > width ||
    y + h > height
  ) {
    throw new SeptumError(
      'figure-crop',
      `A crop of ${w} x ${h} pixels at (${x}, ${y}) does not lie in an image of ${width} x ${height} pixels`,
      'Give whole pixels inside the image, or `auto`.',
      { case: item.name },
    )
  }
}

/** The whole image. */
export function wholeArea(image: Picture): Area {
  return { x: 0, y: 0, width: image.width, height: image.height }
}

/**
 * The square that the enlarged tiles show: all that raters marked and the samples agree on (consensus of at
 * least 0.2), with a margin of a quarter of their extent on each side, at least 32 pixels wide, inside the image.
 * The whole image where nothing is marked or the marks need it.
 */
export function lesionArea(item: HypothesisCase): Area {
  if (typeof item.crop === 'object') return item.crop
  const { width, height } = item.image
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let i = 0; i < width * height; i++) {
    if (!(item.consensus[i]! >= 0.2) && !item.raters.some((mask) => mask[i])) continue
    const [x, y] = [i % width, Math.floor(i / width)]
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  const extent = Math.max(right - left, bottom - top) + 1
  const side = Math.max(32, Math.ceil((extent * 1.5) / 4) * 4)
  if (item.crop === 'whole' || right < 0 || side >= Math.min(width, height)) return wholeArea(item.image)
  const place = (low: number, high: number, size: number) =>
    Math.min(size - side, Math.max(0, Math.round((low + high + 1 - side) / 2)))
  return { x: place(left, right, width), y: place(top, bottom, height), width: side, height: side }
}

/** Red, green and blue of a picture's pixel, 0 to 255. */
export function pictureColour(image: Picture, index: number): readonly [number, number, number] {
  const { data, width, height } = image
  const scale = data instanceof Float32Array ? 255 : 1
  const byte = (at: number) => Math.round(Math.min(255, Math.max(0, (data[at] || 0) * scale)))
  if (data.length === width * height) return [byte(index), byte(index), byte(index)]
  return [byte(3 * index), byte(3 * index + 1), byte(3 * index + 2)]
}
