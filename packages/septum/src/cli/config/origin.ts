import type { ErrorPlace } from '@septum/core'

/** A place in the configuration, e.g. `['training', 'steps', 'main']`. */
export type Path = readonly (string | number)[]

/** Who gave a value. */
export type Origin =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  /** `--set a.b=c`, or a flag such as `--seed 3`: as it was typed. */
  | { readonly kind: 'flag'; readonly text: string }

/** Where an error message sends the reader: `f.yaml:4` opens at the line in most editors. */
export function placeOf(origin: Origin | undefined): ErrorPlace {
  if (!origin) return {}
  return origin.kind === 'file' ? { file: `${origin.file}:${origin.line}` } : { option: origin.text }
}

export const pathText = (path: Path): string => path.join('.')
