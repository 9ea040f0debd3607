import {
  footnotes,
  formatNumber,
  inMillimetres,
  metricTitle,
  plainTitle,
} from '../../evaluation/outputs/index.js'
import type { Evaluation } from '../../evaluation/types.js'
import { type CasePicture, leadingMetric } from '../../evaluation/worst.js'
import { htmlDocument, section } from '../document.js'
import { pageStyle } from '../page-style.js'
import { type Estimate, type Metric, resultsTable } from '../results.js'
import { type Child, type Markup, markup, trusted } from '../svg.js'
import { boxPlots } from './box-plots.js'
import { caseTable, tableScript } from './case-table.js'
import { comparisonTable, rankingTable } from './comparisons.js'
import { casePicture, overlayLegend } from './overlays.js'
import { evaluationStyle } from './style.js'
import { thresholdCurves } from './threshold-curves.js'

export interface EvaluationPage {
  readonly evaluation: Evaluation
  /** The worst cases, worst first. */
  readonly pictures: readonly CasePicture[]
}

/**
 * An evaluation as one HTML file that needs nothing else: results, tests, spread over the cases, the worst
 * cases as pictures, threshold curves, every case in a sortable table, and what each metric means.
 */
export async function renderEvaluationPage({ evaluation, pictures }: EvaluationPage): Promise<string> {
  const { methods, problems, comparisons, byClass } = evaluation
  const curves = thresholdCurves(evaluation)
  const leading = leadingMetric(evaluation)
  const shown = await Promise.all(pictures.map((picture, i) => casePicture(picture, evaluation, i)))
  const body: Child[] = [
    section('Results', ...results(evaluation)),
    comparisons.length > 0 &&
      section(
        'Do the methods differ?',
        block(null, comparisonTable(evaluation)),
        block('How firm is the ranking?', rankingTable(evaluation)),
        byClass.comparisons.length > 0 &&
          markup`<details class="block"><summary>The same in each class</summary>${block(null, comparisonTable(evaluation, byClass.comparisons))}${block(null, rankingTable(evaluation, byClass.rankings))}</details>`,
      ),
    section(
      'Spread over the cases',
      markup`<p>The box holds the middle half of the cases, the thick line is the median; whiskers reach at most one and a half boxes further. Each dot is a case.</p>`,
      markup`<div class="bleed">${boxPlots(evaluation)}</div>`,
    ),
    shown.length > 0 &&
      section(
        shown.length === 1 ? 'The worst case' : `The ${shown.length} worst cases`,
        markup`<p>By ${plainTitle(leading!)}${methods.length > 1 ? ', averaged over the methods' : ''}. Enlarged around all marks.</p>`,
        overlayLegend(),
        markup`<div class="${methods.length === 1 ? 'pairs' : 'rows'}">${shown}</div>`,
      ),
    curves && section('Over all thresholds', markup`<div class="bleed">${trusted(curves)}</div>`),
    section('All cases', caseTable(evaluation)),
    problems.length > 0 &&
      section(
        'What could not be scored',
        markup`<ul class="problems">${problems.map(({ case: name, method, message }) => markup`<li><b>${name}</b>${method !== null && methods.length > 1 && `, ${method}`}: ${message}</li>`)}</ul>`,
      ),
    section('What the numbers mean', definitions(evaluation), settings(evaluation)),
  ]
  return htmlDocument({
    title: `Evaluation: ${evaluation.title}`,
    lead: leadOf(evaluation),
    body,
    style: pageStyle + evaluationStyle,
    script: tableScript,
  })
}

function leadOf({ cases, patients, raters, samples, classes, methods, dataset }: Evaluation): string {
  const of = patients < cases ? ` of ${patients} patients` : ''
  const what = [
    `${cases} case${cases === 1 ? '' : 's'}${of} of ${dataset.name}`,
    classes.length > 1 && `${classes.length} classes`,
    methods.length > 1 && `${methods.length} methods`,
    samples > 1 && `${samples} hypotheses an image`,
    raters > 1 && `${raters} raters`,
  ].filter(Boolean)
  return `${what.join(', ')}.`
}

/** Methods by metrics, the mean over the classes first; of a single method the classes are the rows. */
function results(evaluation: Evaluation): Child[] {
  const { classes, cases, methods } = evaluation
  const groups: (string | null)[] = classes.length > 1 ? [null, ...classes] : [null]
  const metrics = evaluation.metrics.map((entry) => metricOf(evaluation, entry))
  const over = `Over ${cases} case${cases === 1 ? '' : 's'}.`
  const [only] = methods as [string]
  const tables =
    methods.length === 1
      ? [
          resultsTable({
            caption: over,
            metrics,
            rivals: false,
            rowTitle: classes.length > 1 ? 'Class' : 'Method',
            rows: groups.map((name) => ({
              name: name ?? (classes.length > 1 ? 'mean of the classes' : only),
              values: valuesOf(evaluation, only, name),
            })),
          }),
        ]
      : groups.map((name) =>
          block(
            groups.length === 1 ? null : (name ?? 'Mean of the classes'),
            resultsTable({
              caption: over,
              metrics,
              rows: methods.map((method) => ({ name: method, values: valuesOf(evaluation, method, name) })),
            }),
          ),
        )
  const notes = footnotes(evaluation).map((text) => markup`<li>${text}</li>`)
  return [...tables, notes.length > 0 && markup`<ul class="notes hint">${notes}</ul>`]
}

function metricOf(evaluation: Evaluation, entry: Evaluation['metrics'][number]): Metric {
  const { direction } = entry
  return {
    name: metricTitle(entry, inMillimetres(evaluation)),
    better: direction === 'none' ? null : direction,
  }
}

function valuesOf(evaluation: Evaluation, method: string, name: string | null): Record<string, Estimate> {
  return Object.fromEntries(
    evaluation.metrics.map((entry): [string, Estimate] => {
      const row = evaluation.rows.find(
        (one) => one.method === method && one.class === name && one.metric === entry.id,
      )!
      const [low, high] = row.interval ?? [Number.NaN, Number.NaN]
      return [metricTitle(entry, inMillimetres(evaluation)), { mean: row.mean, low, high }]
    }),
  )
}

const block = (title: string | null, content: Markup): Markup =>
  markup`<div class="block">${title !== null && markup`<h3>${title}</h3>`}${content}</div>`

function definitions(evaluation: Evaluation): Markup {
  const terms = evaluation.metrics.map(
    (entry) =>
      markup`<dt>${metricTitle(entry, inMillimetres(evaluation))}</dt><dd>${entry.description} ${entry.empty} Source: ${entry.source}.</dd>`,
  )
  return markup`<dl class="definitions">${terms}</dl>`
}

function settings({ metricOptions, seed, dataset }: Evaluation): Markup {
  const lines = Object.entries({ ...metricOptions, bootstrapSeed: seed }).map(
    ([key, value]) => `${key}: ${typeof value === 'number' ? formatSetting(value) : value}`,
  )
  const cite = [dataset.licence && `licence: ${dataset.licence}`, ...dataset.citation].filter(Boolean)
  return markup`<details><summary>Settings${cite.length > 0 && ' and data'}</summary><pre>${[...lines, ...cite].join('\n')}</pre></details>`
}

const formatSetting = (value: number): string =>
  Number.isInteger(value) ? String(value) : formatNumber(value)
