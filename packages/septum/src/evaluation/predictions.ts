import { SeptumError } from '@septum/core'
import { listStems, type Stems, stemsIn } from './stems.js'
import type { MethodFolder } from './types.js'

/** Files of one case of one method. */
export interface PredictionFiles {
  readonly mask?: string
  /** One file, or one a class by its name. */
  readonly probability: Readonly<Record<string, string>>
  readonly samples: readonly string[]
}

export interface MethodFiles {
  readonly name: string
  readonly cases: ReadonlyMap<string, PredictionFiles>
  /** Predictions that no reference has the name of. */
  readonly withoutReference: readonly string[]
  /** Cases that two files claim. */
  readonly twice: ReadonlyMap<string, readonly [string, string]>
}

/** What `septum predict` writes beside its masks. */
const OWN_FOLDERS = new Set(['probability', 'uncertainty', 'samples', 'preview'])

/**
 * Finds the files of each case in a folder of predictions: `<case>.*`, `<case>/<sample>.*`, and what
 * `septum predict` writes: `probability/<case>.*` (or `<case>.<class>.*`) and `samples/<case>/*`. A `.npz`
 * beside a mask (nnU-Net) is not read.
 * @param names of the references.
 * @throws SeptumError `predictions-missing`, `predictions-empty`, `predictions-unpaired`.
 */
export async function findPredictions(
  { name, folder }: MethodFolder,
  names: readonly string[],
  classes: readonly string[],
): Promise<MethodFiles> {
  const stems = await listStems(folder).catch((cause: unknown) => {
    throw new SeptumError(
      'predictions-missing',
      'The folder of predictions cannot be read',
      'Give a folder of masks, e.g. the one that septum predict --out wrote.',
      { file: folder },
      { cause },
    )
  })
  if (stems.files.size === 0) {
    throw new SeptumError(
      'predictions-empty',
      'There is no predicted mask',
      'Give a folder of <case>.png or <case>.nii.gz files, or of <case>/<sample>.png.',
      { file: folder },
    )
  }
  const cases = new Map<string, PredictionFiles>()
  for (const one of names) {
    const files = filesOf(stems, one, classes)
    if (files) cases.set(one, files)
  }
  if (cases.size === 0) {
    throw new SeptumError(
      'predictions-unpaired',
      'No prediction has the name of a reference',
      `Name the files as the cases, e.g. ${names[0] ?? 'case'}.png; the first file found is ${[...stems.files.keys()][0]}.`,
      { file: folder },
    )
  }
  return { name, cases, withoutReference: strangers(stems, cases), twice: stems.twice }
}

function filesOf(stems: Stems, name: string, classes: readonly string[]): PredictionFiles | null {
  const mask = stems.files.get(name)
  const own = stemsIn(stems, `samples/${name}`)
  const samples = [...(own.size > 0 ? own : stemsIn(stems, name)).values()]
  const probability: Record<string, string> = {}
  const whole = stems.files.get(`probability/${name}`)
  if (whole !== undefined) probability[''] = whole
  for (const one of classes) {
    const file = stems.files.get(`probability/${name}.${one}`)
    if (file !== undefined) probability[one] = file
  }
  if (mask === undefined && samples.length === 0 && Object.keys(probability).length === 0) return null
  return { ...(mask === undefined ? {} : { mask }), probability, samples }
}

/** Cases of the folder by name, less those that were paired. */
function strangers(stems: Stems, cases: ReadonlyMap<string, PredictionFiles>): string[] {
  const found = new Set<string>()
  for (const stem of stems.files.keys()) {
    const [first, ...rest] = stem.split('/')
    if (rest.length > 0 && OWN_FOLDERS.has(first!)) continue
    const folder = rest.length > 0 ? stem.slice(0, stem.lastIndexOf('/')) : null
    if (!cases.has(stem) && (folder === null || !cases.has(folder))) found.add(folder ?? stem)
  }
  return [...found]
}
