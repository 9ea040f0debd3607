import { SeptumError } from '@septum/core'
import { loadPth, loadTensors, saveTensors, type Tensor } from '@septum/torch'
import type { Backbone } from '../backbone.js'
import { type BackboneName, backboneNames, buildBackbone } from '../build.js'
import { ourName } from './names.js'
import { recogniseBackbone } from './recognise.js'
import { importedFile } from './store.js'

export interface MatchReport {
  /** Tensors that fit, by our names. */
  readonly matched: readonly string[]
  /** Ours that the file lacks. */
  readonly missing: readonly string[]
  /** In the file, but not in this backbone, by the file's names. */
  readonly unknown: readonly string[]
  /** Known and left out on purpose: the classifier. */
  readonly unused: readonly string[]
  /** Same name, other shape. */
  readonly unequal: readonly { readonly name: string; readonly file: string; readonly ours: string }[]
}

export interface ImportReport extends MatchReport {
  readonly backbone: BackboneName
  /** Where the weights are kept now. */
  readonly file: string
  readonly parameters: number
}

/** Counters of batch norms need not be there: old files and other programs leave them out. */
const optional = (name: string): boolean => name.endsWith('.num_batches_tracked')

/** Holds names and shapes of a file against a backbone. Nothing is loaded. */
export function matchWeights(
  backbone: Backbone,
  name: BackboneName,
  tensors: ReadonlyMap<string, Tensor>,
): { report: MatchReport; state: Map<string, Tensor> } {
  const own = backbone.stateDict()
  const state = new Map<string, Tensor>()
  const [unknown, unused]: [string[], string[]] = [[], []]
  const unequal: MatchReport['unequal'][number][] = []
  for (const [published, t] of tensors) {
    const ours = ourName(name, published)
    const target = own.get(ours)
    const plain = target && shapeOf(t, target)
    if (!target) (backbone.unused(ours) ? unused : unknown).push(published)
    else if (`${plain!.shape}` !== `${target.shape}`)
      unequal.push({ name: ours, file: `[${t.shape}]`, ours: `[${target.shape}]` })
    else state.set(ours, plain!)
  }
  const missing = [...own.keys()].filter((key) => !state.has(key) && !optional(key))
  const wrong = new Set(unequal.map((item) => item.name))
  return {
    report: {
      matched: [...state.keys()],
      missing: missing.filter((key) => !wrong.has(key)),
      unknown,
      unused,
      unequal,
    },
    state,
  }
}

/** torchvision's layer scale is [C, 1, 1] and timm's [C]: the same numbers. */
const shapeOf = (t: Tensor, target: Tensor): Tensor =>
  target.ndim === 1 && t.ndim === 3 && t.size(1) === 1 && t.size(2) === 1 ? t.reshape([-1]) : t

function read(file: string): Map<string, Tensor> {
  return file.endsWith('.safetensors') ? loadTensors(file).tensors : loadPth(file).tensors
}

/**
 * Reads published weights (`.pth`, `.pt` or `.safetensors`), translates their names, checks every shape and keeps
 * them for {@link findWeights}. Files may hold more than the backbone (classifiers, or a whole network around it).
 * @param as the backbone; null: the one that fits.
 * @throws SeptumError `weights-unknown` when no backbone fits, `weights-mismatch` when something is missing or has
 * another shape (nothing is kept then), and the errors of reading weight files.
 */
export function importWeights(file: string, as: BackboneName | null = null): ImportReport {
  const tensors = read(file)
  try {
    const name = as ?? recogniseBackbone(tensors)
    if (name === null) {
      throw new SeptumError(
        'weights-unknown',
        'The weights fit none of the backbones',
        `Name the backbone with --as, one of: ${backboneNames.join(', ')}.`,
        { file },
      )
    }
    const backbone = buildBackbone(name)
    const { report, state } = matchWeights(backbone, name, tensors)
    if (report.missing.length + report.unequal.length > 0) throw mismatch(name, file, report)
    const target = importedFile(name)
    saveTensors(target, state, { backbone: name })
    return { ...report, backbone: name, file: target, parameters: backbone.parameterCount() }
  } finally {
    for (const t of tensors.values()) t.free()
  }
}

function mismatch(name: BackboneName, file: string, { missing, unequal }: MatchReport): SeptumError {
  const listed = (names: readonly string[]) =>
    names.slice(0, 5).join(', ') + (names.length > 5 ? `, and ${names.length - 5} more` : '')
  const parts = [
    missing.length > 0 && `${missing.length} missing: ${listed(missing)}`,
    unequal.length > 0 &&
      `${unequal.length} of other shapes: ${listed(unequal.map((u) => `${u.name} ${u.file}, not ${u.ours}`))}`,
  ].filter(Boolean)
  return new SeptumError(
    'weights-mismatch',
    `The weights do not fit ${name} (${parts.join('; ')})`,
    'Give the published weights of this backbone, or name another one with --as.',
    { file },
  )
}
