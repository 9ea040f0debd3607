import type { MetricEntry } from '@septum/core'
import { formatNumber, formatP, plainTitle } from '../../evaluation/outputs/index.js'
import type { ComparisonRow, Evaluation } from '../../evaluation/types.js'
import { type Markup, markup } from '../svg.js'

/** Pairs of methods with their tests. @param comparisons in the mean over the classes, or in each class */
export function comparisonTable(
  { metrics, comparisons: means }: Pick<Evaluation, 'metrics' | 'comparisons'>,
  comparisons = means,
): Markup {
  const each = comparisons.some((row) => row.class !== null)
  const entry = new Map(metrics.map((one) => [one.id, one]))
  const rows = comparisons.map((row) => {
    const own = entry.get(row.metric)!
    const { direction } = own
    const firm = row.pHolm < 0.05
    return markup`<tr><th scope="row">${plainTitle(own)}</th>${each && markup`<td class="word">${row.class}</td>`}<td class="word">${row.a} − ${row.b}</td><td>${formatNumber(row.difference, '−')}</td><td>${
      row.interval ? `${formatNumber(row.interval[0], '−')} to ${formatNumber(row.interval[1], '−')}` : '–'
    }</td><td>${row.better} / ${row.worse} / ${row.equal}</td><td>${formatP(row.p)}</td><td>${
      firm ? markup`<strong>${formatP(row.pHolm)}</strong>` : formatP(row.pHolm)
    }</td><td class="word">${verdict(row, direction)}</td></tr>`
  })
  return markup`<div class="scroll" role="region" aria-label="Comparisons${each && ' by class'}" tabindex="0"><table class="tests">
<caption>Differences of the same cases, with paired 95 % bootstrap intervals over patients; Wilcoxon’s signed-rank test, two-sided; p corrected by Holm over all rows. Bold: below 0.05.</caption>
<thead><tr><th scope="col">Metric</th>${each && markup`<th scope="col" class="word">Class</th>`}<th scope="col" class="word">Difference</th><th scope="col">Mean</th><th scope="col">95 % interval</th><th scope="col">better / worse / equal</th><th scope="col">p</th><th scope="col">p (Holm)</th><th scope="col" class="word"></th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

/**
 * A reading of test and interval together: the signed-rank test speaks of most cases, the interval of the mean,
 * and a few failures can turn the two apart.
 */
function verdict(row: ComparisonRow, direction: MetricEntry['direction']): string {
  if (!(row.pHolm < 0.05)) return 'no difference shown'
  const byCases = row.better >= row.worse ? row.a : row.b
  const byMean = row.difference > 0 === (direction === 'higher') ? row.a : row.b
  const [low, high] = row.interval ?? [Number.NaN, Number.NaN]
  return byCases === byMean && (low > 0 || high < 0)
    ? `${byMean} is better`
    : `${byCases} in more cases, not on average`
}

/** How often each method took each rank on resampled cases. @param rankings as of {@link comparisonTable} */
export function rankingTable(
  { methods, metrics, rankings: means }: Pick<Evaluation, 'methods' | 'metrics' | 'rankings'>,
  rankings = means,
): Markup {
  const each = rankings.some((row) => row.class !== null)
  const title = new Map(metrics.map((one) => [one.id, plainTitle(one)]))
  const rows = rankings.flatMap((ranking) =>
    methods.map((method, m) => {
      const [low, high] = ranking.intervals[m]!
      const shares = ranking.shares[m]!.map((share) => {
        const percent = Math.round(100 * share)
        return markup`<td class="share" style="--share:${String(Number(share.toFixed(3)))}">${percent === 0 && share > 0 ? '< 1' : percent} %</td>`
      })
      return markup`<tr${m === 0 ? markup` class="first"` : ''}>${
        m === 0 &&
        markup`<th scope="rowgroup" rowspan="${methods.length}">${title.get(ranking.metric)}${each && markup`, ${ranking.class}`}<small>stability ${formatNumber(ranking.stability)}</small></th>`
      }<td class="word">${method}</td><td>${ranking.ranks[m]!}</td><td>${low} to ${high}</td>${shares}</tr>`
    }),
  )
  return markup`<div class="scroll" role="region" aria-label="Rankings${each && ' by class'}" tabindex="0"><table class="tests ranks">
<caption>Rank by the mean, and how often each rank was taken when patients were drawn again (1,000 times). Stability: mean Kendall correlation between the ranking and those of the resamples; 1 never changes.</caption>
<thead><tr><th scope="col">Metric</th><th scope="col" class="word">Method</th><th scope="col">Rank</th><th scope="col">95 % interval</th>${methods.map(
    (_, place) => markup`<th scope="col">rank ${place + 1}</th>`,
  )}</tr></thead>
<tbody>${rows}</tbody></table></div>`
}
