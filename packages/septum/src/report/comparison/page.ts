import type { PaperCell, PaperRow } from '../../comparison/outputs/index.js'
import { paperTable, settingsRows } from '../../comparison/outputs/index.js'
import type { Comparison } from '../../comparison/types.js'
import { footnotes, inMillimetres, metricTitle, plainTitle } from '../../evaluation/outputs/index.js'
import type { Evaluation } from '../../evaluation/types.js'
import { type CasePicture, leadingMetric } from '../../evaluation/worst.js'
import { htmlDocument, section } from '../document.js'
import { boxPlots } from '../evaluation/box-plots.js'
import { caseTable, tableScript } from '../evaluation/case-table.js'
import { comparisonTable, rankingTable } from '../evaluation/comparisons.js'
import { casePicture, overlayLegend } from '../evaluation/overlays.js'
import { evaluationStyle } from '../evaluation/style.js'
import { thresholdCurves } from '../evaluation/threshold-curves.js'
import { pageStyle } from '../page-style.js'
import { type Child, type Markup, markup, trusted } from '../svg.js'
import { costPlot } from './cost-plot.js'
import { runPlots } from './run-plots.js'
import { comparisonStyle } from './style.js'

export interface ComparisonPage {
  readonly comparison: Comparison
  /** The worst cases, worst first. */
  readonly pictures: readonly CasePicture[]
}

/**
 * A comparison as one HTML file that needs nothing else: the table of the paper with published numbers beside, value
 * against cost, every run, tests and rankings, spread over the cases, worst cases, settings, every case in a table.
 */
export async function renderComparisonPage({ comparison, pictures }: ComparisonPage): Promise<string> {
  const { evaluation, failures } = comparison
  const body: Child[] = [
    section('Results', results(comparison)),
    failures.length > 0 && section('What failed', failureList(comparison)),
    ...(evaluation === null ? [] : await details(comparison, evaluation, pictures)),
  ]
  return htmlDocument({
    title: `Comparison: ${comparison.title}`,
    lead: leadOf(comparison),
    body,
    style: pageStyle + evaluationStyle + comparisonStyle,
    script: tableScript,
  })
}

function leadOf({ protocol, methods, runs }: Comparison): string {
  const { cases, patients, folds, seeds, budget } = protocol
  const what = [
    `${methods.length} methods`,
    `${cases} cases${patients < cases ? ` of ${patients} patients` : ''}`,
    folds !== null && `${folds}-fold cross-validation`,
    `${seeds.length} seed${seeds.length === 1 ? '' : 's'}`,
    budget.kind === 'steps' ? `${budget.steps} steps each` : `${budget.epochs} epochs each`,
    `${runs.length} runs finished`,
  ].filter(Boolean)
  return `${what.join(', ')}.`
}

async function details(
  comparison: Comparison,
  evaluation: Evaluation,
  pictures: readonly CasePicture[],
): Promise<Child[]> {
  const curves = thresholdCurves(evaluation)
  const leading = leadingMetric(evaluation)
  const plot = costPlot(comparison)
  const runs = runPlots(comparison)
  const shown = await Promise.all(pictures.map((picture, i) => casePicture(picture, evaluation, i)))
  return [
    plot &&
      section(
        'Value against cost',
        markup`<p>Multiply-adds of one mask on a logarithmic axis; the area of a dot is the number of parameters. Bars reach one standard deviation between runs. Better and cheaper is ${leading!.direction === 'higher' ? 'up' : 'down'} and left.</p>`,
        markup`<div class="bleed">${plot}</div>`,
      ),
    runs &&
      section(
        'Every run',
        markup`<p>Each dot is the mean over the test cases of one training, the line their mean. From top to bottom: seed by seed, in each the folds.</p>`,
        markup`<div class="bleed">${runs}</div>`,
      ),
    evaluation.comparisons.length > 0 &&
      section(
        'Do the methods differ?',
        markup`<div class="block">${comparisonTable(evaluation)}</div>`,
        markup`<div class="block"><h3>How firm is the ranking?</h3>${rankingTable(evaluation)}</div>`,
      ),
    section(
      'Spread over the cases',
      markup`<p>The box holds the middle half of the cases, the thick line is the median; whiskers reach at most one and a half boxes further. Each dot is a case${comparison.protocol.seeds.length > 1 && ', its score averaged over the seeds'}.</p>`,
      markup`<div class="bleed">${boxPlots(evaluation)}</div>`,
    ),
    shown.length > 0 &&
      section(
        shown.length === 1 ? 'The worst case' : `The ${shown.length} worst cases`,
        markup`<p>By ${plainTitle(leading!)}, averaged over the methods. Masks are those of the first run that tests the case. Enlarged around all marks.</p>`,
        overlayLegend(),
        markup`<div class="rows">${shown}</div>`,
      ),
    curves && section('Over all thresholds', markup`<div class="bleed">${trusted(curves)}</div>`),
    section('Settings', settings(comparison)),
    section('All cases', caseTable(evaluation)),
    section('What the numbers mean', definitions(evaluation)),
  ]
}

