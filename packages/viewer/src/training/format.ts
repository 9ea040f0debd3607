/** Three significant digits, without an exponent where that reads well. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size >= 1e6 || size < 1e-3)
    return value.toExponential(1).replace('e+', 'e').replace('-', '−').replace('e-', 'e−')
  const text = size >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
  return text.replace('-', '−')
}

export const steps = (value: number): string => value.toLocaleString('en-GB')

/** `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 36) return `${hours} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`
  return `${Math.floor(hours / 24)} d${hours % 24 ? ` ${hours % 24} h` : ''}`
}

/** A setting as one reads it in a table. */
export function setting(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return String(value).replace('-', '−')
  return typeof value === 'string'
    ? value
    : typeof value === 'boolean'
      ? value
        ? 'yes'
        : 'no'
      : JSON.stringify(value)
}
