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

/** One class: 0 and the only other value, whatever it is; 1 and 255 may mix between files. */
export function oneClass(
  union: ReadonlyMap<number, string>,
  contents: readonly MaskContent[],
  classes: readonly string[],
  problems: Problems,
): MaskMeaning {
  const marks = [...union.keys()].filter((key) => key > 0)
  const binary = marks.length <= 1 || (marks.length === 2 && marks[0] === 1 && marks[1] === 255)
  if (!binary) {
    const shown = `${marks.slice(0, 8).join(', ')}${marks.length > 8 ? ', …' : ''}`
    problems.add(
      'mask-values',
      `Masks hold the values ${shown} beside 0, and nothing says what they mean`,
      'Name the classes in dataset.yaml, or declare bit fields with raters: {encoding: bits, count: 4}.',
      { file: union.get(marks[1]!)! },
    )
  }
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
