import { type Measures, measureMask } from '../analysis/measure.js'
import { agreement } from '../analysis/scores.js'
import type { Derived } from '../app/derived.js'
import { once } from '../app/once.js'
import { type Store, volumeInSight } from '../app/state.js'
import { byId, make, say, show, svg } from './dom.js'
import { areaUnit, lengthUnit, percent, short } from './numbers.js'
import type { Pictures } from './pictures.js'

/** Sizes of the consensus, and how far the single masks and the raters lie around it. */
export function findings(store: Store, derived: Derived, pictures: Pictures): () => void {
  const agreeing = once(agreement)
  const leftOutMasks = once((samples: readonly Uint8Array[], leftOut: readonly number[]) =>
    samples.filter((_, i) => !leftOut.includes(i)),
  )
  return () => {
    const { picture, result, manifest } = store.session
    const consensus = derived.consensus()
    show(byId('findings'), consensus !== null)
    const { volumeResult } = store.session
    const volume = volumeInSight(store.session)
    show(byId('intro'), consensus === null && !(volume && volumeResult))
    show(byId('steps-volume'), volume !== null)
    show(byId('steps-picture'), volume === null)
    say(byId('intro-title'), volume ? 'The whole volume, or one slice' : 'Several answers instead of one')
    if (!picture || !result || !consensus) return
    const { spacingMm, classIndex, leftOut } = store.settings
    const size = pictures.size(picture)
    const sizeOf = (mask: Uint8Array): Measures => measureMask(mask, size, spacingMm)
    const { area, longAxis, shortAxis, parts } = sizeOf(consensus)
    const name =
      manifest && manifest.classes.length > 1
        ? `Consensus: ${manifest.classes[classIndex]!.name}`
        : 'Consensus'
    const samples = result.classes[classIndex]!.samples
    say(byId('findings-title'), samples.length > 1 ? name : name.replace('Consensus', 'Mask'))
    figure('area', short(area), areaUnit(spacingMm))
    figure('axes', `${short(longAxis)} × ${short(shortAxis)}`, lengthUnit(spacingMm))
    figure('parts', String(parts), '')
    say(byId('parts-caption'), parts === 1 ? 'part' : 'parts')
    show(byId('spread'), samples.length > 1)
    if (samples.length < 2) return
    const areas = samples.map((mask) => sizeOf(mask).area)
    const raters = derived.raters().map((mask) => sizeOf(mask).area)
    drawSpread(areas, leftOut, raters, area, areaUnit(spacingMm))
    const chosen = areas.filter((_, i) => !leftOut.includes(i))
    const overlap = agreeing(leftOutMasks(samples, leftOut))
    explain(chosen, overlap, areaUnit(spacingMm), raters)
  }
}

function figure(id: string, value: string, unit: string): void {
  const text = unit ? `${value} ${unit}` : value
  const element = byId(id)
  if (element.textContent !== text)
    element.replaceChildren(value, ...(unit ? [' ', make('small', {}, unit)] : []))
}

/** The plot in words; the marks before the words are its key. */
function explain(areas: readonly number[], overlap: number, unit: string, raters: readonly number[]): void {
  const range = (values: readonly number[]) => {
    const [low, high] = [short(Math.min(...values)), short(Math.max(...values))]
    return low === high ? `${low} ${unit}` : `${low} to ${high} ${unit}`
  }
  const empty = areas.filter((area) => area === 0).length
  const nothing = empty === 0 ? '' : ` (${empty} ${empty === 1 ? 'is' : 'are'} empty)`
  const masks =
    areas.length > 1
      ? `The ${areas.length} blended masks cover ${range(areas)}${nothing} and overlap by ${percent(overlap)} on average (IoU). `
      : `One mask is left in the blend: ${range(areas)}. `
  const experts = raters.length > 0 ? `The ${raters.length} raters drew ${range(raters)}.` : ''
  const element = byId('spread-text')
  if (element.textContent === masks + experts) return
  const mark = (child: SVGElement) =>
    svg('svg', { viewBox: '0 0 10 10', class: 'mark-key', 'aria-hidden': 'true' }, child)
  element.replaceChildren(mark(svg('circle', { cx: 5, cy: 5, r: 4.5, class: 'model' })), masks)
  if (experts) element.append(mark(svg('line', { x1: 5, x2: 5, y1: 0, y2: 10, class: 'rater' })), experts)
}

/** One dot a mask on an axis of areas, the raters as lines below, the consensus as a long line. */
function drawSpread(
  areas: readonly number[],
  leftOut: readonly number[],
  raters: readonly number[],
  consensus: number,
  unit: string,
): void {
  const plot = byId<SVGSVGElement>('spread-plot')
  const [width, middle, base] = [368, 26, 46]
  const all = [...areas, ...raters, consensus]
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const room = Math.max((high - low) * 0.06, high * 0.02, 0.5)
  const tick = roundStep(high - low + 2 * room)
  const [from, to] = [
    Math.max(0, Math.floor((low - room) / tick) * tick),
    Math.ceil((high + room) / tick) * tick,
  ]
  const at = (area: number) => 6 + ((width - 12) * (area - from)) / (to - from)
  // Masks of nearly the same area are stacked, so that each can be seen.
  const taken: number[] = []
  const dots = areas.map((area, i) => {
    const x = at(area)
    const level = taken.filter((other) => Math.abs(other - x) < 9).length
    taken.push(x)
    const kind = leftOut.includes(i) ? 'model out' : 'model'
    return svg('circle', { cx: x, cy: middle - level * 7, r: 4.5, class: kind })
  })
  const line = (x: number, y1: number, y2: number, kind: string) =>
    svg('line', { x1: x, x2: x, y1, y2, class: kind })
  const label = (x: number, anchor: string, text: string) =>
    svg('text', { x, y: base + 22, 'text-anchor': anchor }, text)
  const tallest = Math.min(4, middle - 12 - 7 * Math.max(0, ...areas.map((_, i) => levelOf(taken, i))))
  plot.setAttribute('viewBox', `0 ${tallest - 4} ${width} ${base + 30 - tallest}`)
  plot.replaceChildren(
    svg('line', { x1: 0, x2: width, y1: middle + 8, y2: middle + 8, class: 'axis' }),
    line(at(consensus), tallest, base + 4, 'consensus'),
    ...dots,
    ...raters.map((area) => line(at(area), middle + 11, base + 4, 'rater')),
    ...(at(consensus) < 110 ? [] : [label(0, 'start', `${short(from)} ${unit}`)]),
    label(at(consensus), anchorAt(at(consensus), width), 'consensus'),
    ...(at(consensus) > width - 110 ? [] : [label(width, 'end', `${short(to)} ${unit}`)]),
  )
}

const levelOf = (taken: readonly number[], index: number): number =>
  taken.slice(0, index).filter((other) => Math.abs(other - taken[index]!) < 9).length

/** A step of 1, 2 or 5 times a power of ten, about a tenth of the range: axes end at round numbers. */
function roundStep(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 10))
  const times = range / 10 / power
  return power * (times > 5 ? 10 : times > 2 ? 5 : times > 1 ? 2 : 1)
}

/** The middle label stays clear of those at the ends. */
const anchorAt = (x: number, width: number): string =>
  x < width * 0.25 ? 'start' : x > width * 0.75 ? 'end' : 'middle'
