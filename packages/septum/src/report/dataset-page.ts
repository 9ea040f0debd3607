import type { ClassRow, DatasetCheck, Finding } from '../datasets/check/index.js'
import { type ContactSheet, layerColour, renderContactSheet } from './contact-sheet.js'
import { sizeHistogram } from './dataset-histogram.js'
import { datasetStyle } from './dataset-style.js'
import { formatCount } from './page.js'
import { pageStyle } from './page-style.js'
import { type Child, type Markup, markup, trusted } from './svg.js'

export interface DatasetPage {
  readonly check: DatasetCheck
  readonly sheet: ContactSheet
  /** What to type next. */
  readonly next: { readonly command: string; readonly explanation: string }
}

const SHOWN = 100

/** What `septum data check` found, as one HTML file that needs nothing else: no network and no script. */
export async function renderDatasetPage({ check, sheet, next }: DatasetPage): Promise<string> {
  const { problems, warnings } = check
  const picture = await renderContactSheet({ ...sheet, theme: 'auto' })
  const body = [
    section('At a glance', facts(check)),
    problems.length > 0 &&
      section(`${counted(problems.length, 'problem')} to repair`, findings(problems, 'problem')),
    warnings.length > 0 &&
      section(`${counted(warnings.length, 'thing')} to look at`, findings(warnings, 'warning')),
    section(
      'Cases',
      markup`<p>${sheetText(check, sheet)}</p>`,
      markup`<div class="sheet" role="region" aria-label="Contact sheet" tabindex="0">${trusted(picture)}</div>`,
    ),
    check.classRows.length > 0 &&
      check.labelled > 0 &&
      section('What is marked', classTable(check), histograms(check)),
    section('Sizes and spacing', geometryTable(check)),
    section('Intensities', intensityTable(check)),
    section('Division', division(check)),
    section('Next', markup`<p>${next.explanation}</p><pre><code>${next.command}</code></pre>`),
  ]
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${check.name}: data check</title>
<style>${trusted(pageStyle)}${trusted(datasetStyle)}</style>
</head>
<body>
<header>
<p class="brand">Septum data check</p>
<h1>${check.name}</h1>
<p class="lead">${lead(check)}</p>
<p class="verdict ${problems.length > 0 ? 'bad' : 'good'}">${
    problems.length > 0
      ? `${counted(problems.length, 'problem')} to repair before training`
      : 'Every file could be read; images and masks belong together'
  }</p>
</header>
<main>
${body}
</main>
<footer><p>Made by Septum. Research use only. Not a medical device.</p></footer>
</body>
</html>
`.toString()
}

const section = (title: string, ...content: readonly Child[]): Markup =>
  markup`<section><h2>${title}</h2>
${content}</section>
`

const counted = (count: number, what: string) => `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`

function lead({ cases, patients, volumes, classes, raters, labelled }: DatasetCheck): string {
  const kind = volumes === cases ? 'volume' : volumes === 0 ? 'image' : 'image and volume'
  const who = patients === cases ? '' : ` of ${counted(patients, 'patient')}`
  const drawn = raters.length > 1 ? `, ${raters.length} raters` : ''
  const rest = labelled < cases ? `; ${formatCount(labelled)} of them labelled` : ''
  return `${counted(cases, kind)}${who}, ${counted(classes.length, 'class').replace('classs', 'classes')}${drawn}${rest}.`
}

function facts(check: DatasetCheck): Markup {
  const {
    layout,
    channels,
    formats,
    sampleTypes,
    labels,
    raters,
    licence,
    source,
    citation,
    emptyCases,
    dir,
  } = check
  const list = (rows: DatasetCheck['formats']) =>
    rows
      .map(({ value, count }) => (rows.length === 1 ? value : `${value} (${formatCount(count)})`))
      .join(', ')
  const row = (title: string, text: Child, small?: string) =>
    markup`<div><dt>${title}</dt><dd>${text}${small && markup`<small>${small}</small>`}</dd></div>`
  const linked = source !== undefined && /^https?:\/\//i.test(source)
  return markup`<dl class="facts">
${row('Layout', layout, dir)}
${row('Images', channels, `${list(formats)}; stored as ${list(sampleTypes)}`)}
${row('Raters', raters.length === 1 ? 'one mask a case' : `${raters.length}: ${raters.join(', ')}`, emptyCases > 0 ? `nothing is marked in ${counted(emptyCases, 'case')}` : undefined)}
${row('Licence', licence ?? 'not stated', licence ? undefined : 'say it under licence in dataset.yaml')}
${source && row('Source', linked ? markup`<a href="${source}" rel="noreferrer">${source}</a>` : source)}
<div class="wide"><dt>What mask values mean</dt><dd>${labels}</dd></div>
${citation.length > 0 && markup`<div class="wide"><dt>Please cite the data as</dt><dd><small>${citation.join('; ')}</small></dd></div>`}
</dl>`
}

function findings(rows: readonly Finding[], kind: 'problem' | 'warning'): Markup {
  const shown = rows.slice(0, SHOWN)
  return markup`<ul class="findings ${kind === 'problem' ? 'severe' : 'mild'}">
${shown.map(
  ({ code, message, hint, case: name, file }) =>
    markup`<li><p><b>${message}.</b> ${hint}</p><p class="where">${name && markup`<span>case ${name}</span>`}${file && markup`<code>${file}</code>`}<span>${code}</span></p></li>`,
)}
</ul>${rows.length > shown.length && markup`<p>and ${formatCount(rows.length - shown.length)} more; --json lists all.</p>`}`
}

function sheetText({ raters, volumes, cases }: DatasetCheck, { thumbnails }: ContactSheet): string {
  const what = raters.length > 1 ? 'what each rater marked' : 'what is marked'
  const slices = volumes > 0 ? ' Of a volume the slice with the most marks is shown.' : ''
  return `${thumbnails.length} of ${counted(cases, 'case')}, at equal distances through the list; lines show the border of ${what}. Grey values are stretched from their 0.5 % to their 99.5 % quantile.${slices} Check that lines follow what they should: a flipped or shifted mask is seen here.`
}

function classTable({ classRows, raters, labelled }: DatasetCheck): Markup {
  const unit = classRows[0]!.unit
  const widest = Math.max(...classRows.map(({ share }) => share), Number.MIN_VALUE)
  const colour = (index: number) => (raters.length > 1 ? 'var(--series0)' : layerColour(index))
  return markup`<div class="scroll"><table class="numbers">
<caption>Of ${counted(labelled, 'labelled case')}${raters.length > 1 ? `, all ${raters.length} raters together` : ''}. A part is a connected piece of a class, or a numbered object; sizes are in ${unit}.</caption>
<thead><tr><th>Class</th><th>Cases with it</th><th>Share of all samples</th><th>Parts a mask</th><th>Smallest</th><th>Median size</th><th>Largest</th></tr></thead>
<tbody>${classRows.map(
    ({ name, cases, share, partsPerCase, parts }, index) =>
      markup`<tr><th><i class="key" style="background:${colour(index)}"></i>${name}</th><td>${formatCount(cases)} <small>${percent(cases / Math.max(1, labelled))}</small></td><td class="bar"><i style="width:${((100 * share) / widest).toFixed(1)}px"></i>${percent(share)}</td><td>${number(partsPerCase)}</td><td>${parts ? number(parts.min) : '-'}</td><td>${parts ? number(parts.median) : '-'}</td><td>${parts ? number(parts.max) : '-'}</td></tr>`,
  )}</tbody></table></div>`
}

function histograms({ classRows }: DatasetCheck): Markup {
  const drawn = classRows.filter((row): row is ClassRow => row.sizes.length >= 5)
  return markup`${
    drawn.length > 0 &&
    markup`<div class="histograms">${drawn.map((row) => markup`<figure><figcaption>Sizes of ${row.name}</figcaption>${sizeHistogram(row.sizes, row.unit)}</figure>`)}</div>`
  }`
}

function geometryTable(check: DatasetCheck): Markup {
  const { sizes, sizeRanges, spacings, spacingRanges, withoutSpacing, cases } = check
  const axes = ['x', 'y', 'z']
  const ranges = (rows: DatasetCheck['sizeRanges'], unit: string) =>
    rows.map(
      ({ min, median, max }, axis) =>
        markup`<tr><th>${axes[axis]}</th><td>${number(min)}</td><td>${number(median)}</td><td>${number(max)}</td><td>${unit}</td></tr>`,
    )
  const common = (rows: DatasetCheck['sizes'], unit: string) =>
    rows.length === 0
      ? 'none'
      : `${rows
          .slice(0, 4)
          .map(({ value, count }) => `${value} ${unit} (${formatCount(count)})`)
          .join(', ')}${rows.length > 4 ? ` and ${formatCount(rows.length - 4)} others` : ''}`
  const spacing =
    spacingRanges.length === 0
      ? markup`<p>No image says how large its pixels are: sizes are counted in pixels, and distances cannot be in millimetres.</p>`
      : markup`<p>Spacing: ${common(spacings, 'mm')}.${withoutSpacing > 0 ? ` ${counted(withoutSpacing, 'image')} of ${formatCount(cases)} have none.` : ''}</p>`
  return markup`<p>Sizes: ${common(sizes, '')}.</p>${spacing}
<div class="pair"><table class="numbers"><caption>Samples along each axis</caption><thead><tr><th>Axis</th><th>Least</th><th>Median</th><th>Most</th><th></th></tr></thead><tbody>${ranges(sizeRanges, '')}</tbody></table>
${spacingRanges.length > 0 && markup`<table class="numbers"><caption>Spacing along each axis</caption><thead><tr><th>Axis</th><th>Least</th><th>Median</th><th>Most</th><th></th></tr></thead><tbody>${ranges(spacingRanges, 'mm')}</tbody></table>`}</div>`
}

const intensityTable = ({ intensities }: DatasetCheck): Markup =>
  markup`<div class="scroll"><table class="numbers">
<caption>As stored, before any preprocessing. Mean and standard deviation are those of an image, averaged over images; quantiles are of samples of all images.</caption>
<thead><tr><th>Channel</th><th>Least</th><th>0.5 %</th><th>Median</th><th>99.5 %</th><th>Most</th><th>Mean</th><th>Deviation</th></tr></thead>
<tbody>${intensities.map(
    ({ channel, min, p005, p50, p995, max, mean, std }) =>
      markup`<tr><th>${channel}</th>${[min, p005, p50, p995, max, mean, std].map((value) => markup`<td>${number(value)}</td>`)}</tr>`,
  )}</tbody></table></div>`

function division({ split, duplicates }: DatasetCheck): Markup {
  const copies = duplicates.length === 0 ? 'No two cases hold the same image.' : undefined
  if (!split) {
    return markup`<p>None is laid down: a run would draw one by its seed. <code>septum data split</code> writes one that all runs share.</p><p>${copies}</p>`
  }
  const { scheme, hash, parts, labelled } = split
  const rows = (['train', 'val', 'test'] as const).map(
    (part) =>
      markup`<tr><th>${{ train: 'Training', val: 'Validation', test: 'Test' }[part]}</th><td>${formatCount(parts[part].cases)}</td><td>${formatCount(parts[part].patients)}</td></tr>`,
  )
  return markup`<p>${scheme}${labelled === undefined ? '' : `; the masks of ${counted(labelled, 'training patient')} may be used`}.</p>
<table class="numbers"><thead><tr><th>Part</th><th>Cases</th><th>Patients</th></tr></thead><tbody>${rows}</tbody></table>
<p class="hash">SHA-256 of the lists: <code>${hash}</code></p><p>${copies}</p>`
}

const percent = (share: number) =>
  share === 0
    ? '0 %'
    : share < 0.0001
      ? 'below 0.01 %'
      : `${Number((100 * share).toPrecision(share < 0.1 ? 2 : 3))} %`

/** Three significant digits, whole numbers from 100 on. */
function number(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return formatCount(Math.round(value))
  return String(Number(value.toPrecision(3)))
}
