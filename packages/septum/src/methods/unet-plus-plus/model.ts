import { type Reporter, SeptumError } from '@septum/core'
import { cat, nn, type Tensor } from '@septum/torch'
import { ConvPair } from '../../blocks/conv-pair.js'
import { buildLevelEncoder, type LevelEncoder, type LevelEncoderOptions } from '../../blocks/level-encoder.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import type { MaskNetwork } from '../mask-network.js'
import type { UnetPlusPlusOptions } from './options.js'

type Options = LevelEncoderOptions &
  Pick<UnetPlusPlusOptions, 'deepSupervision'> &
  Partial<Pick<UnetPlusPlusOptions, 'prediction' | 'depth'>>

/** U-Net++: node X(i, j) sees all nodes before it in level i and the one below (Zhou et al. 2018, eq. 1). */
export class UnetPlusPlusNetwork extends nn.Module implements MaskNetwork {
  readonly encoder: LevelEncoder
  /** `nodes[j - 1]` holds X(0, j), X(1, j), ... */
  readonly nodes: NestedColumn[]
  /** One for the last column, or one a column. */
  readonly heads: nn.Conv2d[]
  readonly multiple: number

  constructor(
    inChannels: number,
    classes: number,
    private readonly options: Options,
  ) {
    super()
    const { encoder, widths } = buildLevelEncoder(inChannels, options)
    this.encoder = encoder
    this.multiple = encoder.multiple
    const columns = widths.length - 1
    const depth = options.depth ?? columns
    if (depth > columns) {
      throw new SeptumError(
        'config-value',
        `depth is at most ${columns} with ${widths.length} levels, got ${depth}`,
        'Give a smaller depth, or more widths.',
      )
    }
    this.nodes = Array.from({ length: columns }, (_, j) => new NestedColumn(j + 1, encoder.widths, widths))
    this.heads = Array.from(
      { length: options.deepSupervision ? columns : 1 },
      () => new nn.Conv2d(widths[0]!, classes, 1),
    )
  }

  initialise(reporter: Reporter): void {
    this.encoder.initialise?.(reporter)
  }

  /** Nodes X(0, 1) to X(0, depth). @returns maps [N, widths[0], size of the finest level] */
  #finest(images: Tensor, depth: number): Tensor[] {
    // Level i is needed up to column depth - i: that is what pruning saves.
    const rows = this.encoder.forward(images, depth + 1).map((map) => [map])
    for (const [index, column] of this.nodes.slice(0, depth).entries()) {
      const j = index + 1
      for (let i = 0; i <= depth - j; i++) rows[i]!.push(column.forward(i, rows[i]!, rows[i + 1]!.at(j - 1)!))
    }
    return rows[0]!.slice(1)
  }

  #logits(head: nn.Conv2d, map: Tensor, images: Tensor): Tensor {
    return resizeMaps(head.forward(map), sizeOf(images), true)
  }

  /** @returns logits [N, classes, H, W] of the last column and, with deep supervision, of the ones before it */
  forward(images: Tensor): readonly Tensor[] {
    const maps = this.#finest(images, this.nodes.length)
    return this.heads.map((_, back) => this.#logits(this.heads.at(-1 - back)!, maps.at(-1 - back)!, images))
  }

  /** All heads, or the one of `depth` from the nodes that it needs. */
  decide(images: Tensor): readonly Tensor[] {
    const { deepSupervision, prediction = 'accurate', depth } = this.options
    if (!deepSupervision || prediction === 'accurate') return this.forward(images)
    const column = depth ?? this.nodes.length
    return [this.#logits(this.heads[column - 1]!, this.#finest(images, column).at(-1)!, images)]
  }
}

/** The nodes of column j; each concatenates j maps of its level and the larger one of the level below. */
class NestedColumn extends nn.Module {
  readonly levels: ConvPair[]

  constructor(j: number, encoderWidths: readonly number[], widths: readonly number[]) {
    super()
    this.levels = Array.from({ length: widths.length - j }, (_, i) => {
      const below = j === 1 ? encoderWidths[i + 1]! : widths[i + 1]!
      return new ConvPair(encoderWidths[i]! + (j - 1) * widths[i]! + below, widths[i]!)
    })
  }

  /** @param before X(i, 0) to X(i, j - 1) @param below X(i + 1, j - 1) @returns X(i, j) [N, widths[i], size of level i] */
  forward(i: number, before: readonly Tensor[], below: Tensor): Tensor {
    return this.levels[i]!.forward(cat([...before, resizeMaps(below, sizeOf(before[0]!), true)], 1))
  }
}
