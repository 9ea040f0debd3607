import { cat, F, nn, noGrad, parameter, type Tensor, zeros } from '@septum/torch'
import { AttentionCache } from './attention-cache.js'
import { GptBlock } from './gpt-block.js'
import { attentionMask, levelIndex, type SequenceLayout, sequenceLayout } from './layout.js'
import { alignedAverages, sinePositions } from './placement.js'
import { Modulation, VarBlock } from './var-block.js'

export interface TransformerShape {
  readonly block: 'gpt' | 'var'
  readonly depth: number
  readonly width: number
  readonly heads: number
  readonly dropout: number
  readonly levelEmbedding: boolean
  readonly condMean: boolean
  readonly context: 'all' | 'previous'
  /** Where the learned positions start: at zero, or at the sines of each token's place in the image. */
  readonly positions: 'zeros' | 'sine'
  /** Adds to each token a projection of the prefix averaged over the part of the image that it stands for. */
  readonly imageAtTokens: boolean
  readonly scales: readonly number[]
  /** Prefix tokens N_c, a square grid. */
  readonly prefix: number
  readonly codes: number
  readonly codeChannels: number
  /** Target classes; one more embedding, the last, stands for "no class". */
  readonly classes: number
  /** Whether the "no class" embedding exists. */
  readonly noClass: boolean
}

/**
 * Next-scale transformer (section 4.2): `[f_1 .. f_T | s | inputs of scale 2 | ... | inputs of scale K]`, where
 * the class token s predicts scale 1 and the p² inputs of a scale, the latent so far averaged to p x p,
 * predict its p² tokens at the same positions.
 */
export class NextScaleTransformer extends nn.Module {
  readonly class_embedding: nn.Embedding
  readonly embedding: nn.Linear
  readonly image_at: nn.Linear | null
  /** gpt: all slots with the prefix; var: the tokens of all scales. */
  readonly positions: Tensor
  readonly start_position: Tensor | null
  readonly level_embedding: nn.Embedding | null
  readonly blocks: (GptBlock | VarBlock)[]
  readonly norm: nn.LayerNorm | null
  readonly head_modulation: Modulation | null
  readonly head: nn.Linear
  readonly layout: SequenceLayout
  readonly #constants = new Map<string, Tensor>()

  constructor(private readonly shape: TransformerShape) {
    super()
    const { block, depth, width, heads, dropout, prefix, codes, codeChannels, classes } = shape
    const gpt = block === 'gpt'
    this.layout = sequenceLayout(shape.scales, prefix, shape.context)
    const slots = this.layout.tokens + (gpt ? prefix : 0)
    this.class_embedding = new nn.Embedding(classes + (shape.noClass ? 1 : 0), width)
    this.embedding = new nn.Linear(codeChannels, width)
    this.image_at = shape.imageAtTokens ? new nn.Linear(width, width) : null
    this.positions = parameter(zeros([slots, width]))
    this.start_position = gpt ? null : parameter(zeros([this.layout.counts[0]!, width]))
    this.level_embedding = shape.levelEmbedding ? new nn.Embedding(shape.scales.length, width) : null
    this.blocks = Array.from({ length: depth }, (_, i) => {
      if (gpt) return new GptBlock(width, heads, dropout)
      // Stochastic depth rises linearly to 0.1 depth / 24.
      const dropPath = depth > 1 ? ((0.1 * depth) / 24) * (i / (depth - 1)) : 0
      return new VarBlock(width, heads, dropPath)
    })
    this.norm = gpt ? new nn.LayerNorm([width]) : null
    this.head_modulation = gpt ? null : new Modulation(width, 2)
    this.head = new nn.Linear(width, codes, { bias: !gpt })
    if (gpt) this.#initGpt()
    else this.#initVar()
    if (shape.positions === 'sine') {
      const offset = gpt ? prefix : 0
      noGrad(() =>
        this.positions.narrow(0, offset, this.layout.tokens).copy_(sinePositions(shape.scales, width)),
      )
    }
  }

  /** Index of the "no class" token. */
  get noClassIndex(): number {
    return this.shape.classes
  }

