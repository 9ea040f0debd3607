import { type Score, scoresOf } from '../analysis/scores.js'
import type { Actions } from '../app/actions.js'
import type { Derived } from '../app/derived.js'
import { once } from '../app/once.js'
import type { Store } from '../app/state.js'
import { raterColour, raterDashes } from '../draw/colours.js'
import { byId, lineKey, make, say, show } from './dom.js'
import { lengthUnit, score, short } from './numbers.js'
import type { Pictures } from './pictures.js'
import { contour, drawThumbnail } from './thumbnail.js'

/** What experts drew, beside the model's masks, and the scores of one against the other. */
export function raters(store: Store, actions: Actions, derived: Derived, pictures: Pictures): () => void {
  const grid = byId('rater-grid')
  const files = byId<HTMLInputElement>('rater-files')
  const box = byId<HTMLInputElement>('show-raters')
  byId('add-raters').onclick = () => files.click()
  files.onchange = () => {
    void actions.openRaters([...(files.files ?? [])])
    files.value = ''
  }
  box.onchange = () => store.set({ raters: box.checked })
  const scoring = once(scoresOf)
  const shapeOf = once((height: number, width: number) => [height, width] as const)
  const chosenOf = once((samples: readonly Uint8Array[], leftOut: readonly number[]) =>
    samples.filter((_, i) => !leftOut.includes(i)),
  )

  return () => {
    const { picture, result } = store.session
    const { spacingMm, classIndex, leftOut } = store.settings
    const masks = derived.raters()
    show(byId('raters'), picture !== null && (masks.length > 0 || result !== null))
    show(byId('raters-toggle'), masks.length > 0)
    box.checked = store.settings.raters
    show(byId('scores'), masks.length > 0 && result !== null)
    if (!picture) return
    say(byId('raters-title'), masks.length > 0 ? `${masks.length} raters` : 'Raters')
    const size = pictures.size(picture)
    if (grid.children.length !== masks.length) grid.replaceChildren(...masks.map((_, i) => cell(i)))
    for (const [i, mask] of masks.entries()) {
      const contours = [contour(mask, size, { ...style(i), fill: 0.2, width: 1.5 })]
      const scene = { picture: pictures.of(picture), size, contours }
      drawThumbnail(
        grid.children[i]!.querySelector('canvas')!,
        scene,
        pictures.finding(picture),
        pictures.pixel(),
      )
    }
    const consensus = derived.consensus()
    if (!result || !consensus || masks.length === 0) return
    const samples = chosenOf(result.classes[classIndex]!.samples, leftOut)
    showScores(scoring(samples, consensus, masks, shapeOf(...size), spacingMm), lengthUnit(spacingMm))
  }
}

const style = (index: number) => ({
  colour: raterColour,
  dash: raterDashes[index % raterDashes.length]!,
})

function cell(index: number): HTMLLIElement {
  const canvas = make('canvas')
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', `Mask of rater ${index + 1}`)
  const { colour, dash } = style(index)
  const under = make('div', { className: 'under' }, `Rater ${index + 1}`, lineKey(colour, dash))
  return make('li', {}, make('figure', {}, canvas, under))
}

function showScores(
  { sets, consensus }: { readonly sets: readonly Score[]; readonly consensus: readonly Score[] },
  unit: string,
): void {
  const arrows = { higher: 'higher is better', lower: 'lower is better', none: '' }
  const row = ({ title, value, better, length }: Score) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, title),
      make('td', { className: 'hint' }, arrows[better]),
      make('td', { className: 'number' }, length ? `${short(value)} ${unit}` : score(value)),
    )
  const heading = (text: string) => make('tr', {}, make('th', { scope: 'colgroup', colSpan: 3 }, text))
  byId('score-rows').replaceChildren(
    heading('Consensus against the majority of the raters'),
    ...consensus.map(row),
    ...(sets.length > 0 ? [heading('Blended masks against all raters'), ...sets.map(row)] : []),
  )
  byId('score-notes').replaceChildren(
    ...[...consensus, ...sets].flatMap(({ title, description }) => [
      make('dt', {}, title),
      make('dd', {}, description),
    ]),
  )
}
