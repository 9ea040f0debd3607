import { el, type Markup, trusted } from './svg.js'

export type Rgb = readonly [number, number, number]
export type Theme = 'auto' | 'light' | 'dark'
export type Role = keyof typeof light

/** Colours by what they are for. Line colours are Okabe and Ito's, distinguishable with any colour vision. */
export const light = {
  paper: '#ffffff',
  ink: '#16191d',
  muted: '#5f6b7a',
  rule: '#dde2e8',
  tile: '#0b0e12',
  frame: '#0b0e12',
  series0: '#0072b2',
  series1: '#d55e00',
  series2: '#007d5a',
  series3: '#a8437f',
  series4: '#8a6d00',
  series5: '#4a5361',
}

export const dark: Readonly<Record<Role, string>> = {
  paper: '#0f1318',
  ink: '#e9edf2',
  muted: '#9aa6b5',
  rule: '#2b333d',
  tile: '#0b0e12',
  frame: '#39434f',
  series0: '#56b4e9',
  series1: '#f28e4b',
  series2: '#35c49a',
  series3: '#e08abf',
  series4: '#e3cb4f',
  series5: '#b4bfcc',
}

/**
 * Outlines of the raters over grey images of any brightness. The first four keep a CIELAB distance of 32
 * from each other with normal sight, protanopia, deuteranopia and tritanopia (Machado 2009).
 */
export const raterColours: readonly string[] = [
  '#4d8dff',
  '#f2704f',
  '#f0e442',
  '#ff9ad5',
  '#35c49a',
  '#ffffff',
]

/** The colour of everything that the model says: consensus, its contour, the growing mask. */
export const modelColour = '#2fe0b5'
export const modelRgb: Rgb = [47, 224, 181]

/** Type faces: the reader's own in a page, DejaVu Sans (installed with Septum) where a PNG is drawn. */
export const fontFamily =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"

/** Attributes that paint with a role: a fixed colour, and a class by which the dark style sheet repaints. */
export function painter(theme: Theme) {
  const palette = theme === 'dark' ? dark : light
  return {
    fill: (role: Role) => ({ fill: palette[role], class: `sf-${role}` }),
    stroke: (role: Role) => ({ stroke: palette[role], fill: 'none', class: `ss-${role}` }),
  }
}
export type Painter = ReturnType<typeof painter>

/** Style sheet inside a figure: whole pixels everywhere, and the dark palette where the reader prefers it. */
export function figureStyle(theme: Theme): Markup {
  const repaint = (Object.keys(dark) as Role[]).map(
    (role) => `.sf-${role}{fill:${dark[role]}}.ss-${role}{stroke:${dark[role]}}`,
  )
  const adaptive =
    theme === 'auto' ? `@media screen and (prefers-color-scheme:dark){${repaint.join('')}}` : ''
  // Inside @media, because the PNG renderer skips it: there the attribute `optimizeSpeed` means the same.
  return el('style', {}, trusted(`@media all{.px{image-rendering:pixelated}}${adaptive}`))
}

// Nine equidistant colours of matplotlib's "magma" (CC0), perceptually uniform from black to cream.
const magmaStops: readonly Rgb[] = [
  [0, 0, 4],
  [28, 16, 68],
  [79, 18, 123],
  [129, 37, 129],
  [181, 54, 122],
  [229, 89, 100],
  [251, 135, 97],
  [254, 194, 135],
  [252, 253, 191],
]

/** Heat colour of a value in [0, 1]; values outside are clamped, NaN is 0. */
export function magma(value: number): Rgb {
  const position = Math.min(1, Math.max(0, value || 0)) * (magmaStops.length - 1)
  const lower = Math.min(magmaStops.length - 2, Math.floor(position))
  const share = position - lower
  const [a, b] = [magmaStops[lower]!, magmaStops[lower + 1]!]
  const mix = (channel: 0 | 1 | 2) => Math.round(a[channel] + share * (b[channel] - a[channel]))
  return [mix(0), mix(1), mix(2)]
}

/** Grey of a probability in [0, 1]; the dark end is the tile colour, so that maps sit in their frames. */
export function probabilityGrey(value: number): Rgb {
  const p = Math.min(1, Math.max(0, value || 0))
  return [Math.round(11 + 244 * p), Math.round(14 + 241 * p), Math.round(18 + 237 * p)]
}
