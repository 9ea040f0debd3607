import type { Store } from '../app/state.js'
import { modelColour } from '../draw/colours.js'
import { byId, make, say } from './dom.js'
import { sides } from './numbers.js'
import type { Pictures } from './pictures.js'
import { contour, drawThumbnail, halfOf } from './thumbnail.js'

const frameMs = 800

/** The mask from the coarsest scale to the finest: slider, film strip, play. */
export function growth(store: Store, pictures: Pictures): () => void {
  const slider = byId<HTMLInputElement>('scale')
  const play = byId<HTMLButtonElement>('play')
  const film = byId('film')
  let timer: ReturnType<typeof setTimeout> | undefined
  slider.oninput = () => {
    stop()
    store.set({ scale: slider.valueAsNumber - 1 })
  }
  play.onclick = () => togglePlay(store)

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    if (store.session.playing) store.update({ playing: false })
  }

  /** Playing moves the scale without leaving steps to undo. */
  function advance(): void {
    const next = store.settings.scale + 1
    timer = undefined
    if (!store.session.playing) return
    if (next >= stagesOf(store).length) stop()
    else store.amend({ scale: next })
  }

  let shown: unknown
  return () => {
    const { picture, playing } = store.session
    const stages = stagesOf(store)
    const { scale, view } = store.settings
    if (playing && view !== 'growth') stop()
    if (playing && timer === undefined) timer = setTimeout(advance, frameMs)
    if (!picture || stages.length === 0 || view !== 'growth') return
    slider.max = String(stages.length)
    slider.value = String(scale + 1)
    const text = `Scale ${scale + 1} of ${stages.length}: ${sides(stages[scale]?.name ?? '')} tokens`
    slider.setAttribute('aria-valuetext', text)
    say(byId('scale-text'), text)
    say(play, playing ? '❚❚' : '▶')
    play.setAttribute('aria-label', playing ? 'Pause' : 'Play')
    if (shown !== stages[0]) {
      shown = stages[0]
      film.replaceChildren(
        ...stages.map(({ name }, index) =>
          make(
            'button',
            {
              type: 'button',
              ariaLabel: `Scale ${index + 1}, ${sides(name)} tokens`,
              onclick: () => {
                stop()
                store.set({ scale: index })
              },
            },
            make('canvas'),
            sides(name),
          ),
        ),
      )
    }
    const size = pictures.size(picture)
    for (const [index, button] of [...film.children].entries()) {
      if (index === scale) button.setAttribute('aria-current', 'true')
      else button.removeAttribute('aria-current')
      const { probability } = stages[index]!
      const contours = [contour(halfOf(probability), size, { colour: modelColour, width: 1.5 })]
      const map = { bitmap: pictures.tint(probability, picture), opacity: 0.45 }
      const scene = { picture: pictures.of(picture), size, map, contours }
      drawThumbnail(button.querySelector('canvas')!, scene, pictures.finding(picture), pictures.pixel())
    }
  }
}

const stagesOf = ({ session, settings }: Store) =>
  session.result?.stages.filter(({ classIndex }) => classIndex === settings.classIndex) ?? []

/** Plays from the start when the end is shown. */
export function togglePlay(store: Store): void {
  const stages = stagesOf(store)
  if (stages.length === 0) return
  const { playing } = store.session
  if (!playing && store.settings.scale >= stages.length - 1) store.amend({ scale: 0 })
  store.update({ playing: !playing })
}
