import sharp from 'sharp'
import type { Thumbnail } from '../datasets/check/index.js'
import { contourRings } from './contour.js'
import { figureStyle, fontFamily, painter, raterColours, type Theme } from './palette.js'
import { el, type Markup, ringsPath } from './svg.js'
import { tile, tileNote } from './tiles.js'

export interface ContactSheet {
  readonly thumbnails: readonly Thumbnail[]
  /** What each colour stands for: classes, or raters. */
  readonly layers: readonly string[]
  /** Second line under each picture, e.g. the part of the split. */
  readonly captions?: readonly string[]
  readonly theme?: Theme
  /** Empty border around everything, in pixels. Default 0, for a place on a page. */
  readonly margin?: number
}

const TILE = 198
const GAP = 16
const COLUMNS = 6
const CAPTION = 42
const LEGEND = 40

export const layerColour = (layer: number): string => raterColours[layer % raterColours.length]!

/** Pictures of cases with the outlines of their masks, as an SVG of its own. */
export async function renderContactSheet(sheet: ContactSheet): Promise<string> {
  const { thumbnails, layers, captions = [], theme = 'light', margin = 0 } = sheet
  const paint = painter(theme)
  const columns = Math.min(COLUMNS, Math.max(1, thumbnails.length))
  const rows = Math.ceil(thumbnails.length / COLUMNS)
  const width = COLUMNS * TILE + (COLUMNS - 1) * GAP
  const height = LEGEND + rows * (TILE + CAPTION) + Math.max(0, rows - 1) * 6
  const tiles = await Promise.all(
    thumbnails.map(async (thumbnail, index) => {
      const x = (index % COLUMNS) * (TILE + GAP)
      const y = LEGEND + Math.floor(index / COLUMNS) * (TILE + CAPTION + 6)
      const second = [captions[index], thumbnail.slice].filter(Boolean).join(', ')
      return [
        tile(paint, x, y, TILE, await contents(thumbnail)),
        el(
          'text',
          { x, y: y + TILE + 17, 'font-size': 12.5, 'font-weight': 600, ...paint.fill('ink') },
          el('title', {}, thumbnail.case),
          clipped(thumbnail.case, 26),
        ),
        el('text', { x, y: y + TILE + 33, 'font-size': 12, ...paint.fill('muted') }, clipped(second, 32)),
      ]
    }),
  )
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}`,
      width: width + 2 * margin,
      height: height + 2 * margin,
      role: 'img',
      'aria-label': `${thumbnails.length} cases with the outlines of their masks, ${columns} in a row`,
      'font-family': fontFamily,
    },
    figureStyle(theme),
    legend(layers, paint),
    tiles,
  ).toString()
}

function legend(layers: readonly string[], paint: ReturnType<typeof painter>): Markup[] {
  let x = 0
  return layers.slice(0, 12).map((name, layer) => {
    const shown = clipped(name, 32)
    const item = el(
      'g',
      {},
      // The dark ground under the line is that of the tiles: a pale colour must be found again.
      el('rect', { x, y: 4, width: 26, height: 16, rx: 3, ...paint.fill('tile') }),
      el('path', {
        d: `M${x + 5} 12h16`,
        stroke: layerColour(layer),
        'stroke-width': 2.4,
        'stroke-linecap': 'round',
      }),
      el('text', { x: x + 34, y: 16.5, 'font-size': 13.5, ...paint.fill('ink') }, shown),
    )
    x += 34 + shown.length * 7.6 + 26
    return item
  })
}

const clipped = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

async function contents(thumbnail: Thumbnail): Promise<Markup[]> {
  const { aspect, masks, labelled, width, height, pixels } = thumbnail
  const tall = height * aspect
  const scale = TILE / Math.max(width, tall)
  const [w, h] = [width * scale, tall * scale]
  const [x0, y0] = [(TILE - w) / 2, (TILE - h) / 2]
  const picture = await sharp(pixels, {
    raw: { width, height, channels: 3 },
  })
    .jpeg({ quality: 86, chromaSubsampling: '4:4:4' })
    .toBuffer()
  const image = el('image', {
    x: x0,
    y: y0,
    width: w,
    height: h,
    preserveAspectRatio: 'none',
    href: `data:image/jpeg;base64,${picture.toString('base64')}`,
  })
  const lines = masks.map(({ layer, marks }) => {
    // Raters who agree draw the same border; levels a little apart keep all their lines in sight.
    const level = masks.length === 1 ? 0.5 : 0.25 + (0.5 * layer) / Math.max(1, masks.at(-1)!.layer)
    const rings = contourRings(marks, width, height, level).map((ring) =>
      ring.map((value, at) => (at % 2 === 0 ? x0 + (value * w) / width : y0 + (value * h) / height)),
    )
    return { d: ringsPath(rings), layer, fill: 'none', 'stroke-linejoin': 'round' }
  })
  const drawn = lines.filter(({ d }) => d !== '')
  const note =
    masks.length === 0 ? [tileNote(labelled ? 'nothing marked' : 'no mask', 8, TILE - 9, 11.5)] : []
  return [
    image,
    ...drawn.map(({ layer: _, ...line }) =>
      el('path', { ...line, stroke: '#000', 'stroke-opacity': 0.5, 'stroke-width': 2.6 }),
    ),
    ...drawn.map(({ layer, ...line }) =>
      el('path', { ...line, stroke: layerColour(layer), 'stroke-width': 1.3 }),
    ),
    ...note,
  ]
}
