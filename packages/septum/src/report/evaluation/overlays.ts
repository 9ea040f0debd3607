import { formatNumber, plainTitle } from '../../evaluation/outputs/index.js'
import type { Evaluation } from '../../evaluation/types.js'
import type { CasePicture } from '../../evaluation/worst.js'
import { type HypothesisCase, lesionArea } from '../cases.js'
import { modelColour, painter, raterColours } from '../palette.js'
import { type Child, el, type Markup, markup } from '../svg.js'
import { contourLine, imageLayer, pixelLayer, tile, type View } from '../tiles.js'

const side = 260
/** Pixels along the side of a picture that is embedded. */
const mostPixels = 384

const referenceColour = raterColours[0]!
const missed = [77, 141, 255, 120] as const
const invented = [242, 112, 79, 120] as const

/** Legend of the overlays. */
export function overlayLegend(): Markup {
  const key = (colour: string, text: string, filled: boolean) => {
    const swatch = el('svg', { width: 22, height: 12, 'aria-hidden': 'true' }, [
      el('rect', { width: 22, height: 12, rx: 2, fill: '#0b0e12' }),
      filled
        ? el('rect', { x: 3, y: 2, width: 16, height: 8, fill: colour, 'fill-opacity': 0.75 })
        : el('rect', { x: 3, y: 5, width: 16, height: 2.4, fill: colour }),
    ])
    return markup`<li>${swatch} ${text}</li>`
  }
  return markup`<ul class="legend">${[
    key(referenceColour, 'reference', false),
    key(modelColour, 'prediction', false),
    key(`rgb(${missed.slice(0, 3)})`, 'missed', true),
    key(`rgb(${invented.slice(0, 3)})`, 'marked too much', true),
  ]}</ul>`
}

/** A case with its image and, for each method, outlines and errors; enlarged around the marks. */
export async function casePicture(picture: CasePicture, evaluation: Evaluation, at: number): Promise<Markup> {
  const item = cropped(picture)
  const view: View = {
    item,
    area: { x: 0, y: 0, width: item.image.width, height: item.image.height },
    size: side,
  }
  // The image is in the page once; the tiles of the methods refer to it.
  const image = el('g', { id: `case-${at}` }, await imageLayer(view))
  const tiles = [
    figure('image', picture.image ? picture.plane : 'no image found', `Image of ${picture.name}`, image),
  ]
  for (const { name, masks, truth } of item.methods) {
    const errors = await pixelLayer(view, (i) => colourOf(masks, truth, i))
    const lines = [
      ...truth.map((mask) => contourLine(view, mask, referenceColour)),
      ...masks.map((mask) => contourLine(view, mask, modelColour, 1.4)),
    ]
    const alt = `Prediction of ${name} against the reference of ${picture.name}`
    tiles.push(
      figure(
        name,
        scoreText(evaluation, picture.name, name),
        alt,
        el('use', { href: `#case-${at}` }),
        errors,
        lines,
      ),
    )
  }
  return markup`<article class="case"><header><h3>${picture.name}</h3></header><div class="overlays">${tiles}</div></article>`
}

function figure(title: string, note: string | null, alt: string, ...content: readonly Child[]): Markup {
  const attributes = { viewBox: `0 0 ${side} ${side}`, role: 'img', 'aria-label': alt }
  return markup`<figure class="panel"><figcaption>${title}${note && markup` <small>${note}</small>`}</figcaption>${el('svg', attributes, tile(painter('auto'), 0, 0, side, content))}</figure>`
}

/** Mean over the classes of the first metrics, as many as fit under a tile. */
function scoreText({ metrics, perCase }: Evaluation, name: string, method: string): string {
  const own = perCase.filter((score) => score.case === name && score.method === method)
  return metrics
    .slice(0, 2)
    .map((entry) => {
      const values = own.map(({ values }) => values[entry.id]!).filter((value) => !Number.isNaN(value))
      return `${plainTitle(entry)} ${formatNumber(values.reduce((a, b) => a + b, 0) / values.length)}`
    })
    .join(', ')
}

function colourOf(masks: readonly Uint8Array[], truth: readonly Uint8Array[], i: number): readonly number[] {
  let [more, less] = [false, false]
  truth.forEach((mask, c) => {
    if (mask[i] && !masks[c]![i]) less = true
    if (!mask[i] && masks[c]![i]) more = true
  })
  return less ? missed : more ? invented : [0, 0, 0, 0]
}

interface Cropped extends HypothesisCase {
  readonly methods: readonly {
    readonly name: string
    readonly masks: readonly Uint8Array[]
    readonly truth: readonly Uint8Array[]
  }[]
}

/** The square around all marks, thinned until it is small enough to be embedded. */
function cropped(picture: CasePicture): Cropped {
  const { name, width, height, image, reference, methods } = picture
  const pixels = width * height
  const data = image ?? new Uint8Array(pixels)
  const marked = Float32Array.from({ length: pixels }, (_, i) =>
    methods.some(({ masks }) => masks.some((mask) => mask[i])) ? 1 : 0,
  )
  const none = { stages: [], samples: [], scores: {} }
  const whole = {
    name,
    image: { width, height, data },
    raters: reference,
    consensus: marked,
    uncertainty: marked,
    ...none,
  }
  const area = lesionArea(whole)
  const step = Math.max(1, Math.ceil(Math.max(area.width, area.height) / mostPixels))
  const [w, h] = [Math.floor(area.width / step), Math.floor(area.height / step)]
  const channels = data.length / pixels
  const pick = (from: Uint8Array, planes: number) => {
    const out = new Uint8Array(w * h * planes)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const at = (area.y + y * step + (step >> 1)) * width + area.x + x * step + (step >> 1)
        for (let p = 0; p < planes; p++) out[(y * w + x) * planes + p] = from[at * planes + p]!
      }
    return out
  }
  const truth = reference.map((mask) => pick(mask, 1))
  const small = new Float32Array(w * h)
  return {
    ...none,
    name,
    image: { width: w, height: h, data: pick(data, channels) },
    raters: truth,
    consensus: small,
    uncertainty: small,
    methods: methods.map((method) => ({
      name: method.name,
      masks: method.masks.map((mask) => pick(mask, 1)),
      truth,
    })),
  }
}
