import type { Description } from './description.js'
import { IGNORE_LABEL, keyText } from './mask-coding.js'
import type { MaskContent } from './mask-content.js'
import type { MaskMeaning } from './mask-meaning.js'
import type { Problems } from './problems.js'

/** Values that are no class. */
export interface Special {
  readonly background: number
  readonly ignore: number | undefined
}

/** Adds what stands for background and for what nobody marked. */
export function withSpecial(labels: Map<number, number>, background: number, ignore: number | undefined) {
  labels.set(background, 0)
  return ignore === undefined ? labels : labels.set(ignore, IGNORE_LABEL)
}

/** File in which each value was first met, by value; JPEGs, whose values blur, are left out. */
export function unionOf(contents: readonly MaskContent[], colour: boolean): Map<number, string> {
  const union = new Map<number, string>()
  for (const content of contents) {
    if (content.jpeg) continue
    for (const value of content.keys) {
      const key = colour && !content.colour ? value * 0x010101 : value
      if (!union.has(key)) union.set(key, content.file)
    }
  }
  return new Map([...union].sort(([a], [b]) => a - b))
}

/** Classes with values or colours of their own. */
export function explicitValues(
  union: ReadonlyMap<number, string>,
  colour: boolean,
  classes: readonly string[],
  given: readonly (number | string | readonly number[])[],
  { background, ignore }: Special,
  problems: Problems,
): MaskMeaning {
  const labels = new Map<number, number>()
  for (const [index, value] of given.entries()) {
    if (colour !== (typeof value === 'string')) {
      problems.add(
        'mask-values',
        colour
          ? 'The masks are coloured but classes have grey values'
          : 'The masks are grey but classes have colours',
        colour
          ? 'Give each class a colour, e.g. value: "#ff0000".'
          : 'Give each class a grey value, e.g. value: 255.',
        { option: 'classes' },
      )
      break
    }
    const keys = typeof value === 'string' ? [Number.parseInt(value.slice(1), 16)] : [value].flat()
    for (const key of keys) {
      if (labels.has(key) || key === background || key === ignore) {
        problems.add(
          'mask-values',
          `The value ${keyText(key, colour)} is given two meanings`,
          'Give each class values of its own; "background" says which value is none.',
          { option: 'classes' },
        )
      }
      labels.set(key, index + 1)
    }
  }
  return named(union, colour, classes, withSpecial(labels, background, ignore), problems)
}

/** Values must be among the labels; the line says which is which. */
export function named(
  union: ReadonlyMap<number, string>,
  colour: boolean,
  classes: readonly string[],
  labels: ReadonlyMap<number, number>,
  problems: Problems,
): MaskMeaning {
  for (const [key, file] of union) {
    if (labels.has(key)) continue
    problems.add(
      'mask-values',
      `A mask holds the value ${keyText(key, colour)}, but the ${classes.length} classes have ` +
        `${[...labels.keys()]
          .filter((other) => labels.get(other) !== 0)
          .map((other) => keyText(other, colour))
          .join(', ')}`,
      'Give each class its value in dataset.yaml, e.g. classes: [{name: lesion, value: 255}].',
      { file },
    )
  }
  const pairs = [...labels]
    .filter(([, label]) => label > 0)
    .map(
      ([key, label]) =>
        `${keyText(key, colour)} = ${label === IGNORE_LABEL ? 'ignored' : classes[label - 1]}`,
    )
  const none = [...labels].find(([, label]) => label === 0)?.[0] ?? 0
  return {
    coding: { kind: 'labels', colour, labels },
    classes,
    line: `Masks: ${pairs.join(', ')}, ${keyText(none, colour)} = background`,
  }
}

/** Each value of the files becomes a label of its own; classes are unions of labels. */
export function regionMeaning(
  contents: readonly MaskContent[],
  entries: NonNullable<Description['classes']>,
  { background, ignore }: Special,
  problems: Problems,
): MaskMeaning {
  const classes = entries.map((entry) => (typeof entry === 'string' ? entry : entry.name))
  const values = entries.map((entry, index) =>
    typeof entry === 'string'
      ? [index + 1]
      : 'region' in entry
        ? entry.region
        : [entry.value].flat().map(Number),
  )
  const distinct = [...new Set(values.flat())].filter((value) => value !== background).sort((a, b) => a - b)
  const labels = new Map(distinct.map((value, index): [number, number] => [value, index + 1]))
  const regions = values.map((list) => list.flatMap((value) => labels.get(value) ?? []))
  const meaning = named(
    unionOf(contents, false),
    false,
    distinct.map(String),
    withSpecial(labels, background, ignore),
    problems,
  )
  const parts = classes.map((name, index) => `${name} = ${values[index]!.join(' or ')}`)
  const special = ignore === undefined ? '' : `, ${ignore} = ignored`
  return {
    coding: meaning.coding,
    classes,
    regions,
    line: `Masks: ${parts.join(', ')}, ${background} = background${special} (classes are regions and may overlap)`,
  }
}