  /** minGPT's: N(0, 0.02²) weights, zero biases. */
  #initGpt(): void {
    noGrad(() => {
      for (const [name, p] of this.namedParameters()) {
        if (name.endsWith('.weight') && p.ndim === 2) p.normal_(0, 0.02)
        else if (name.endsWith('.bias')) p.zero_()
      }
      this.level_embedding?.weight.zero_()
    })
  }

  /** VAR's (section 9.2): truncated normals of std sqrt(1 / 3C), small gates and head. */
  #initVar(): void {
    const { width, depth } = this.shape
    const std = Math.sqrt(1 / (3 * width))
    const gate = depth >= 36 ? 5e-6 : depth >= 24 ? 1e-4 : depth >= 16 ? 1e-3 : 1e-5
    noGrad(() => {
      for (const [name, p] of this.namedParameters()) {
        if (name.endsWith('scale_mul') || name.endsWith('q_bias') || name.endsWith('v_bias')) continue
        if (name.endsWith('.bias')) p.zero_()
        else nn.init.truncNormal_(p, { std })
      }
      this.head.weight.mul_(0.02)
      this.head_modulation!.linear.weight.mul_(0.5)
      for (const block of this.blocks as VarBlock[]) {
        const residual = Math.sqrt(2 * depth)
        block.attention.projection.weight.div_(residual)
        ;(block.mlp.layers[2] as nn.Linear).weight.div_(residual)
        const rows = block.modulation.linear.weight
        rows.narrow(0, 0, 2 * width).mul_(gate)
        rows.narrow(0, 2 * width, 4 * width).mul_(0.5)
      }
    })
  }

  #constant(name: string, make: () => Tensor): Tensor {
    let found = this.#constants.get(name)
    if (!found) {
      found = make()
      this.#constants.set(name, found)
    }
    return found
  }

  /** Class embedding and, if asked for, the mean of the prefix: what AdaLN is fed. @returns [N, C] */
  condition(prefix: Tensor, classes: Tensor): Tensor {
    const embedded = this.class_embedding.forward(classes) // [N, C]
    return this.shape.condMean ? embedded.add(prefix.mean(1)) : embedded
  }

  /** Learned vectors of the token slots from, from + 1, ... @returns [count, C] */
  #slots(from: number, count: number): Tensor {
    const offset = this.shape.block === 'gpt' ? this.shape.prefix : 0
    const positions = this.positions.narrow(0, offset + from, count)
    if (!this.level_embedding) return positions
    const device = this.positions.device
    const levels = this.#constant(`levels ${device}`, () => levelIndex(this.layout, device))
    return positions.add(this.level_embedding.forward(levels.narrow(0, from, count)))
  }

  /** What the image shows where each of the slots from, from + 1, ... lies. @returns [N, count, C] */
  #imageAt(prefix: Tensor, from: number, count: number): Tensor {
    const { device } = this.positions
    const averages = this.#constant(`aligned ${device}`, () =>
      alignedAverages(this.layout.scales, Math.sqrt(this.shape.prefix), device),
    )
    return this.image_at!.forward(averages.narrow(0, from, count).matmul(prefix))
  }

  embedPrefix(prefix: Tensor): Tensor {
    const placed =
      this.shape.block === 'gpt' ? prefix.add(this.positions.narrow(0, 0, this.shape.prefix)) : prefix
    return this.#drop(placed)
  }

  /**
   * The class embedding at every position of scale 1.
   * @param classes [N] int64 @param prefix [N or 1, T, C] @returns [N, p_1², C]
   */
  embedStart(classes: Tensor, prefix: Tensor): Tensor {
    const count = this.layout.counts[0]!
    const start = this.class_embedding.forward(classes).unsqueeze(1).add(this.#slots(0, count))
    const placed = this.start_position ? start.add(this.start_position) : start
    return this.#drop(this.image_at ? placed.add(this.#imageAt(prefix, 0, count)) : placed)
  }

  /**
   * @param inputs [N, n, codeChannels] of the slots from, from + 1, ... @param prefix [N or 1, T, C]
   * @returns [N, n, C]
   */
  embedTokens(inputs: Tensor, from: number, prefix: Tensor): Tensor {
    const count = inputs.size(1)
    const placed = this.embedding.forward(inputs).add(this.#slots(from, count))
    return this.#drop(this.image_at ? placed.add(this.#imageAt(prefix, from, count)) : placed)
  }

  #drop(x: Tensor): Tensor {
    return this.shape.block === 'gpt' ? F.dropout(x, this.shape.dropout, this.training) : x
  }

  /** @param x [N, L, C] @returns [N, L, C] */
  run(x: Tensor, condition: Tensor, mask: Tensor | null, caches: readonly AttentionCache[] | null): Tensor {
    return this.blocks.reduce(
      (h, block, i) => block.forward(h, condition, mask, caches ? caches[i]! : null),
      x,
    )
  }

  /** @param x [N, L, C] @returns logits [N, L, V], float32 */
  logits(x: Tensor, condition: Tensor): Tensor {
    if (this.norm) return this.head.forward(this.norm.forward(x))
    const [scale, shift] = this.head_modulation!.forward(condition) as [Tensor, Tensor]
    const normed = F.layerNorm(x, [this.shape.width], null, null, 1e-6)
    return this.head.forward(shift.add(normed.mul(scale.add(1))).float())
  }

  mask(device: string): Tensor {
    return this.#constant(`mask ${device}`, () => attentionMask(this.layout, device))
  }

  /**
   * Teacher forcing over the whole sequence, or over its first scales.
   * @param prefix [N, T, C] @param classes [N] int64 @param inputs [N, n, codeChannels] of scales 2 .. k
   * @returns logits [N, p_1² + n, V]
   */
  forward(prefix: Tensor, classes: Tensor, inputs: Tensor): Tensor {
    const condition = this.condition(prefix, classes)
    const parts = [this.embedPrefix(prefix), this.embedStart(classes, prefix)]
    const given = inputs.size(1)
    const first = this.layout.counts[0]!
    if (given > 0) parts.push(this.embedTokens(inputs, first, prefix))
    const length = this.shape.prefix + first + given
    const mask = this.mask(prefix.device).narrow(0, 0, length).narrow(1, 0, length)
    const hidden = this.run(cat(parts, 1), condition, mask, null) // [N, L, C]
    return this.logits(hidden.narrow(1, this.shape.prefix, first + given), condition)
  }

  /** Empty caches for a batch of rows. */
  caches(rows: number, capacity: number, device: string): AttentionCache[] {
    const { heads, width } = this.shape
    return this.blocks.map(() => new AttentionCache(rows, heads, capacity, width / heads, device))
  }
}
