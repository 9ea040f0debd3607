import { type Loop, outlines, type Region } from '../draw/outline.js'
import type { PixelShape } from '../draw/pixel.js'
import { type Contour, drawScene, fitted, type Scene } from '../draw/scene.js'

/** Canvas pixels of a small picture: sharp on dense screens too. */
const side = 192

/** Draws one small picture: a part of the image with masks on it. */
export function drawThumbnail(
  canvas: HTMLCanvasElement,
  scene: Scene,
  region: Region,
  pixel: PixelShape,
): void {
  if (canvas.width !== side) {
    canvas.width = side
    canvas.height = side
  }
  // Lines are as wide as on the large picture, measured in the page's pixels.
  const shown = canvas.clientWidth || side / 2
  drawScene(canvas.getContext('2d')!, scene, fitted(region, shown, shown, pixel), side / shown)
}

/** Masks are never changed in place, so that an outline is traced once. */
const traced = new WeakMap<ArrayLike<number>, readonly Loop[]>()

export function contour(
  mask: Uint8Array,
  size: readonly [number, number],
  style: Omit<Contour, 'loops'>,
): Contour {
  let loops = traced.get(mask)
  if (!loops) {
    loops = outlines(mask, size)
    traced.set(mask, loops)
  }
  return { loops, ...style }
}

const cut = new WeakMap<Float32Array, Uint8Array>()

/** Pixels above one half, made once for each map. */
export function halfOf(probability: Float32Array): Uint8Array {
  let mask = cut.get(probability)
  if (!mask) {
    mask = Uint8Array.from(probability, (p) => (p > 0.5 ? 1 : 0))
    cut.set(probability, mask)
  }
  return mask
}
