/** `0:07`, `12:40`, `3:05:00`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** Parameters in millions, multiply-adds in billions: three digits that count, `27.7`, `0.012`. */
export function formatShare(value: number, unit: number): string {
  const scaled = value / unit
  if (!Number.isFinite(scaled)) return '–'
  if (scaled >= 99.95) return scaled.toFixed(0)
  if (scaled >= 9.995) return scaled.toFixed(1)
  return scaled.toFixed(scaled >= 0.9995 ? 2 : 3)
}

/** Images a second. */
export function formatRate(value: number): string {
  return Number.isFinite(value) ? value.toFixed(value >= 9.95 ? 0 : value >= 0.995 ? 1 : 2) : '–'
}
