import { fitText, type Paint, textWidth } from '../terminal.js'
import { type Details, formatDetails, formatDuration } from './format.js'

export interface ProgressState {
  readonly label: string
  readonly done: number
  readonly total: number
  readonly unit: string
  readonly details: Details
  readonly elapsedSeconds: number
  readonly secondsLeft: number | undefined
}

export interface LineStyle {
  readonly columns: number
  readonly unicode: boolean
  readonly paint: Paint
}

const WIDEST_BAR = 30
const NARROWEST_BAR = 8

/**
 * One progress line of at most `columns` characters: label, bar, share, then what fits, most wanted first
 * (time left, the first detail, the count, the other details, the time so far), shown in a fixed order.
 */
export function progressLine(state: ProgressState, { columns, unicode, paint }: LineStyle): string {
  const share = state.total > 0 ? Math.min(1, state.done / state.total) : 1
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  const separator = unicode ? ' · ' : ' | '
  const details = formatDetails(state.details)
  const left = state.secondsLeft === undefined ? undefined : `${formatDuration(state.secondsLeft)} left`
  const count = `${state.done}/${state.total} ${state.unit}`.trimEnd()
  const parts = [count, ...details, formatDuration(state.elapsedSeconds), left].map((text) => text ?? '')
  const elapsedAt = 1 + details.length
  const [first = [], ...others] = details.map((_, i) => [i + 1])
  const wanted = [elapsedAt + 1, ...first, 0, ...others.flat(), elapsedAt].filter((i) => parts[i])

  const label = fitText(state.label, Math.max(columns - percent.length - 1, 0), unicode ? '…' : '~')
  const gap = label ? 1 : 0
  let room = columns - textWidth(label) - gap - percent.length
  const hasBar = room > NARROWEST_BAR
  if (hasBar) room -= NARROWEST_BAR + 1
  const shown = new Set<number>()
  for (const index of wanted) {
    // The first part stands after two spaces, the others after a separator, which is wider.
    const needed = textWidth(parts[index]!) + (shown.size ? separator.length : 2)
    if (needed > room) break
    room -= needed
    shown.add(index)
  }
  const bar = hasBar ? drawBar(share, Math.min(WIDEST_BAR, NARROWEST_BAR + room), unicode, paint) : ''
  const tail = parts.filter((_, index) => shown.has(index)).join(paint('dim', separator))
  const head = [label && paint('bold', label), bar, percent].filter(Boolean).join(' ')
  return tail ? `${head}  ${tail}` : head
}

function drawBar(share: number, width: number, unicode: boolean, paint: Paint): string {
  if (!unicode) {
    const inner = width - 2
    const full = Math.floor(share * inner)
    return `[${'#'.repeat(full)}${'.'.repeat(inner - full)}]`
  }
  const halves = Math.floor(share * width * 2)
  const full = '━'.repeat(halves >> 1) + (halves & 1 ? '╸' : '')
  return paint('cyan', full) + paint('dim', '─'.repeat(width - full.length))
}
