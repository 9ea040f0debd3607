import { initialSettings, parseSpacing } from '../app/settings.js'
import { type Store, volumeInSight } from '../app/state.js'
import { byId, show } from './dom.js'
import type { Pictures } from './pictures.js'

/** Contrast, overlay, size of a pixel, seed: the sheet behind one button. */
export function display(store: Store, pictures: Pictures): () => void {
  const sheet = byId<HTMLDetailsElement>('display')
  const low = byId<HTMLInputElement>('grey-low')
  const high = byId<HTMLInputElement>('grey-high')
  const opacity = byId<HTMLInputElement>('opacity')
  const spacing = byId<HTMLInputElement>('spacing')
  const preset = byId<HTMLSelectElement>('grey-preset')
  const seed = byId<HTMLInputElement>('seed')
  const setGrey = () => {
    const values = [low.valueAsNumber, high.valueAsNumber] as const
    const step = Number(low.step)
    store.set({ grey: values[0] < values[1] ? values : [values[1] - step, values[1]] }, 'grey')
  }
  low.oninput = setGrey
  high.oninput = setGrey
  preset.onchange = () => {
    const [level, width] = preset.value.split('/').map(Number)
    if (width) store.set({ grey: [level! - width / 2, level! + width / 2] })
    preset.value = ''
  }
  opacity.oninput = () => store.set({ opacity: opacity.valueAsNumber })
  spacing.oninput = () => {
    const value = parseSpacing(spacing.value)
    spacing.setAttribute('aria-invalid', String(value === undefined))
    if (value !== undefined) store.set({ spacingMm: value })
  }
  seed.onchange = () => store.update({ seed: Math.max(0, Math.round(seed.valueAsNumber || 0)) })
  byId('display-reset').onclick = () => store.set({ grey: null, opacity: initialSettings.opacity })
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
    const volume = volumeInSight(store.session)
    show(byId('spacing-row'), volume === null)
    opacity.value = String(store.settings.opacity)
    if (document.activeElement !== spacing) {
      spacing.value = store.settings.spacingMm?.join(' × ') ?? ''
      spacing.removeAttribute('aria-invalid')
    }
    if (!picture && !volume) return
    const [least, most] = volume ? volume.range : pictures.limits(picture!)
    const [black, white] = volume ? (store.settings.grey ?? volume.window) : pictures.greys(picture!)
    // Hounsfield units: air is -1000. Nothing else that is opened here is as low.
    show(byId('preset-row'), least <= -900)
    // Values of a small range, such as shares, need finer steps than whole numbers.
    const step = most - least > 40 ? 1 : (most - least) / 400
    for (const [input, value] of [
      [low, black],
      [high, white],
    ] as const) {
      // A window may reach beyond the values: the sliders say where it is.
      input.min = String(Math.min(0, least, black))
      input.max = String(Math.max(most, white, picture?.image.maxValue === 255 ? 255 : most))
      input.step = step > 0 ? String(step) : '1'
      input.value = String(value)
    }
  }
}
