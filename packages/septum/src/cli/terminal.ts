/** What the command line needs of `process.stdout` and `process.stderr`. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  on?(event: 'resize', listener: () => void): unknown
  off?(event: 'resize', listener: () => void): unknown
}

export type Environment = Readonly<Record<string, string | undefined>>

/** True when escape sequences move the cursor on this stream. */
export function isTerminal(stream: OutputStream, env: Environment): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb'
}

/** Colour on terminals only, and never against NO_COLOR (no-color.org: any non-empty value). */
export function allowsColour(stream: OutputStream, env: Environment): boolean {
  return isTerminal(stream, env) && !env.NO_COLOR
}

/** True when the locale's encoding is UTF-8, by POSIX precedence of the variables. */
export function allowsUnicode(env: Environment, platform: string = process.platform): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return /utf-?8/i.test(locale) || (!locale && (platform === 'win32' || platform === 'darwin'))
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const codes: Record<Style, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}

/** Wraps text in a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

export const paintNothing: Paint = (_, text) => text

export const paintAnsi: Paint = (style, text) => {
  const [on, off] = codes[style]
  return text ? `\x1b[${on}m${text}\x1b[${off}m` : text
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u

/** Columns that plain text takes on a terminal; East Asian wide characters and emoji take two. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** Cuts plain text to a number of columns, with a mark where something is missing. */
export function fitText(text: string, columns: number, mark = '…'): string {
  if (textWidth(text) <= columns) return text
  let kept = ''
  let width = textWidth(mark)
  if (width > columns) return ''
  for (const { segment } of segmenter.segment(text)) {
    width += textWidth(segment)
    if (width > columns) break
    kept += segment
  }
  return kept + mark
}

/** The same on one line. */
export const oneLine = (text: string): string => printable(text).replace(/[\n\t]/g, ' ')

/** Makes control characters (except tab and line feed) visible: a file name must not move the cursor. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')
}
