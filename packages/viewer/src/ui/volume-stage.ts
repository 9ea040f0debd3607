import { SeptumError } from '@septum/core'
import type { Actions } from '../app/actions.js'
import { type Store, volumeInSight } from '../app/state.js'
import { problemOf } from '../files/problem.js'
import type { OpenVolume } from '../files/volume.js'
import type { VolumeView } from '../volume/view.js'
import { contrastDrag } from './contrast-drag.js'
import { describeVolume } from './describe-volume.js'
import { byId, lineKey, make, show } from './dom.js'
import { arrowOnVolume } from './volume-strip.js'

/** The large picture of a volume. What draws it is loaded when the first volume is opened. */
export function volumeStage(store: Store, actions: Actions): () => void {
  const element = byId('volume-stage')
  const canvas = byId<HTMLCanvasElement>('volume-canvas')
  const key = byId('volume-key')
  let view: Promise<VolumeView> | undefined
  let shown: OpenVolume | undefined
  let marked: unknown
  let keyed: unknown
  /** Ends when everything asked for so far is on the canvas. */
  let drawing: Promise<void> = Promise.resolve()

  // NiiVue has keys of its own; these are the page's, which are told and can be switched off.
  element.addEventListener(
    'keydown',
    (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return
      if (!arrowOnVolume(store, actions, event.key, event.shiftKey ? 10 : 1)) return
      event.preventDefault()
      event.stopPropagation()
    },
    true,
  )
  contrastDrag(store, element)
  new ResizeObserver(() => view?.then((it) => it.resized())).observe(element)

  const open = async (): Promise<VolumeView> => {
    try {
      const { VolumeView: View } = await import('../volume/view.js')
      const made = await View.on(canvas, (cursor) => actions.moveTo(cursor))
      canvas.removeAttribute('tabindex')
      return made
    } catch (cause) {
      throw new SeptumError(
        'viewer-webgl',
        'This browser cannot draw volumes',
        'Volumes need WebGL 2: switch hardware acceleration on, or look at single slices.',
        {},
        { cause },
      )
    }
  }

  const draw = async (volume: OpenVolume): Promise<void> => {
    view ??= open()
    const it = await view
    const { session, settings } = store
    it.setLayout(session.layout)
    it.setOpacity(settings.opacity)
    if (shown !== volume) {
      shown = volume
      marked = null
      await it.show(volume)
    }
    it.setWindow(settings.grey ?? volume.window)
    const labels = session.volumeResult?.labels ?? null
    if (marked !== labels) {
      marked = labels
      await it.mark(labels, session.manifest?.classes ?? [])
    }
    it.moveTo(store.session.cursor)
    element.dataset.drawn = `${volume.name} ${store.session.cursor} ${labels ? 'marked' : ''}`.trim()
  }

  return () => {
    const volume = volumeInSight(store.session)
    show(element, volume !== null)
    show(byId('stage'), volume === null)
    if (!volume) return
    canvas.setAttribute('aria-label', describeVolume(store, volume))
    const { volumeResult, manifest } = store.session
    if (keyed !== volumeResult) {
      keyed = volumeResult
      const rows = (volumeResult ? (manifest?.classes ?? []) : []).map(({ name, colour }) =>
        make('div', {}, lineKey(colour), name),
      )
      key.replaceChildren(...rows)
    }
    drawing = drawing
      .then(() => draw(volume))
      .catch((error: unknown) => store.update({ problem: problemOf(error) }))
  }
}
