import { byId, make, say } from '../ui/dom.js'
import type { Run } from './api.js'
import { swatch } from './chart.js'
import { MOST_COMPARED, type PageState, strokeOf } from './state.js'
import { bestOf, leftOf, progressOf, stateNames, stateSigns, stepsOf, subtitleOf } from './words.js'

interface Row {
  readonly item: HTMLLIElement
  readonly open: HTMLButtonElement
  readonly compare: HTMLInputElement
  readonly key: HTMLElement
  readonly bar: HTMLProgressElement
  readonly state: HTMLElement
  readonly numbers: HTMLElement
  readonly subtitle: HTMLElement
}

/** The list of runs: one is opened, up to four are compared. */
export function runsList(state: PageState, choose: (ids: readonly string[]) => void): () => void {
  const list = byId<HTMLUListElement>('run-list')
  const rows = new Map<string, Row>()

  function rowOf(run: Run): Row {
    const found = rows.get(run.id)
    if (found) return found
    const open = make('button', { type: 'button', className: 'run-name', textContent: run.name })
    open.onclick = () => choose([run.id])
    const compare = make('input', { type: 'checkbox', ariaLabel: `Compare ${run.name}` })
    compare.onchange = () => {
      const others = state.shown.filter((id) => id !== run.id)
      choose(compare.checked ? [...others, run.id] : others)
    }
    const key = make('span', { className: 'run-key' })
    const bar = make('progress', { max: 1, ariaLabel: `Progress of ${run.name}` })
    const stateText = make('span', { className: 'state' })
    const numbers = make('span', { className: 'run-numbers' })
    const subtitle = make('span', { className: 'muted' })
    const item = make(
      'li',
      {},
      make('div', { className: 'run-head' }, compare, open, key),
      make('div', { className: 'run-line' }, subtitle, stateText),
      bar,
      numbers,
    )
    const row = { item, open, compare, key, bar, state: stateText, numbers, subtitle }
    rows.set(run.id, row)
    return row
  }

  return () => {
    const runs = state.runs.map(({ id }) => state.run(id)!)
    const items = runs.map((run) => {
      const row = rowOf(run)
      const at = state.shown.indexOf(run.id)
      row.item.classList.toggle('chosen', at >= 0)
      if (at === 0) row.open.setAttribute('aria-current', 'true')
      else row.open.removeAttribute('aria-current')
      row.compare.checked = at >= 0
      row.compare.disabled = at < 0 ? state.shown.length >= MOST_COMPARED : state.shown.length === 1
      row.key.replaceChildren(...(at >= 0 ? [swatch(strokeOf(at))] : []))
      row.bar.value = progressOf(run)
      row.bar.hidden = run.steps === null || run.state === 'finished'
      row.state.dataset.state = run.state
      say(row.state, `${stateSigns[run.state]} ${stateNames[run.state]}`)
      say(row.subtitle, subtitleOf(run))
      say(
        row.numbers,
        [stepsOf(run), run.state === 'running' ? leftOf(run) : '', bestOf(run)].filter(Boolean).join(' · '),
      )
      return row.item
    })
    const present = [...list.children]
    // Moving an element takes the focus from what is inside it.
    if (items.length !== present.length || items.some((item, i) => item !== present[i]))
      list.replaceChildren(...items)
    say(byId('runs-left'), state.left > 0 ? `${state.left} more are not listed.` : '')
  }
}
