import { thresholdFor, votesNeeded } from '../analysis/blend.js'
import type { Derived } from '../app/derived.js'
import type { View } from '../app/settings.js'
import type { Store } from '../app/state.js'
import { heat } from '../draw/colours.js'
import { byId, make, say, show } from './dom.js'
import { percent } from './numbers.js'

/** Choice of the view, and below the picture the one control that belongs to it. */
export function controls(store: Store, derived: Derived): () => void {
  const views = byId<HTMLFieldSetElement>('views')
  const radios = [...views.querySelectorAll<HTMLInputElement>('input')]
  const threshold = byId<HTMLInputElement>('threshold')
  const classes = byId<HTMLSelectElement>('class-list')
  for (const radio of radios) radio.onchange = () => store.set({ view: radio.value as View })
  classes.onchange = () => store.set({ classIndex: Number(classes.value) })
  threshold.oninput = () => {
    const count = derived.blend()?.count ?? 1
    const value = threshold.valueAsNumber
    store.set({ threshold: count > 1 ? thresholdFor(value, count) : value / 100 })
  }
  const step = (by: number) => {
    const count = store.session.result?.classes[0]?.samples.length ?? 1
    store.set({ sample: (store.settings.sample + by + count) % count }, 'sample')
  }
  byId('sample-before').onclick = () => step(-1)
  byId('sample-after').onclick = () => step(1)
  byId<HTMLInputElement>('sample-in').onchange = () => toggleSample(store, store.settings.sample)
  drawScale(byId<HTMLCanvasElement>('heat-scale'))

  let shownClasses: unknown
  return () => {
    const { result, manifest, picture, volume, scene, busy, growing } = store.session
    const { view, classIndex } = store.settings
    const many = (result?.classes[0]?.samples.length ?? 0) > 1
    views.disabled = !result
    for (const radio of radios) {
      radio.checked = radio.value === (busy && growing.length > 0 ? 'growth' : view)
      radio.disabled =
        (!many && radio.value === 'sample') || (!result?.stages.length && radio.value === 'growth')
    }
    if (manifest && shownClasses !== manifest) {
      shownClasses = manifest
      classes.replaceChildren(
        ...manifest.classes.map(({ name }, i) => make('option', { value: String(i) }, name)),
      )
    }
    show(byId('class-field'), (manifest?.classes.length ?? 1) > 1 && !(volume && scene === 'volume'))
    classes.value = String(classIndex)
    const live = result !== null
    const inVolume = volume !== null && scene === 'volume'
    show(views, !inVolume)
    show(byId('strip-empty'), !live && !inVolume)
    for (const name of ['consensus', 'uncertainty', 'sample', 'growth'] as const) {
      show(byId(`strip-${name}`), live && view === name)
    }
    if (!live) say(byId('strip-hint'), hint(picture !== null, store.session.model !== null, busy !== null))
    else showThreshold()
    const { sample, leftOut } = store.settings
    const count = result?.classes[0]?.samples.length ?? 1
    say(byId('sample-text'), `Mask ${sample + 1} of ${count}`)
    byId<HTMLInputElement>('sample-in').checked = !leftOut.includes(sample)
    say(byId('heat-low'), many ? '0: all masks agree' : '0: certain')
    say(byId('heat-high'), many ? '1 bit: evenly split' : '1: undecided')
  }

  function showThreshold(): void {
    const blend = derived.blend()
    if (!blend) return
    const { count } = blend
    const votes = votesNeeded(store.settings.threshold, count)
    const range = count > 1 ? { min: '1', max: String(count), step: '1' } : { min: '5', max: '95', step: '5' }
    Object.assign(threshold, range)
    threshold.value = String(count > 1 ? votes : Math.round(store.settings.threshold * 100))
    const text =
      count > 1 ? `${votes} of ${count} masks agree` : `${percent(store.settings.threshold)} probability`
    threshold.setAttribute('aria-valuetext', text)
    say(byId('threshold-text'), text)
  }
}

/** Takes a sample into the blend or out of it; one always stays. */
export function toggleSample(store: Store, index: number): void {
  const { leftOut } = store.settings
  const count = store.session.result?.classes[0]?.samples.length ?? 0
  const next = leftOut.includes(index) ? leftOut.filter((each) => each !== index) : [...leftOut, index]
  // Set again even when refused, so that the box shows what is in force.
  store.set({ leftOut: next.length < count ? next : leftOut }, `leftOut ${index}`)
}

function hint(picture: boolean, model: boolean, busy: boolean): string {
  if (busy) return 'The mask appears while it grows.'
  if (!picture) return 'Drop a picture, a volume or a DICOM series here, or choose an example above.'
  if (!model) return 'No model lies beside this page: open the folder that septum export wrote.'
  return 'Press Segment, or the S key.'
}

function drawScale(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext('2d')!
  for (let x = 0; x < canvas.width; x++) {
    context.fillStyle = `rgb(${heat(x / (canvas.width - 1)).join(' ')})`
    context.fillRect(x, 0, 1, canvas.height)
  }
}
