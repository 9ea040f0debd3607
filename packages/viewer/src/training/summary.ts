import { byId, make, say, show } from '../ui/dom.js'
import { duration, number, steps } from './format.js'
import { LEARNING_RATE, SPEED } from './run-data.js'
import type { PageState } from './state.js'
import { leftOf, progressOf, stateNames, stateSigns, stepsOf, subtitleOf } from './words.js'

/** Head of the page: the run that is told of in detail. Changes of its state are said aloud. */
export function summary(state: PageState): () => void {
  const figures = byId('figures')
  let spoken = ''
  return () => {
    const id = state.first
    const run = id ? state.run(id) : undefined
    show(byId('run-view'), run !== undefined)
    const word = state.problem ?? (state.loaded && state.runs.length === 0 ? noRuns : null)
    show(byId('problem'), word !== null && (state.problem !== null || run === undefined))
    say(byId('problem-message'), word ?? '')
    if (!run || !id) {
      document.title = 'Training – Septum'
      return
    }
    const data = state.dataOf(id)
    const share = progressOf(run)
    const percent = run.steps ? `${Math.floor(100 * share)} % ` : ''
    document.title = `${run.state === 'running' ? percent : `${stateNames[run.state]}: `}${run.name} – Septum`
    say(byId('run-title'), run.name)
    say(byId('run-subtitle'), subtitleOf(run))
    const badge = byId('run-state')
    badge.dataset.state = run.state
    say(badge, `${stateSigns[run.state]} ${stateNames[run.state]}`)
    show(byId('run-reason'), run.reason !== undefined)
    say(byId('run-reason'), run.reason ?? '')
    const bar = byId<HTMLProgressElement>('run-progress')
    bar.value = share
    show(bar, run.steps !== null)
    const phase = run.phase ?? ''
    const last = (name: string) => data.loss(phase, name).y.at(-1)
    const best = run.best.findLast((each) => each.phase === phase) ?? run.best.at(-1)
    const began = run.started ? Date.parse(run.started) : Number.NaN
    const spent = (Date.parse(run.updated ?? '') - began) / 1000
    const left = run.state === 'running' ? leftOf(run) : ''
    const values: (readonly [name: string, value: string, note: string])[] = [
      ['Progress', run.steps ? `${Math.floor(100 * share)} %` : '–', stepsOf(run)],
      ['Time', Number.isFinite(spent) && spent > 0 ? duration(spent) : '–', left],
      ['Loss', number(last('total')), phase && run.phases.length > 1 ? phase : 'last logged step'],
      [
        'Best score',
        best ? number(best.score) : '–',
        best ? `at step ${steps(best.step)}` : 'not validated yet',
      ],
      ['Speed', last(SPEED) === undefined ? '–' : `${number(last(SPEED))} /s`, 'samples'],
      ['Learning rate', number(last(LEARNING_RATE)), ''],
    ]
    if (figures.childElementCount !== values.length) {
      figures.replaceChildren(
        ...values.map(([name]) =>
          make('div', {}, make('dt', { textContent: name }), make('dd'), make('dd', { className: 'note' })),
        ),
      )
    }
    for (const [i, [, value, note]] of values.entries()) {
      const [, main, small] = figures.children[i]!.children
      say(main!, value)
      say(small!, note)
    }
    show(byId('offline'), run.state === 'running' && data.caughtUp && !data.connected)
    const now = `${run.name}: ${stateNames[run.state]}`
    if (spoken && spoken !== now) say(byId('live'), `${now}. ${run.reason ?? ''}`)
    spoken = now
  }
}

const noRuns = 'There are no runs in this folder yet. They appear here as soon as septum train starts one.'
