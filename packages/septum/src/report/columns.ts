import { type HypothesisCase, lesionArea, wholeArea } from './cases.js'
import { magma, modelColour, modelRgb, type Painter, probabilityGrey, type Rgb } from './palette.js'
import { el, type Markup } from './svg.js'
import {
  contourLine,
  heatLayer,
  imageLayer,
  maskLayer,
  modelLayer,
  probabilityLayer,
  raterColour,
  raterLayer,
  tile,
  tileNote,
  type View,
  veilOpacity,
} from './tiles.js'

/** Side of a large tile, in units of the drawing. */
export const tileSide = 156

/** One column of the figure: its heading, how it draws a case with its corner at (0, 0), and its legend. */
export interface Column {
  readonly title: string
  readonly subtitle: string
  readonly width: number
  draw(item: HypothesisCase): Promise<Markup>
  legend?(): Markup
}

/** What the columns need to know about the whole figure. */
export interface ColumnContext {
  readonly paint: Painter
  readonly cases: readonly HypothesisCase[]
  readonly imageName: string
  readonly uncertaintyName: string
  readonly uncertaintyUnit: string
  readonly sampleLimit: number
}

const enlarged = (item: HypothesisCase): View => ({ item, area: lesionArea(item), size: tileSide })
const smallText = 11.5

/** The columns that these cases can fill, from left to right. */
export function figureColumns(context: ColumnContext): Column[] {
  const { cases } = context
  return [
    imageColumn(context),
    ...(cases.some((item) => item.raters.length) ? [raterColumn(context)] : []),
    ...(cases.some((item) => item.stages.length) ? [stageColumn(context)] : []),
    ...(cases.some((item) => item.samples.length) ? [sampleColumn(context)] : []),
    consensusColumn(context),
    uncertaintyColumn(context),
  ]
}

function imageColumn({ paint, imageName }: ColumnContext): Column {
  return {
    title: imageName,
    subtitle: 'box: area enlarged',
    width: tileSide,
    async draw(item) {
      const [area, whole] = [lesionArea(item), wholeArea(item.image)]
      const scale = tileSide / Math.max(whole.width, whole.height)
      const box = {
        x: area.x * scale + (tileSide - whole.width * scale) / 2,
        y: area.y * scale + (tileSide - whole.height * scale) / 2,
        width: area.width * scale,
        height: area.height * scale,
        fill: 'none',
      }
      const isWhole = area.width === whole.width && area.height === whole.height
      return tile(
        paint,
        0,
        0,
        tileSide,
        await imageLayer({ item, area: whole, size: tileSide }),
        !isWhole && el('rect', { ...box, stroke: '#000', 'stroke-opacity': 0.5, 'stroke-width': 3 }),
        !isWhole && el('rect', { ...box, stroke: '#fff', 'stroke-width': 1.2 }),
      )
    },
  }
}

function raterColumn({ paint, cases }: ColumnContext): Column {
  const most = Math.max(...cases.map((item) => item.raters.length))
  return {
    title: most === 1 ? 'Reader' : `${most} raters`,
    subtitle: most === 1 ? 'outline by hand' : 'outlines by hand',
    width: tileSide,
    async draw(item) {
      const view = enlarged(item)
      const marked = item.raters.filter((mask) => mask.some((value) => value !== 0)).length
      const note = `${marked} of ${item.raters.length} marked it`
      return tile(
        paint,
        0,
        0,
        tileSide,
        await imageLayer(view),
        raterLayer(view),
        marked < item.raters.length && tileNote(note, 7, tileSide - 8, 11),
      )
    },
    legend() {
      const entries = Array.from({ length: most }, (_, rater) => {
        const [x, y] = [(rater % 2) * 82, Math.floor(rater / 2) * 18]
        return [
          el('rect', { x, y: y + 1, width: 18, height: 9, rx: 1.5, ...paint.fill('tile') }),
          el('rect', { x: x + 3, y: y + 4.3, width: 12, height: 2.4, fill: raterColour(rater) }),
          legendText(paint, x + 24, y + 10, `rater ${rater + 1}`),
        ]
      })
      return el('g', {}, entries)
    },
  }
}

