import { type CurvesFigure, renderCurves } from './curves.js'
import { htmlDocument, section } from './document.js'
import { type HypothesesFigure, renderHypothesesFigure } from './hypotheses.js'
import { pageStyle } from './page-style.js'
import { casePlayers, playerScript } from './player.js'
import { type Results, resultsTable } from './results.js'
import { type Markup, markup, trusted } from './svg.js'

export interface ReportDataset {
  readonly name: string
  readonly licence: string
  readonly citation: string
  /** Where it comes from; only http and https addresses become links. */
  readonly url?: string
}

export interface ReportMethod {
  readonly name: string
  readonly summary?: string
  /** Trained weights. */
  readonly parameters: number
  /** Training time on the wall clock. */
  readonly seconds: number
}

export interface ReportPage {
  readonly title: string
  /** One or two sentences: what was done, and what came out. */
  readonly lead: string
  readonly dataset: ReportDataset
  /** How cases were divided, e.g. `by patient: 420 training, 60 validation, 40 test slices`. */
  readonly split: string
  readonly seeds: readonly number[]
  readonly methods: readonly ReportMethod[]
  readonly machine: string
  /** Seconds of the whole run. */
  readonly seconds: number
  /** When it ended, as it shall be printed. */
  readonly date?: string
  readonly results: Results
  readonly figure: HypothesesFigure
  readonly curves?: CurvesFigure
  /** All settings as text (YAML). */
  readonly settings?: string
  /** What the result shows and what it does not, one sentence or two each. */
  readonly notes: readonly string[]
  /** What to type next. */
  readonly next: { readonly command: string; readonly explanation: string }
}

/**
 * The report of a run as one HTML file that needs nothing else: no network, no script but its own (a content
 * security policy says so), readable in light and dark, on paper and without JavaScript.
 *
 * @throws SeptumError as `renderHypothesesFigure`.
 */
export async function renderReportPage(page: ReportPage): Promise<string> {
  const figure = await renderHypothesesFigure({
    ...page.figure,
    title: undefined,
    subtitle: undefined,
    theme: 'auto',
  })
  const players = await Promise.all(page.figure.cases.map(casePlayers))
  const playable = page.figure.cases.some((item) => item.stages.length > 1 || item.samples.length > 1)
  const body = [
    section('What was run', facts(page)),
    section('Results on unseen cases', resultsTable(page.results)),
    section(
      page.figure.title ?? 'What the model sees',
      page.figure.subtitle && markup`<p>${page.figure.subtitle}</p>`,
      markup`<div class="bleed" role="region" aria-label="Figure" tabindex="0">${trusted(figure)}</div>`,
    ),
    playable &&
      section(
        'Watch the masks grow',
        markup`<p>Press play: the mask is predicted coarse first, then finer. The samples beside it are masks that the model finds plausible for the same image. The line is the border at probability 0.5.</p>`,
        players,
      ),
    page.curves &&
      section(
        'Training',
        markup`<div class="bleed">${trusted(renderCurves({ ...page.curves, theme: 'auto' }))}</div>`,
      ),
    section('What this shows, and what it does not', markup`<ul class="notes">${page.notes.map(note)}</ul>`),
    page.settings &&
      section(
        'Settings',
        markup`<details><summary>All settings of this run</summary><pre>${page.settings}</pre></details>`,
      ),
    section('Next', markup`<p>${page.next.explanation}</p><pre><code>${page.next.command}</code></pre>`),
  ]
  return htmlDocument({ ...page, body, style: pageStyle, script: playerScript })
}

const note = (text: string) => markup`<li>${text}</li>`

function facts(page: ReportPage): Markup {
  const { dataset } = page
  const safe = dataset.url && /^https?:\/\//i.test(dataset.url)
  const name = safe ? markup`<a href="${dataset.url}" rel="noreferrer">${dataset.name}</a>` : dataset.name
  const methods = page.methods.map(
    (method) =>
      markup`<div><dt>Method</dt><dd>${method.name}<small>${
        method.summary && markup`${method.summary}<br>`
      }${formatCount(method.parameters)} parameters, trained in ${formatDuration(method.seconds)}</small></dd></div>`,
  )
  return markup`<dl class="facts">
<div><dt>Data</dt><dd>${name}<small>Licence: ${dataset.licence}</small></dd></div>
<div><dt>Split</dt><dd>${page.split}</dd></div>
${methods}
<div><dt>Machine</dt><dd>${page.machine}</dd></div>
<div><dt>Time in all</dt><dd>${formatDuration(page.seconds)}</dd></div>
<div><dt>${page.seeds.length === 1 ? 'Seed' : 'Seeds'}</dt><dd>${page.seeds.join(', ')}</dd></div>
<div class="wide"><dt>Please cite the data as</dt><dd><small>${dataset.citation}</small></dd></div>
</dl>`
}

/** Seconds as a person says them: `43 s`, `8 min 23 s`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  if (!(seconds >= 0)) return 'unknown time'
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  const minutes = Math.round(whole / 60)
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** A count with a comma at every thousand: 1,630,208. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-GB')
}