/** The table of the paper; published rows are set apart and never best. */
function results(comparison: Comparison): Markup {
  const { columns, rows, others, caption, sources } = paperTable(comparison)
  const head = columns.map(({ title, arrow }) =>
    arrow === ''
      ? markup`<th scope="col">${title}</th>`
      : markup`<th scope="col">${title} <span aria-label="${arrow === '↑' ? 'higher' : 'lower'} is better">${arrow}</span></th>`,
  )
  const table = (body: readonly PaperRow[], label: string, text: Child) => markup`
<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="papers">
<caption>${text}</caption>
<thead><tr><th scope="col">Method</th>${head}</tr></thead>
<tbody>${body.map(paperRow)}</tbody></table></div>`
  const bold = rows.some(({ cells }) => cells.some(({ place }) => place === 1))
  return markup`${table(
    rows,
    'Results',
    markup`${caption} ${bold && 'Bold: best mean of ours, which need not be better beyond chance: see the tests below.'} Grey: as published.`,
  )}
<ul class="notes hint">${[...sources, ...comparison.notes].map((text) => markup`<li>${text}</li>`)}</ul>
${
  others.length > 0 &&
  markup`<details><summary>${others.length} more rows of the published table</summary>${table(others, 'Published values of other methods', 'Methods that were not compared here.')}</details>`
}`
}

function paperRow({ kind, name, remark, cells }: PaperRow): Markup {
  const published = kind === 'published'
  return markup`<tr${published && markup` class="published"`}><th scope="row">${published ? `${name}, published` : name}${remark !== null && markup`<small>${remark}</small>`}</th>${cells.map(
    ({ text, spread, place }: PaperCell) =>
      markup`<td${text === '–' && markup` class="none"`}>${place === 1 ? markup`<strong>${text}</strong>` : text}${spread !== null && markup`<small>${spread}</small>`}</td>`,
  )}</tr>`
}

const failureList = ({ failures }: Comparison): Markup =>
  markup`<ul class="problems">${failures.map(({ entry, run, message }) => markup`<li><b>${entry}</b>${run !== null && `, ${run}`}: ${message}</li>`)}</ul>`

function settings(comparison: Comparison): Markup {
  const [heads, ...rows] = settingsRows(comparison)
  const { scheme, splitHashes } = comparison.protocol
  return markup`<div class="scroll" role="region" aria-label="Settings" tabindex="0"><table class="settings">
<thead><tr>${heads!.map((title) => markup`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => markup`<tr><th scope="row">${name}</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>
<p class="hint">Division of the patients: ${scheme}. Each run keeps its full configuration in config.yaml.</p>
<details><summary>Digests of the divisions</summary><pre>${splitHashes.join('\n')}</pre></details>`
}

function definitions(evaluation: Evaluation): Markup {
  const { dataset } = evaluation
  const terms = evaluation.metrics.map(
    (entry) =>
      markup`<dt>${metricTitle(entry, inMillimetres(evaluation))}</dt><dd>${entry.description} ${entry.empty} Source: ${entry.source}.</dd>`,
  )
  const cite = [dataset.licence && `licence: ${dataset.licence}`, ...dataset.citation].filter(Boolean)
  return markup`<dl class="definitions">${terms}</dl>
<ul class="notes hint">${footnotes(evaluation).map((text) => markup`<li>${text}</li>`)}</ul>
${cite.length > 0 && markup`<details><summary>Data</summary><pre>${cite.join('\n')}</pre></details>`}`
}
