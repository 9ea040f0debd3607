import type { Description } from './description.js'
import { JPEG_HALF, keyText, type MaskCoding } from './mask-coding.js'
import type { MaskContent } from './mask-content.js'
import { explicitValues, named, regionMeaning, unionOf, withSpecial } from './mask-label-values.js'
import { above, bits, oneClass } from './mask-one-class.js'
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
  return oneClass(union, contents, names, problems)
}

/** More colours than this without names are a picture rather than a mask. */
const MOST_UNNAMED = 16

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
