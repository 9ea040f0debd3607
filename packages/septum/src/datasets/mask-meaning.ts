import type { Description } from './description.js'
import { IGNORE_LABEL, JPEG_HALF, keyText, type MaskCoding } from './mask-coding.js'
import type { MaskContent } from './mask-content.js'
import type { Problems } from './problems.js'

/** What the values in the mask files mean, and one line that says so. */
export interface MaskMeaning {
  readonly coding: MaskCoding
  readonly classes: readonly string[]
  /** Labels that make up each class, where classes are regions that may share labels. */
  readonly regions?: readonly (readonly number[])[]
  readonly line: string
}

type Told = Partial<Pick<Description, 'classes' | 'raters' | 'background' | 'ignore' | 'masks'>>

/** More colours than this without names are a picture rather than a mask. */
const MOST_UNNAMED = 16

/**
 * Decides from the values that occur in all masks, and from what dataset.yaml says, which value is which
 * label. Values that could mean two things are a problem, never a guess:
 * - bit fields only where dataset.yaml says `raters: {encoding: bits}`;
 * - one class: 0 is background and the only other value (1, 255, any) is the class; 1 and 255 may mix
 *   between files; grey JPEG masks are cut at half;
 * - several named classes: grey values are label numbers, or those given by `value`;
 * - colours: black is background; the others are classes in ascending order of their red, then green, then
 *   blue value, as many as dataset.yaml names, or named by their own colour.
 */
export function decideMeaning(
  contents: readonly MaskContent[],
  description: Told,
  problems: Problems,
): MaskMeaning {
  const { classes: entries, background = 0, ignore, masks = 'labels' } = description
  const names = entries?.map((entry) => (typeof entry === 'string' ? entry : entry.name))
  if (description.raters?.encoding === 'bits')
    return bits(contents, description.raters.count, names, problems)
  if (masks !== 'labels') return above(contents, masks, names, problems)
  refuseOdd(contents, problems)
  if (entries?.some((entry) => typeof entry === 'object' && 'region' in entry)) {
    return regionMeaning(contents, entries, { background, ignore }, problems)
  }

  const given = entries?.map((entry, index) =>
    typeof entry === 'string' ? index + 1 : 'value' in entry ? entry.value : 0,
  )
  const explicit = entries?.some((entry) => typeof entry !== 'string') ?? false
  const colour =
    contents.some((content) => content.colour) || (given?.some((value) => typeof value === 'string') ?? false)
  const classes = names ?? ['foreground']
  refuseJpegs(contents, colour, classes, problems)
  const union = unionOf(contents, colour)
  if (explicit) return explicitValues(union, colour, classes, given!, { background, ignore }, problems)
  if (colour) return coloursInOrder(union, names, problems)
  if (classes.length > 1 || background !== 0 || ignore !== undefined) {
    const labels = new Map(classes.map((_, index): [number, number] => [index + 1, index + 1]))
    return named(union, false, classes, withSpecial(labels, background, ignore), problems)
  }
  return oneClass(union, contents, classes, problems)
}

interface Special {
  readonly background: number
  readonly ignore: number | undefined
}

function withSpecial(labels: Map<number, number>, background: number, ignore: number | undefined) {
  labels.set(background, 0)
  return ignore === undefined ? labels : labels.set(ignore, IGNORE_LABEL)
}

/** Labels are whole numbers; an image or a probability map in the place of a mask is told here. */
function refuseOdd(contents: readonly MaskContent[], problems: Problems): void {
  for (const { file, odd } of contents) {
    if (odd === undefined) continue
    problems.add(
      'mask-values',
      `The mask holds ${odd}, and labels are whole numbers from 0`,
      'Check that this file is the mask and not the image; a map with soft borders needs masks: half in dataset.yaml.',
      { file },
    )
  }
}

/** One class: every value above 0 of numbered instances, or above half of 255. */
function above(
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

/** Each value of the files becomes a label of its own; classes are unions of labels. */
function regionMeaning(
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

/** File in which each value was first met, by value; JPEGs, whose values blur, are left out. */
function unionOf(contents: readonly MaskContent[], colour: boolean): Map<number, string> {
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

function refuseJpegs(
  contents: readonly MaskContent[],
  colour: boolean,
  classes: readonly string[],
  problems: Problems,
): void {
  const jpegs = contents.filter(({ jpeg }) => jpeg)
  if (jpegs.length === 0) return
  if (colour || classes.length > 1) {
    problems.add(
      'mask-jpeg',
      `${jpegs.length} masks are JPEG, which blurs labels into one another`,
      'Save masks of several classes as PNG.',
      { file: jpegs[0]!.file },
    )
  } else if (
    jpegs.every(({ keys }) => keys.at(-1)! <= JPEG_HALF) &&
    jpegs.some(({ keys }) => keys.at(-1)! > 0)
  ) {
    problems.add(
      'mask-jpeg',
      `No JPEG mask has a value above ${JPEG_HALF}, so cutting at half would leave them empty`,
      'Save the masks as PNG.',
      { file: jpegs[0]!.file },
    )
  }
}

function bits(
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

function explicitValues(
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
function named(
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

function coloursInOrder(
  union: ReadonlyMap<number, string>,
  names: readonly string[] | undefined,
  problems: Problems,
): MaskMeaning {
  const colours = [...union.keys()].filter((key) => key > 0)
  const shown = colours
    .slice(0, 8)
    .map((key) => keyText(key, true))
    .join(', ')
  const some = [...union.values()][0]
  const place = some === undefined ? {} : { file: some }
  const remedy =
    'Say which colour is which class in dataset.yaml, e.g. classes: [{name: lesion, value: "#ff0000"}].'
  if (!union.has(0)) {
    problems.add(
      'mask-colours',
      `No mask pixel is black, so none of ${shown} is known to be background`,
      remedy,
      place,
    )
  } else if (names ? colours.length !== names.length : colours.length > MOST_UNNAMED) {
    const classes = names ? `${names.length} classes are named` : 'no classes are named'
    const many = colours.length > 250 ? 'more than 250' : colours.length
    problems.add('mask-colours', `Masks hold ${many} colours (${shown} …) but ${classes}`, remedy, place)
  }
  const classes = names ?? (colours.length === 1 ? ['foreground'] : colours.map((key) => keyText(key, true)))
  const labels = new Map(colours.map((key, index): [number, number] => [key, index + 1])).set(0, 0)
  const pairs = colours
    .slice(0, classes.length)
    .map((key, index) => `${keyText(key, true)} = ${classes[index]}`)
  const line = `Masks: ${pairs.join(', ')}, #000000 = background (colours in ascending order)`
  return { coding: { kind: 'labels', colour: true, labels }, classes, line }
}

function oneClass(
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
