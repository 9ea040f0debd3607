import { arrowOf, formatNumber, inMillimetres, metricTitle } from '../../evaluation/outputs/index.js'
import type { Evaluation } from '../../evaluation/types.js'
import { type Markup, markup } from '../svg.js'

/** Rows that a browser sorts without a pause. */
const mostRows = 5000

const words = {
  none: '',
  prediction: 'prediction empty',
  reference: 'reference empty',
  both: 'both empty',
} as const

/** Every case, method and class as a row; a click on a heading sorts, the field above filters. */
export function caseTable(evaluation: Evaluation): Markup {
  const { perCase, metrics, methods, classes } = evaluation
  const several = { method: methods.length > 1, class: classes.length > 1 }
  const head = (title: string, kind: 'text' | 'number') =>
    markup`<th scope="col" aria-sort="none"${kind === 'text' && markup` class="word"`}><button type="button" data-sort="${kind}">${title}</button></th>`
  const rows = perCase.slice(0, mostRows).map((score) => {
    const empty = words[Object.values(score.empty)[0] ?? 'none']
    const cells = metrics.map(({ id }) => {
      const value = score.values[id] ?? Number.NaN
      return markup`<td data-value="${Number.isNaN(value) ? '' : String(value)}">${formatNumber(value)}</td>`
    })
    return markup`<tr><th scope="row">${score.case}</th>${several.method && markup`<td class="word">${score.method}</td>`}${
      several.class && markup`<td class="word">${score.class}</td>`
    }${cells}<td class="word">${empty}</td></tr>
`
  })
  const more = perCase.length - mostRows
  return markup`<p class="filter" hidden><label>Show cases whose name contains <input type="search"></label> <output></output></p>
<div class="scroll tall" role="region" aria-label="Scores of all cases" tabindex="0"><table class="cases">
<thead><tr>${head('Case', 'text')}${several.method && head('Method', 'text')}${several.class && head('Class', 'text')}${metrics.map(
    (entry) => head(`${metricTitle(entry, inMillimetres(evaluation))} ${arrowOf(entry)}`.trim(), 'number'),
  )}${head('Empty', 'text')}</tr></thead>
<tbody>
${rows}</tbody></table></div>
${more > 0 && markup`<p class="hint">${more} more rows are in cases.csv.</p>`}`
}

/** Sorting and filtering; without it the table is sorted by name and whole. */
export const tableScript = `
const table = document.querySelector('table.cases')
if (table) {
  const body = table.tBodies[0]
  const rows = [...body.rows]
  const buttons = [...table.querySelectorAll('button[data-sort]')]
  const collator = new Intl.Collator(undefined, { numeric: true })
  buttons.forEach((button, column) => {
    button.addEventListener('click', () => {
      const head = button.parentElement
      const down = head.getAttribute('aria-sort') === 'ascending'
      for (const other of buttons) other.parentElement.setAttribute('aria-sort', 'none')
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending')
      const key = (row) => {
        const cell = row.cells[column]
        if (button.dataset.sort === 'text') return cell.textContent
        return cell.dataset.value === '' ? NaN : Number(cell.dataset.value)
      }
      const sign = down ? -1 : 1
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)]
        if (typeof x === 'string') return sign * collator.compare(x, y)
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y)
        return sign * (x - y)
      })
      body.append(...rows)
    })
  })
  const filter = document.querySelector('.filter')
  const field = filter.querySelector('input')
  field.addEventListener('input', () => {
    const wanted = field.value.toLowerCase()
    let shown = 0
    for (const row of rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted)
      if (!row.hidden) shown++
    }
    filter.querySelector('output').textContent = wanted ? shown + ' of ' + rows.length + ' rows' : ''
  })
  filter.hidden = false
}
`
