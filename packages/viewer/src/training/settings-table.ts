import { byId, make, say, show } from '../ui/dom.js'
import { setting, steps } from './format.js'
import type { PageState } from './state.js'

/** Hyper-parameters of the shown runs beside each other; rows that differ are marked. */
export function settingsTable(state: PageState): () => void {
  const only = byId<HTMLInputElement>('only-differences')
  only.onchange = () => {
    state.choices.differences = only.checked
    state.changed()
  }
  let drawn = ''
  return () => {
    const details = state.shown.map((id) => state.details.get(id))
    const several = details.length > 1
    show(
      byId('settings'),
      details.some((detail) => detail !== undefined),
    )
    show(byId('only-differences-field'), several)
    const facts = (of: (detail: NonNullable<(typeof details)[number]>) => string) =>
      details.map((detail) => (detail ? of(detail) : '–'))
    const rows: (readonly [path: string, values: readonly string[]])[] = [
      ['parameters', facts(({ parameters }) => (parameters === null ? '–' : steps(parameters)))],
      ['cases, training', facts(({ cases }) => (cases ? steps(cases.train) : '–'))],
      ['cases, validation', facts(({ cases }) => (cases ? steps(cases.val) : '–'))],
      ['batch size', facts(({ phases }) => phases.map(({ batchSize }) => batchSize).join(', ') || '–')],
    ]
    const paths = [...new Set(details.flatMap((detail) => Object.keys(detail?.config ?? {})))].sort()
    for (const path of paths) rows.push([path, facts(({ config }) => setting(config[path]))])
    const key = JSON.stringify([state.shown, rows, state.choices.differences])
    if (key === drawn) return
    drawn = key
    const differs = (values: readonly string[]) => new Set(values).size > 1
    const kept = several && state.choices.differences ? rows.filter(([, values]) => differs(values)) : rows
    show(byId('settings-box'), several)
    show(byId('settings-list'), !several)
    if (!several) {
      byId('settings-list').replaceChildren(
        ...rows.map(([path, [value]]) =>
          make('div', {}, make('dt', { textContent: path }), make('dd', { textContent: value ?? '' })),
        ),
      )
      say(byId('settings-count'), '')
      return
    }
    byId('settings-head').replaceChildren(
      make('th', { scope: 'col', textContent: 'Setting' }),
      ...state.shown.map((id) => make('th', { scope: 'col', textContent: state.run(id)?.name ?? id })),
    )
    byId('settings-rows').replaceChildren(
      ...kept.map(([path, values]) =>
        make(
          'tr',
          { className: differs(values) ? 'differs' : '' },
          make(
            'th',
            { scope: 'row' },
            path,
            ...(differs(values) ? [make('span', { className: 'hidden', textContent: ' (differs)' })] : []),
          ),
          ...values.map((value) => make('td', { textContent: value })),
        ),
      ),
    )
    const count = rows.filter(([, values]) => differs(values)).length
    say(
      byId('settings-count'),
      several ? `${count} ${count === 1 ? 'setting differs' : 'settings differ'}` : '',
    )
  }
}
