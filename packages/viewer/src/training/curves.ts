import { byId, make, say, show } from '../ui/dom.js'
import { Chart, type Curve, swatch } from './chart.js'
import { number, steps } from './format.js'
import { LEARNING_RATE, SPEED } from './run-data.js'
import { nearest, type Points, smoothed } from './series.js'
import { type PageState, strokeOf } from './state.js'

/** Rows of a chart's table: enough to read the course, few enough to hear. */
const ROWS = 12

interface Panel {
  readonly id: string
  title(): string
  points(id: string, phase: string): Points
  readonly smooth: boolean
  readonly log: boolean
  readonly best: boolean
}

/** The charts with their choices. */
export function curves(state: PageState): () => void {
  const { choices } = state
  const panels: readonly Panel[] = [
    {
      id: 'loss',
      title: () => (choices.loss === 'total' ? 'Training loss' : `Training loss: ${choices.loss}`),
      points: (id, phase) => state.dataOf(id).loss(phase, choices.loss),
      ...{ smooth: true, log: true, best: false },
    },
    {
      id: 'metric',
      title: () => (choices.metric === 'score' ? 'Validation score' : `Validation: ${choices.metric}`),
      points: (id, phase) => state.dataOf(id).metric(phase, choices.metric),
      ...{ smooth: false, log: false, best: true },
    },
    {
      id: 'rate',
      title: () => 'Learning rate',
      points: (id, phase) => state.dataOf(id).loss(phase, LEARNING_RATE),
      ...{ smooth: false, log: true, best: false },
    },
    {
      id: 'speed',
      title: () => 'Samples per second',
      points: (id, phase) => state.dataOf(id).loss(phase, SPEED),
      ...{ smooth: true, log: false, best: false },
    },
  ]
  const charts = panels.map((panel) => {
    const chart = new Chart()
    byId(`${panel.id}-chart`).append(chart.element)
    const table = byId<HTMLDetailsElement>(`${panel.id}-table`)
    table.ontoggle = () => state.changed()
    return { panel, chart, table }
  })

  const smoothing = byId<HTMLInputElement>('smoothing')
  smoothing.oninput = () => {
    choices.smoothing = Number(smoothing.value) / 100
    state.changed()
  }
  const log = byId<HTMLInputElement>('log-scale')
  log.onchange = () => {
    choices.log = log.checked
    state.changed()
  }
  const selects = {
    phase: byId<HTMLSelectElement>('phase'),
    loss: byId<HTMLSelectElement>('loss-name'),
    metric: byId<HTMLSelectElement>('metric-name'),
  }
  for (const name of ['phase', 'loss', 'metric'] as const) {
    selects[name].onchange = () => {
      choices[name] = selects[name].value
      state.changed()
    }
  }

  function options(select: HTMLSelectElement, names: readonly string[], chosen: string): void {
    const present = Array.from(select.options, ({ value }) => value)
    if (names.length !== present.length || names.some((name, i) => name !== present[i]))
      select.replaceChildren(...names.map((name) => make('option', { value: name, textContent: name })))
    if (select.value !== chosen) select.value = chosen
  }

  return () => {
    const { phase, phases } = state
    const union = (of: (id: string) => readonly string[]) => [...new Set(state.shown.flatMap(of))]
    const losses = union((id) => state.dataOf(id).losses(phase))
    const metrics = union((id) => state.dataOf(id).metrics(phase))
    if (!losses.includes(choices.loss)) choices.loss = 'total'
    if (!metrics.includes(choices.metric)) choices.metric = 'score'
    show(byId('phase-field'), phases.length > 1)
    options(selects.phase, phases, phase)
    options(selects.loss, losses, choices.loss)
    options(selects.metric, metrics, choices.metric)
    say(byId('smoothing-text'), `${Math.round(100 * choices.smoothing)} %`)
    byId('legend').replaceChildren(
      ...(state.shown.length > 1
        ? state.shown.map((id, i) => make('li', {}, swatch(strokeOf(i)), state.run(id)?.name ?? id))
        : []),
    )
    for (const { panel, chart, table } of charts) {
      const shown = state.shown.map((id, i): Curve => {
        const points = panel.points(id, phase)
        const best = panel.best ? state.dataOf(id).best(phase) : undefined
        return {
          name: state.run(id)?.name ?? id,
          ...strokeOf(i),
          points,
          smooth: panel.smooth ? smoothed(points.y, choices.smoothing) : points.y,
          ...(best !== undefined && { best }),
        }
      })
      const title = panel.title()
      say(byId(`${panel.id}-title`), title)
      chart.show({ title, curves: shown, log: panel.log && choices.log, dots: panel.best })
      const empty = shown.every(({ points }) => points.x.length === 0)
      show(byId(`${panel.id}-empty`), empty)
      if (table.open) fill(table, title, shown)
    }
  }
}

function fill(details: HTMLDetailsElement, title: string, shown: readonly Curve[]): void {
  const longest = shown.reduce<readonly number[]>(
    (most, { points }) => (points.x.length > most.length ? points.x : most),
    [],
  )
  const count = Math.min(ROWS, longest.length)
  const at = Array.from(
    { length: count },
    (_, i) => longest[Math.round((i * (longest.length - 1)) / Math.max(1, count - 1))]!,
  )
  const value = ({ points }: Curve, step: number) => {
    const i = nearest(points, step)
    return i >= 0 && points.x[i] === step ? number(points.y[i]) : '–'
  }
  const cell = (text: string) => make('td', { textContent: text })
  const head = (text: string, scope: 'col' | 'row') => make('th', { textContent: text, scope })
  details
    .querySelector('div')!
    .replaceChildren(
      make(
        'table',
        {},
        make('caption', { className: 'hidden', textContent: title }),
        make('thead', {}, make('tr', {}, head('Step', 'col'), ...shown.map(({ name }) => head(name, 'col')))),
        make(
          'tbody',
          {},
          ...at.map((step) =>
            make('tr', {}, head(steps(step), 'row'), ...shown.map((curve) => cell(value(curve, step)))),
          ),
        ),
      ),
    )
}
