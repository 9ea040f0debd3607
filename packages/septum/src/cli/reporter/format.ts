import { oneLine } from '../terminal.js'

/** `0:07`, `12:40`, `3:05:00`, `2 d 03:00 h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-:--'
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  const hours = Math.floor(minutes / 60)
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${two(hours % 24)}:${two(minutes % 60)} h`
  return hours ? `${hours}:${two(minutes % 60)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** Digits fixed by size, so that a changing number does not make the line jump. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1000) return value.toFixed(0)
  if (size >= 100) return value.toFixed(1)
  if (size >= 10) return value.toFixed(2)
  return size >= 0.001 ? value.toFixed(4) : value.toExponential(2)
}

export type Details = Readonly<Record<string, number | string>>

/** `{ loss: 0.4, 'samples/s': 120 }` gives `loss 0.4000` and `120 samples/s`. */
export function formatDetails(details: Details): string[] {
  return Object.entries(details).map(([key, value]) => {
    if (key.endsWith('/s')) {
      const rate =
        typeof value !== 'number' ? oneLine(value) : value >= 10 ? value.toFixed(0) : value.toFixed(1)
      return `${rate} ${key}`
    }
    return `${key} ${typeof value === 'number' ? formatNumber(value) : oneLine(value)}`
  })
}

/** The details that still mean something when a task is over: numbers, not the name of its last case. */
export function lastingDetails(details: Details): string[] {
  return formatDetails(
    Object.fromEntries(Object.entries(details).filter(([, value]) => typeof value === 'number')),
  )
}
