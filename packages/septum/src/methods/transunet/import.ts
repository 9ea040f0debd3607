import { SeptumError } from '@septum/core'
import { saveTensors, scope, type Tensor } from '@septum/torch'
import { importedFile } from '../../blocks/backbones/index.js'
import { TransunetNetwork } from './model.js'
import { POSITIONS, translated } from './names.js'
import { type TransunetOptions, transunetOptions } from './options.js'
import { positionsFor } from './published.js'

type Sizes = Pick<TransunetOptions, 'resnetWidth' | 'resnetUnits' | 'channels' | 'layers' | 'heads' | 'mlp'>

export interface TransunetImport {
  readonly network: 'transunet'
  /** Tensors that fit, by our names. */
  readonly matched: readonly string[]
  /** In the file, but not in the network, by the file's names. */
  readonly unknown: readonly string[]
  /** Known and left out on purpose: the classifier and its token. */
  readonly unused: readonly string[]
  /** Sides of the grid of positions. */
  readonly grid: readonly [number, number]
  /** Options of TransUNet that differ from its defaults for these weights. */
  readonly options: Partial<Sizes>
  readonly parameters: number
  /** Where the weights are kept now. */
  readonly file: string
}

const classifier = /^(cls|head\/|pre_logits\/)/
const PREFIX = 'transformer.'

/** Sizes of the network that arrays of Google's release come from; null where they are those of another one. */
function sizesOf(arrays: ReadonlyMap<string, Tensor>): { sizes: Sizes; places: number } | null {
  const shape = (name: string) => arrays.get(name)?.shape ?? []
  const count = (name: (i: number) => string) => {
    let n = 0
    while (arrays.has(name(n + 1))) n++
    return n
  }
  const layer = 'Transformer/encoderblock_0'
  const [, , , resnetWidth] = shape('conv_root/kernel')
  const [, , , channels] = shape('embedding/kernel')
  const [, heads] = shape(`${layer}/MultiHeadDotProductAttention_1/query/kernel`)
  const [, mlp] = shape(`${layer}/MlpBlock_3/Dense_0/kernel`)
  const [, places] = shape('Transformer/posembed_input/pos_embedding')
  if (!resnetWidth || !channels || !heads || !mlp || !places) return null
  const resnetUnits = [1, 2, 3].map((block) => count((i) => `block${block}/unit${i}/conv1/kernel`))
  const layers = count((i) => `Transformer/encoderblock_${i - 1}/LayerNorm_0/scale`)
  return { sizes: { resnetWidth, resnetUnits, channels, layers, heads, mlp }, places }
}

/**
 * Keeps the encoder of Google's release of R50+ViT (`R50+ViT-B_16.npz`) for TransUNet: names and axes become those of
 * TransUNet, every shape is checked, and nothing is kept unless all of the encoder is there.
 * @param arrays of the archive, float32 @param file for messages
 * @throws SeptumError `weights-unknown` for arrays of something else, `weights-mismatch` where an array is missing or
 * has another shape
 */
export function importTransunet(arrays: ReadonlyMap<string, Tensor>, file: string): TransunetImport {
  const found = sizesOf(arrays)
  if (!found || found.sizes.resnetUnits.includes(0)) {
    throw new SeptumError(
      'weights-unknown',
      'The archive holds no vision transformer on a ResNet',
      'Give R50+ViT-B_16.npz, the file that TransUNet starts from.',
      { file },
    )
  }
  const { sizes, places } = found
  // Without the place of the class token.
  const side = Math.floor(Math.sqrt(places))
  const grid = [side, side] as const
  return scope(() => {
    const shell = transunetOptions.parse({ ...sizes, bridgeChannels: 1, decoderChannels: [1, 1, 1, 1] })
    const own = new Map(
      [...new TransunetNetwork(3, 1, [16 * side, 16 * side], shell).stateDict()].filter(([name]) =>
        name.startsWith(PREFIX),
      ),
    )
    const state = new Map<string, Tensor>()
    const [unknown, unused, unequal]: [string[], string[], string[]] = [[], [], []]
    for (const [published, t] of arrays) {
      for (const [name, value] of translated(published, t)) {
        const target = own.get(name)
        const given = name === POSITIONS ? positionsFor(value, grid) : value
        if (!target) (classifier.test(published) ? unused : unknown).push(published)
        else if (`${given.shape}` !== `${target.shape}`)
          unequal.push(`${published} [${t.shape}], not that of ${name} [${target.shape}]`)
        else state.set(name, given.contiguous())
      }
    }
    const missing = [...own.keys()].filter((name) => !state.has(name))
    if (missing.length > 0) throw mismatch(file, missing.length, unequal, missing)
    const target = importedFile('transunet')
    saveTensors(target, state, { network: 'transunet' })
    return {
      network: 'transunet',
      matched: [...state.keys()],
      unknown,
      unused,
      grid,
      options: unlikeDefaults(sizes),
      parameters: [...state.values()].reduce((sum, t) => sum + t.numel, 0),
      file: target,
    }
  })
}

function unlikeDefaults(sizes: Sizes): Partial<Sizes> {
  const usual = transunetOptions.parse({})
  const unlike = Object.entries(sizes).filter(
    ([name, value]) => `${value}` !== `${usual[name as keyof Sizes]}`,
  )
  return Object.fromEntries(unlike)
}

function mismatch(
  file: string,
  count: number,
  unequal: readonly string[],
  missing: readonly string[],
): SeptumError {
  const listed = (unequal.length > 0 ? unequal : missing).slice(0, 5).join('; ')
  const what = unequal.length > 0 ? 'of another shape: ' : 'missing: '
  return new SeptumError(
    'weights-mismatch',
    `${count} tensors of the encoder are not in the archive or have another shape; ${what}${listed}`,
    'Give R50+ViT-B_16.npz as it was published.',
    { file },
  )
}
