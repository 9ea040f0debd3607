import { measureMask } from '../analysis/measure.js'
import type { Derived } from '../app/derived.js'
import type { Store } from '../app/state.js'
import { modelColour } from '../draw/colours.js'
import { toggleSample } from './controls.js'
import { byId, make, say, show } from './dom.js'
import { areaText } from './numbers.js'
import type { Pictures } from './pictures.js'
import { contour, drawThumbnail } from './thumbnail.js'

/** The masks side by side: one press shows a mask, its box takes it into the blend or out of it. */
export function samples(store: Store, derived: Derived, pictures: Pictures): () => void {
  const grid = byId('sample-grid')
  byId('blend-all').onclick = () => store.set({ leftOut: [] })

  function cell(index: number): HTMLLIElement {
    const button = make(
      'button',
      { type: 'button', onclick: () => store.set({ view: 'sample', sample: index }, 'sample') },
      make('canvas'),
    )
    const box = make('input', {
      type: 'checkbox',
      ariaLabel: `Mask ${index + 1} in the blend`,
      onchange: () => toggleSample(store, index),
    })
    const label = make('label', { className: 'check' }, box, String(index + 1))
    return make('li', {}, button, make('div', { className: 'under' }, label, make('span')))
  }

  return () => {
    const { picture, result } = store.session
    const { classIndex, leftOut, sample, view, spacingMm } = store.settings
    const masks = result?.classes[classIndex]?.samples ?? []
    show(byId('samples'), masks.length > 1)
    if (!picture || masks.length < 2) return
    if (grid.children.length !== masks.length) grid.replaceChildren(...masks.map((_, i) => cell(i)))
    const size = pictures.size(picture)
    for (const [i, mask] of masks.entries()) {
      const item = grid.children[i] as HTMLLIElement
      const out = leftOut.includes(i)
      const area = areaText(measureMask(mask, size, spacingMm).area, spacingMm)
      item.classList.toggle('out', out)
      item.querySelector('input')!.checked = !out
      say(item.querySelector('span')!, area)
      const button = item.querySelector('button')!
      button.setAttribute('aria-label', `Show mask ${i + 1}, ${area}`)
      if (view === 'sample' && sample === i) button.setAttribute('aria-current', 'true')
      else button.removeAttribute('aria-current')
      const contours = [contour(mask, size, { colour: modelColour, fill: 0.3, width: 1.5 })]
      const scene = { picture: pictures.of(picture), size, contours }
      drawThumbnail(button.querySelector('canvas')!, scene, pictures.finding(picture), pictures.pixel())
    }
    const count = derived.chosen().length
    say(byId('blend-text'), `${count} of ${masks.length} blended`)
    show(byId('blend-all'), leftOut.length > 0)
  }
}