function stageColumn({ paint, cases }: ColumnContext): Column {
  const gap = 6
  const side = (tileSide - gap) / 2
  const across = Math.max(2, Math.ceil(Math.max(...cases.map((item) => item.stages.length)) / 2))
  return {
    title: 'Coarse to fine',
    subtitle: across > 2 ? 'one sampled mask, scale by scale' : 'one mask, by scale',
    width: across * side + (across - 1) * gap,
    async draw(item) {
      const view = { ...enlarged(item), size: side }
      const tiles = item.stages.map(async (stage, i) =>
        tile(
          paint,
          (i % across) * (side + gap),
          Math.floor(i / across) * (side + gap),
          side,
          await probabilityLayer(view, stage.probabilities),
          tileNote(stage.label, 5, 14, 11),
        ),
      )
      return el('g', {}, await Promise.all(tiles))
    },
    legend: () => colourBar(paint, 'stages', probabilityGrey, '0', '1', 'probability'),
  }
}

function sampleColumn({ paint, cases, sampleLimit }: ColumnContext): Column {
  const most = Math.max(...cases.map((item) => item.samples.length))
  const shown = Math.min(most, sampleLimit)
  const across = Math.max(2, Math.ceil(Math.sqrt(shown)))
  const gap = 3
  const side = (tileSide - (across - 1) * gap) / across
  return {
    title: 'Plausible masks',
    subtitle: most > shown ? `${shown} of ${most} samples` : `${shown} samples`,
    width: tileSide,
    async draw(item) {
      const view = { ...enlarged(item), size: side }
      const tiles = item.samples
        .slice(0, shown)
        .map((mask, i) =>
          tile(
            paint,
            (i % across) * (side + gap),
            Math.floor(i / across) * (side + gap),
            side,
            maskLayer(view, mask),
          ),
        )
      return el('g', {}, tiles)
    },
  }
}

function consensusColumn({ paint, cases }: ColumnContext): Column {
  return {
    title: cases.some((item) => item.samples.length) ? 'Consensus' : 'Prediction',
    subtitle: 'line: probability 0.5',
    width: tileSide,
    async draw(item) {
      const view = enlarged(item)
      return tile(paint, 0, 0, tileSide, await imageLayer(view), await modelLayer(view, item.consensus))
    },
    legend() {
      const tissue = 70
      const veil = (value: number): Rgb => {
        const mix = (channel: 0 | 1 | 2) =>
          Math.round(tissue + (modelRgb[channel] - tissue) * veilOpacity * value)
        return [mix(0), mix(1), mix(2)]
      }
      return colourBar(paint, 'consensus', veil, '0', '1', 'probability')
    },
  }
}

function uncertaintyColumn(context: ColumnContext): Column {
  const { paint, uncertaintyName, uncertaintyUnit } = context
  return {
    title: 'Uncertainty',
    subtitle: uncertaintyName,
    width: tileSide,
    async draw(item) {
      const view = enlarged(item)
      const line = contourLine(view, item.consensus, modelColour, 1.1)
      return tile(paint, 0, 0, tileSide, await heatLayer(view, item.uncertainty), line)
    },
    legend: () => colourBar(paint, 'uncertainty', magma, '0', '1', uncertaintyUnit),
  }
}

function legendText(paint: Painter, x: number, y: number, text: string, anchor = 'start'): Markup {
  return el('text', { x, y, 'font-size': smallText, 'text-anchor': anchor, ...paint.fill('muted') }, text)
}

/** A horizontal colour bar, its two ends and its unit. `id` is unique among the bars of a figure. */
function colourBar(
  paint: Painter,
  id: string,
  colour: (value: number) => Rgb,
  low: string,
  high: string,
  unit: string,
): Markup {
  const stops = Array.from({ length: 17 }, (_, i) =>
    el('stop', { offset: `${(i / 16) * 100}%`, 'stop-color': `rgb(${colour(i / 16).join(',')})` }),
  )
  const bar = { y: 1, width: tileSide, height: 9 }
  return el(
    'g',
    {},
    el('defs', {}, el('linearGradient', { id: `septum-bar-${id}` }, stops)),
    el('rect', { ...bar, fill: `url(#septum-bar-${id})` }),
    el('rect', { ...bar, ...paint.stroke('rule') }),
    legendText(paint, 0, 24, low),
    legendText(paint, tileSide / 2, 24, unit, 'middle'),
    legendText(paint, tileSide, 24, high, 'end'),
  )
}
