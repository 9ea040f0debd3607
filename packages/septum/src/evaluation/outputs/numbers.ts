import type { MetricEntry } from '@septum/core'

/** Digits behind the point: three for scores, fewer for lengths, volumes and counts as they grow. */
export function formatNumber(value: number, minus = '-'): string {
  if (Number.isNaN(value)) return '–'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${minus}∞`
  const size = Math.abs(value)
  const text = size.toFixed(size >= 99.95 ? 1 : size >= 9.995 ? 2 : 3)
  return value < 0 && Number(text) !== 0 ? `${minus}${text}` : text
}

/** A p-value: three digits, `< 0.001` below, `–` where there was no test. */
export function formatP(p: number): string {
  return Number.isNaN(p) ? '–' : p < 0.001 ? '< 0.001' : p.toFixed(3)
}

const signs: Readonly<Record<string, string>> = { _β: 'ᵦ', _φ: 'ᵩ', _α: 'α', '^w': 'ʷ' }

/** Name of a metric in plain text: `F_β^w` with the letters that Unicode has small. */
export function plainTitle({ title }: Pick<MetricEntry, 'title'>): string {
  return title.replace(/_[βφα]|\^w/g, (sign) => signs[sign]!)
}

/** Name and unit of a metric as a heading, `HD95 (mm)`; lengths are pixels where no spacing is known. */
export function metricTitle(entry: MetricEntry, millimetres: boolean, title = plainTitle(entry)): string {
  const { unit, usesSpacing } = entry
  if (!usesSpacing) return unit === 'pixels' ? `${title} (px)` : title
  if (unit === 'length') return `${title} (${millimetres ? 'mm' : 'px'})`
  if (unit === 'volume') return `${title} (${millimetres ? 'mm³' : 'px'})`
  return title
}

export const arrowOf = ({ direction }: MetricEntry): string =>
  direction === 'higher' ? '↑' : direction === 'lower' ? '↓' : ''
