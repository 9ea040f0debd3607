import { JPEG_HALF } from './mask-coding.js'
import type { MaskContent } from './mask-content.js'
import type { MaskMeaning } from './mask-meaning.js'
import type { Problems } from './problems.js'

/** One class: every value above 0 of numbered instances, or above half of 255. */
export function above(
  contents: readonly MaskContent[],
  masks: 'instances' | 'half',
  names: readonly string[] | undefined,
  problems: Problems,
): MaskMeaning {
  const classes = names ?? ['foreground']
  const place = { option: 'masks' }
  if (classes.length > 1) {
    problems.add(
      'mask-values',
      `Masks of ${masks === 'half' ? 'soft borders' : 'instances'} hold one class, but ${classes.length} are named`,
      'Name one class, or leave "masks" out of dataset.yaml.',
      place,
    )
  }
  const coloured = contents.find(({ colour }) => colour)
  if (coloured) {
    problems.add('mask-values', 'The mask is coloured', 'Save it as grey PNG.', { file: coloured.file })
  }
  const value = masks === 'half' ? JPEG_HALF : 0
  const what = masks === 'half' ? `above ${value}` : 'every value above 0'
  const most = contents.reduce((largest, { keys }) => Math.max(largest, keys.at(-1) ?? 0), 0)
  if (masks === 'half' && most > 0 && most <= JPEG_HALF) {
    problems.add(
      'mask-values',
      `No mask has a value above ${JPEG_HALF}, so cutting at half would leave them empty`,
      'Leave "masks: half" out of dataset.yaml.',
      place,
    )
  }
  const line = `Masks: ${what} = ${classes[0]} (${contents.length} files${masks === 'instances' ? ', a number for each object' : ''})`
  return { coding: { kind: 'above', value }, classes, line }
}

/** Up to so many values are taken for classes that nobody named; more are numbered objects or bit fields. */
const MOST_CLASSES = 12

/**
 * One class: 0 and the only other value, whatever it is; 1 and 255 may mix between files. More values are a problem;
 * a check goes on with each as a class of its own where they are few.
 */
export function oneClass(
  union: ReadonlyMap<number, string>,
  contents: readonly MaskContent[],
  names: readonly string[] | undefined,
  problems: Problems,
): MaskMeaning {
  const classes = names ?? ['foreground']
  const marks = [...union.keys()].filter((key) => key > 0).sort((a, b) => a - b)
  const binary = marks.length <= 1 || (marks.length === 2 && marks[0] === 1 && marks[1] === 255)
  if (!binary) return severalValues(marks, union, names, problems)
  const labels = new Map(marks.map((key): [number, number] => [key, 1])).set(0, 0)
  const parts = marks.map((key) => {
    const files = contents.filter(({ jpeg, keys }) => !jpeg && keys.includes(key)).length
    return `value ${key} = ${classes[0]} (${files} files)`
  })
  const jpegs = contents.filter(({ jpeg }) => jpeg)
  if (jpegs.length > 0) {
    const blurred = jpegs.filter(({ keys }) => keys.some((key) => key > 0 && key < 255)).length
    parts.push(
      `above ${JPEG_HALF} = ${classes[0]} in ${jpegs.length} JPEG files, ${blurred} of which hold values in between`,
    )
  }
  const nothing = parts.length === 0 ? 'no mask marks anything' : `${parts.join(', ')}, 0 = background`
  return { coding: { kind: 'labels', colour: false, labels }, classes, line: `Masks: ${nothing}` }
}

function severalValues(
  marks: readonly number[],
  union: ReadonlyMap<number, string>,
  names: readonly string[] | undefined,
  problems: Problems,
): MaskMeaning {
  const few = marks.length <= MOST_CLASSES
  const shown = few ? marks.join(', ') : `${marks.slice(0, 6).join(', ')}, … ${marks.at(-1)}`
  const examples = marks.slice(0, 3).map((_, k) => `name ${k + 1}`)
  const list = `classes: [${[...examples, ...(marks.length > 3 ? ['…'] : [])].join(', ')}]`
  const raters = Math.ceil(Math.log2(marks.at(-1)! + 1))
  const remedies = [
    ...(few ? [`${list} for a class a value`] : []),
    'masks: instances for numbered objects',
    ...(marks.at(-1)! < 256 ? [`raters: {encoding: bits, count: ${raters}} for a bit a rater`] : []),
  ]
  problems.add(
    'mask-values',
    `Masks hold the values ${shown} beside 0, and nothing says what they mean`,
    `Say in dataset.yaml: ${remedies.join('; ')}.`,
    { file: union.get(marks[1]!)! },
  )
  const line = `Masks: ${marks.length} values (${shown}) of unknown meaning, 0 = background`
  if (!few || names) return { coding: { kind: 'above', value: 0 }, classes: names ?? ['foreground'], line }
  const labels = new Map(marks.map((value, k): [number, number] => [value, k + 1])).set(0, 0)
  const coding = { kind: 'labels', colour: false, labels } as const
  return { coding, classes: marks.map((value) => `value ${value}`), line }
}

/** One class: bit k of a value is rater k. */
export function bits(
  contents: readonly MaskContent[],
  count: number,
  names: readonly string[] | undefined,
  problems: Problems,
): MaskMeaning {
  const top = 2 ** count - 1
  for (const { file, jpeg, colour, keys } of contents) {
    const largest = keys.at(-1) ?? 0
    if (jpeg || colour) {
      problems.add('mask-bits', 'A bit field must be a grey PNG', 'Save the mask as grey PNG.', { file })
    } else if (largest > top) {
      const remedy = `Raise "raters.count" in dataset.yaml or repair the mask.`
      problems.add(
        'mask-bits',
        `The mask holds ${largest}, but ${count} raters reach ${top} at most`,
        remedy,
        { file },
      )
    }
  }
  if (names && names.length > 1) {
    const remedy = 'Name one class, or store one file a rater.'
    problems.add('mask-bits', 'Bit-field masks hold one class', remedy, { option: 'classes' })
  }
  const classes = names ?? ['foreground']
  const line = `Masks: bit k of a value is rater k of ${count}, set = ${classes[0]} (${contents.length} files)`
  return { coding: { kind: 'bits', count }, classes, line }
}
