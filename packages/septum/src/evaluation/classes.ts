import { SeptumError } from '@septum/core'
import type { ClassSpec } from './types.js'

const HINT = 'Write --classes liver=1,tumour=2,whole=1+2: a name and one label value, or several joined by +.'

/**
 * Reads `liver=1,tumour=2,whole=1+2`: classes, and regions as unions of label values.
 * @throws SeptumError `usage-classes`.
 */
export function parseClasses(text: string): ClassSpec[] {
  const refuse = (message: string): never => {
    throw new SeptumError('usage-classes', message, HINT, { option: `--classes ${text}` })
  }
  const classes = text.split(',').map((part): ClassSpec => {
    const [, name, values] = /^\s*([^=]+?)\s*=\s*(\d+(?:\+\d+)*)\s*$/.exec(part) ?? []
    if (name === undefined || values === undefined) return refuse(`"${part}" names no class and label value`)
    const labels = [...new Set(values.split('+').map(Number))]
    if (labels.some((value) => value === 0)) refuse('Label 0 is the background and belongs to no class')
    return { name, values: labels }
  })
  const names = classes.map(({ name }) => name)
  const double = names.find((name, i) => names.indexOf(name) !== i)
  if (double !== undefined) refuse(`Two classes are called ${double}`)
  return classes
}

/** The label values that any class has, ascending; null where a class is "everything above 0". */
export function knownLabels(classes: readonly ClassSpec[]): number[] | null {
  if (classes.some(({ values }) => values === null)) return null
  return [...new Set(classes.flatMap(({ values }) => values!))].sort((a, b) => a - b)
}

/**
 * Classes of a mask folder that names none: one value above 0 is the foreground, several are a class each.
 * @param found label values that occur in the masks.
 * @throws SeptumError `references-values` for more values than classes can have.
 */
export function classesOfValues(found: ReadonlySet<number>, folder: string): ClassSpec[] {
  const values = [...found].filter((value) => value !== 0).sort((a, b) => a - b)
  if (values.length <= 1) return [{ name: 'foreground', values: null }]
  if (values.length > 32) {
    throw new SeptumError(
      'references-values',
      `The reference masks hold ${values.length} different values and nothing says what they mean`,
      'Name the classes with --classes, or say --kind instances where each value is an object.',
      { file: folder },
    )
  }
  return values.map((value) => ({ name: `label ${value}`, values: [value] }))
}

/** One byte a pixel: 1 where the label belongs to the class. */
export function maskOfClass(labels: ArrayLike<number>, { values }: ClassSpec): Uint8Array {
  const mask = new Uint8Array(labels.length)
  if (values === null) {
    for (let i = 0; i < mask.length; i++) mask[i] = labels[i] === 0 ? 0 : 1
  } else if (values.length === 1) {
    const [value] = values
    for (let i = 0; i < mask.length; i++) mask[i] = labels[i] === value ? 1 : 0
  } else {
    const wanted = new Set(values)
    for (let i = 0; i < mask.length; i++) mask[i] = wanted.has(labels[i]!) ? 1 : 0
  }
  return mask
}
