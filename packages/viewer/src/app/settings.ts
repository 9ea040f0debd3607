/** What the large picture shows. */
export type View = 'consensus' | 'uncertainty' | 'sample' | 'growth'
export type Tool = 'move' | 'ruler' | 'window'

export interface Line {
  /** [x, y] in pixels of the image. */
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
}

/** Everything that a person sets and may want to undo. */
export interface Settings {
  readonly view: View
  readonly classIndex: number
  readonly sample: number
  /** Samples that are not in the blend. */
  readonly leftOut: readonly number[]
  /** A pixel is in the consensus where more than this share of the samples marks it. */
  readonly threshold: number
  /** Index of the scale shown, from 0. */
  readonly scale: number
  /** Of the overlay, 0 to 1. */
  readonly opacity: number
  readonly raters: boolean
  /** Stored values shown as black and white; null: the range of the image. */
  readonly grey: readonly [number, number] | null
  /** Distance of pixels [y, x]; null: not known. */
  readonly spacingMm: readonly [number, number] | null
  /** Middle of the model's window [y, x]; null: the middle of the image. */
  readonly centre: readonly [number, number] | null
  readonly ruler: Line | null
}

export const initialSettings: Settings = {
  view: 'consensus',
  classIndex: 0,
  sample: 0,
  leftOut: [],
  threshold: 0.5,
  scale: 0,
  opacity: 0.35,
  raters: false,
  grey: null,
  spacingMm: null,
  centre: null,
  ruler: null,
}

/** `0.7` or `0.7 x 0.8` (height x width). @returns null for empty text, undefined for what is no spacing. */
export function parseSpacing(text: string): readonly [number, number] | null | undefined {
  if (text.trim() === '') return null
  const numbers = text
    .replaceAll(',', '.')
    .split(/[x×*]/i)
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [y, x = y] = numbers
  const fine = (value: number | undefined) => value !== undefined && value > 0 && value < 1000
  return numbers.length <= 2 && fine(y) && fine(x) ? [y!, x!] : undefined
}
