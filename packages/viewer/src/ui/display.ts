import { parseSpacing } from '../app/settings.js'
import type { Store } from '../app/state.js'
import { byId } from './dom.js'
import type { Pictures } from './pictures.js'

/** Contrast, overlay, size of a pixel, seed: the sheet behind one button. */
export function display(store: Store, pictures: Pictures): () => void {
  const sheet = byId<HTMLDetailsElement>('display')
  const low = byId<HTMLInputElement>('grey-low')
  const high = byId<HTMLInputElement>('grey-high')
  const opacity = byId<HTMLInputElement>('opacity')
  const spacing = byId<HTMLInputElement>('spacing')
  const seed = byId<HTMLInputElement>('seed')
  const setGrey = () => {
    const values = [low.valueAsNumber, high.valueAsNumber] as const
    store.set({ grey: values[0] < values[1] ? values : [values[1] - 1, values[1]] }, 'grey')
  }
  low.oninput = setGrey
  high.oninput = setGrey
  opacity.oninput = () => store.set({ opacity: opacity.valueAsNumber })
  spacing.oninput = () => {
    const value = parseSpacing(spacing.value)
    spacing.setAttribute('aria-invalid', String(value === undefined))
    if (value !== undefined) store.set({ spacingMm: value })
  }
  seed.onchange = () => store.update({ seed: Math.max(0, Math.round(seed.valueAsNumber || 0)) })
  byId('display-reset').onclick = () => store.set({ grey: null, opacity: 0.35 })
  document.addEventListener('pointerdown', ({ target }) => {
    if (!sheet.contains(target as Node)) sheet.open = false
  })
  sheet.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    sheet.open = false
    sheet.querySelector('summary')!.focus()
  })

  return () => {
    const { picture } = store.session
    opacity.value = String(store.settings.opacity)
    if (document.activeElement !== spacing) {
      spacing.value = store.settings.spacingMm?.join(' × ') ?? ''
      spacing.removeAttribute('aria-invalid')
    }
    if (!picture) return
    const [least, most] = pictures.limits(picture)
    const [black, white] = pictures.greys(picture)
    for (const [input, value] of [
      [low, black],
      [high, white],
    ] as const) {
      input.min = String(Math.min(0, least))
      input.max = String(Math.max(most, picture.image.maxValue === 255 ? 255 : most))
      input.step = '1'
      input.value = String(value)
    }
  }
}
