import { byId, make, say, show } from '../ui/dom.js'
import type { PicturesEvent } from './api.js'
import { steps } from './format.js'
import { diceOf, loadSheet, paint, type Sheet, type TileKind } from './sheet.js'
import type { PageState } from './state.js'

const kinds: readonly (readonly [kind: TileKind, name: string])[] = [
  ['image', 'Image'],
  ['reference', 'Reference'],
  ['prediction', 'Prediction'],
]

/** Sheets that stay decoded. */
const MOST_LOADED = 48
const FRAME_MS = 450

/** Earlier predictions beside each other below a case: enough to see how they grew. */
const FILM = 8

/** Validation cases of the first run, as the model saw them at each validation: slider, play, newest by itself. */
export function pictures(state: PageState, page: URL): () => void {
  const slider = byId<HTMLInputElement>('sheet')
  const play = byId<HTMLButtonElement>('sheet-play')
  const grid = byId('sheet-grid')
  const loaded = new Map<string, Sheet>()
  let sheets: readonly PicturesEvent[] = []
  /** The newest is shown until a person goes back. */
  let newest = true
  let at = 0
  let timer: ReturnType<typeof setInterval> | undefined
  let wanted = ''
  let built = ''

  const stop = () => {
    clearInterval(timer)
    timer = undefined
    say(play, '▶')
    play.setAttribute('aria-label', 'Play')
  }
  const go = (to: number) => {
    at = Math.min(sheets.length - 1, Math.max(0, to))
    newest = at === sheets.length - 1
    slider.value = String(at)
    void draw()
  }
  slider.oninput = () => {
    stop()
    go(Number(slider.value))
  }
  play.onclick = () => {
    if (timer) return stop()
    if (at === sheets.length - 1) go(0)
    say(play, '❚❚')
    play.setAttribute('aria-label', 'Stop')
    timer = setInterval(() => {
      if (at >= sheets.length - 1) stop()
      else go(at + 1)
    }, FRAME_MS)
  }

  async function sheetOf(event: PicturesEvent): Promise<Sheet | undefined> {
    const key = `${event.href} ${state.first}`
    const found = loaded.get(key) ?? (await loadSheet(page, event))
    if (!found) return undefined
    loaded.delete(key)
    loaded.set(key, found)
    // The one that was used longest ago.
    if (loaded.size > MOST_LOADED) loaded.delete(loaded.keys().next().value!)
    return found
  }

  async function draw(): Promise<void> {
    const event = sheets[at]
    if (!event) return
    wanted = event.href
    const text = `Step ${steps(event.step)}`
    say(byId('sheet-text'), `${text}${newest ? ', newest' : ''}`)
    slider.setAttribute('aria-valuetext', `${text}, validation ${at + 1} of ${sheets.length}`)
    const sheet = await sheetOf(event)
    // Another one may be wanted by now.
    if (!sheet || wanted !== event.href) return
    build(event)
    for (const [column, name] of event.cases.entries()) {
      const dice = diceOf(sheet, column)
      const scored = dice === null ? 'nothing marked' : `Dice ${dice.toFixed(2)}`
      for (const [kind, kindName] of kinds) {
        const canvas = grid.querySelector<HTMLCanvasElement>(`canvas[data-tile="${kind}-${column}"]`)!
        paint(canvas, sheet, column, kind)
        canvas.setAttribute(
          'aria-label',
          `${kindName} of ${name}${kind === 'prediction' ? ` at step ${steps(event.step)}: ${scored}` : ''}`,
        )
      }
      say(grid.querySelector(`[data-score="${column}"]`)!, scored)
    }
    await film(event)
  }

  /** Predictions of earlier validations, evenly chosen; pressing one goes there. */
  async function film({ cases, href }: PicturesEvent): Promise<void> {
    const count = sheets.length > 1 ? Math.min(FILM, sheets.length) : 0
    const chosen = Array.from({ length: count }, (_, i) =>
      Math.round((i * (sheets.length - 1)) / Math.max(1, count - 1)),
    )
    const events = chosen.map((index) => sheets[index]!)
    const decoded = await Promise.all(events.map(sheetOf))
    if (wanted !== href) return
    for (const column of cases.keys()) {
      const strip = grid.querySelector(`[data-film="${column}"]`)!
      while (strip.childElementCount < count) {
        strip.append(make('div', { className: 'frame' }, make('canvas'), make('span')))
      }
      while (strip.childElementCount > count) strip.lastElementChild!.remove()
      for (const [i, sheet] of decoded.entries()) {
        const frame = strip.children[i] as HTMLElement
        frame.onclick = () => {
          stop()
          go(chosen[i]!)
        }
        frame.classList.toggle('chosen', chosen[i] === at)
        say(frame.querySelector('span')!, steps(events[i]!.phaseStep))
        if (sheet) paint(frame.querySelector('canvas')!, sheet, column, 'prediction')
      }
    }
  }

  function build({ cases, classes }: PicturesEvent): void {
    const key = JSON.stringify([state.first, cases, classes])
    if (built === key) return
    built = key
    grid.style.setProperty('--cases', String(cases.length))
    const cell = (column: number, kind: TileKind) => {
      const canvas = make('canvas')
      canvas.dataset.tile = `${kind}-${column}`
      canvas.setAttribute('role', 'img')
      return make('div', { className: 'tile' }, canvas)
    }
    grid.replaceChildren(
      ...cases.map((name, column) => {
        const score = make('span', { className: 'muted' })
        score.dataset.score = String(column)
        // What it shows is reached with the slider; here it is for the eye.
        const strip = make('div', { className: 'film', ariaHidden: 'true' })
        strip.dataset.film = String(column)
        return make(
          'figure',
          {},
          make(
            'div',
            { className: 'tiles' },
            ...kinds.map(([kind, title]) =>
              make(
                'div',
                {},
                cell(column, kind),
                make('span', { className: 'tile-name', textContent: title, ariaHidden: 'true' }),
              ),
            ),
          ),
          make('figcaption', {}, make('span', { className: 'case', textContent: name, title: name }), score),
          strip,
        )
      }),
    )
    say(byId('sheet-classes'), classes.length > 1 ? `Classes: ${classes.join(', ')}` : '')
  }

  let first: string | undefined
  return () => {
    if (first !== state.first) {
      first = state.first
      newest = true
      wanted = ''
      stop()
    }
    const all = first ? state.dataOf(first).sheets.filter(({ phase }) => phase === state.phase) : []
    const same = all.length === sheets.length && all.every((sheet, i) => sheet.href === sheets[i]!.href)
    sheets = all
    show(byId('pictures'), sheets.length > 0)
    if (sheets.length === 0) return
    slider.max = String(sheets.length - 1)
    slider.disabled = sheets.length === 1
    play.disabled = sheets.length === 1
    if (newest && !timer) at = sheets.length - 1
    at = Math.min(at, sheets.length - 1)
    slider.value = String(at)
    if (!same || wanted === '') void draw()
  }
}
