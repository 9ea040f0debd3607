import { type Area, type HypothesisCase, pictureColour } from './cases.js'
import { contourRings } from './contour.js'
import { magma, modelColour, modelRgb, type Painter, probabilityGrey, raterColours } from './palette.js'
import { pixelsToDataUri } from './raster.js'
import { type Child, el, type Markup, ringsPath } from './svg.js'

/** A square place on the page that shows an area of the image. Positions inside it are from its corner. */
export interface View {
  readonly item: HypothesisCase
  readonly area: Area
  readonly size: number
}

/** Places content as a tile: a dark ground, clipped to the square, with a thin frame. */
export function tile(
  paint: Painter,
  x: number,
  y: number,
  size: number,
  ...content: readonly Child[]
): Markup {
  return el(
    'svg',
    { x, y, width: size, height: size, viewBox: `0 0 ${size} ${size}`, overflow: 'hidden' },
    el('rect', { width: size, height: size, ...paint.fill('tile') }),
    content,
    el('rect', { x: 0.5, y: 0.5, width: size - 1, height: size - 1, ...paint.stroke('frame') }),
  )
}

/** Scale and offset that fit the area into the tile, centred. */
function fit(view: View): { scale: number; x: number; y: number } {
  const { area, size } = view
  const scale = size / Math.max(area.width, area.height)
  return { scale, x: (size - area.width * scale) / 2, y: (size - area.height * scale) / 2 }
}

/** The area as whole pixels, coloured by a function of the pixel's index (red, green, blue, opacity 0 to 255). */
export async function pixelLayer(view: View, colour: (index: number) => readonly number[]): Promise<Markup> {
  const { area, item } = view
  const pixels = new Uint8Array(area.width * area.height * 4)
  for (let y = 0; y < area.height; y++) {
    for (let x = 0; x < area.width; x++) {
      const [r = 0, g = 0, b = 0, opacity = 255] = colour((area.y + y) * item.image.width + area.x + x)
      pixels.set([r, g, b, opacity], (y * area.width + x) * 4)
    }
  }
  const { scale, x, y } = fit(view)
  return el('image', {
    x,
    y,
    width: area.width * scale,
    height: area.height * scale,
    class: 'px',
    'image-rendering': 'optimizeSpeed',
    preserveAspectRatio: 'none',
    href: await pixelsToDataUri(pixels, area.width, area.height),
  })
}

/** SVG path of the outline at a level, in tile coordinates; empty where nothing is above it. */
export function outlinePath(view: View, values: ArrayLike<number>, level: number): string {
  const { width, height } = view.item.image
  const { scale, x, y } = fit(view)
  const rings = contourRings(values, width, height, level).map((ring) =>
    ring.map((value, i) =>
      i % 2 === 0 ? (value - view.area.x) * scale + x : (value - view.area.y) * scale + y,
    ),
  )
  return ringsPath(rings)
}

export const imageLayer = (view: View) => pixelLayer(view, (i) => pictureColour(view.item.image, i))

export const probabilityLayer = (view: View, values: Float32Array) =>
  pixelLayer(view, (i) => probabilityGrey(values[i]!))

export const heatLayer = (view: View, values: Float32Array) => pixelLayer(view, (i) => magma(values[i]!))

/** Opacity of the veil where the probability is 1: the tissue below stays visible. */
export const veilOpacity = 0.36

/** Probability as a veil in the model's colour over the image, and its outline at 0.5. */
export async function modelLayer(view: View, values: ArrayLike<number>): Promise<Markup[]> {
  const veil = await pixelLayer(view, (i) => [
    ...modelRgb,
    Math.round(255 * veilOpacity * Math.min(1, Math.max(0, values[i] || 0))),
  ])
  return [veil, contourLine(view, values, modelColour)]
}

/** The outline at 0.5, with a dark edge so that it is seen on bright tissue too. */
export function contourLine(view: View, values: ArrayLike<number>, colour: string, width = 1.8): Markup {
  const d = outlinePath(view, values, 0.5)
  const line = { d, fill: 'none', 'stroke-linejoin': 'round' }
  return el(
    'g',
    {},
    el('path', { ...line, stroke: '#000', 'stroke-opacity': 0.55, 'stroke-width': width + 1.8 }),
    el('path', { ...line, stroke: colour, 'stroke-width': width }),
  )
}

/**
 * Outlines of all raters. Each is drawn at another level of its 0/1 mask, which moves it by less than half
 * a pixel: where raters agree their lines lie side by side instead of hiding each other.
 */
export function raterLayer(view: View): Markup {
  const { raters } = view.item
  const lines = raters.map((mask, rater) => {
    const binary = mask.map((value) => (value ? 1 : 0))
    const level = raters.length === 1 ? 0.5 : 0.1 + (0.8 * rater) / (raters.length - 1)
    return { d: outlinePath(view, binary, level), fill: 'none', 'stroke-linejoin': 'round' }
  })
  return el(
    'g',
    {},
    lines.map((line) => el('path', { ...line, stroke: '#000', 'stroke-opacity': 0.45, 'stroke-width': 3 })),
    lines.map((line, rater) => el('path', { ...line, stroke: raterColour(rater), 'stroke-width': 1.3 })),
  )
}

export const raterColour = (rater: number) => raterColours[rater % raterColours.length]!

/** A filled mask with smooth edges, for tiles too small for whole pixels. */
export function maskLayer(view: View, mask: Uint8Array): Markup {
  const binary = mask.map((value) => (value ? 1 : 0))
  return el('path', { d: outlinePath(view, binary, 0.5), fill: '#fff', 'fill-rule': 'evenodd' })
}

/** A short note in the corner of a tile, readable on any image. */
export function tileNote(text: string, x: number, y: number, size: number): Markup {
  const font = { x, y, 'font-size': size, 'font-weight': 600 }
  return el(
    'g',
    {},
    el('text', { ...font, fill: '#000', stroke: '#000', 'stroke-width': 3, 'stroke-opacity': 0.6 }, text),
    el('text', { ...font, fill: '#fff' }, text),
  )
}
