import { F, nn, scope, type Tensor } from '@septum/torch'
import {
  Backbone,
  type BackboneOptions,
  type FeatureChannels,
  type Features,
  four,
  scaledWidth,
} from './backbone.js'
import { dropPath, dropPathRates } from './drop-path.js'

const BLOCK_EPS = 1e-6
const HEADS = [1, 2, 5, 8]
const RATIOS = [8, 8, 4, 4]
const DEPTHS = [3, 4, 6, 3]
/** Factor by which keys and values of a stage are smaller than its map. */
const REDUCTIONS = [8, 4, 2, 1]

/** [N, C, H, W] as tokens [N, H W, C], and back. */
const tokensOf = (x: Tensor): Tensor => x.flatten(2).transpose(1, 2)
const mapOf = (tokens: Tensor, [h, w]: readonly [number, number]): Tensor =>
  tokens.transpose(1, 2).unflatten(2, [h, w])

/** Overlapping patches: a strided convolution, then layer norm over channels. */
class PatchEmbed extends nn.Module {
  readonly proj: nn.Conv2d
  readonly norm: nn.LayerNorm

  constructor(inChannels: number, channels: number, kernel: number, stride: number) {
    super()
    this.proj = new nn.Conv2d(inChannels, channels, kernel, { stride, padding: (kernel - 1) / 2 })
    this.norm = new nn.LayerNorm(channels)
  }

  /** @returns tokens [N, P, C] and the size of their map */
  forward(x: Tensor): { tokens: Tensor; size: readonly [number, number] } {
    const map = this.proj.forward(x)
    const [h, w] = map.shape.slice(2) as [number, number]
    return { tokens: this.norm.forward(tokensOf(map)), size: [h, w] }
  }
}

/** Attention whose keys and values come from a map made smaller by a strided convolution. */
class Attention extends nn.Module {
  readonly q: nn.Linear
  readonly kv: nn.Linear
  readonly proj: nn.Linear
  readonly sr: nn.Conv2d | null
  readonly norm: nn.LayerNorm | null

  constructor(
    channels: number,
    private readonly heads: number,
    reduction: number,
  ) {
    super()
    this.q = new nn.Linear(channels, channels)
    this.kv = new nn.Linear(channels, 2 * channels)
    this.proj = new nn.Linear(channels, channels)
    this.sr = reduction > 1 ? new nn.Conv2d(channels, channels, reduction, { stride: reduction }) : null
    this.norm = reduction > 1 ? new nn.LayerNorm(channels) : null
  }

  /** @param x [N, P, C] */
  forward(x: Tensor, size: readonly [number, number]): Tensor {
    const split = (t: Tensor) => t.unflatten(-1, [this.heads, -1]).transpose(1, 2) // [N, heads, P, C / heads]
    const [k, v] = this.kv.forward(this.#reduced(x, size)).chunk(2, -1) as [Tensor, Tensor]
    const mixed = F.attention(split(this.q.forward(x)), split(k), split(v))
    return this.proj.forward(mixed.transpose(1, 2).flatten(2)) // [N, P, C]
  }

  #reduced(x: Tensor, size: readonly [number, number]): Tensor {
    if (!this.sr || !this.norm) return x
    const r = this.sr.weight.size(2)
    // A map smaller than the reduction still gives one key.
    const short = size.map((n) => Math.max(0, r - n)) as [number, number]
    const map = mapOf(x, size)
    const enough = short.some((n) => n > 0) ? F.pad(map, [0, short[1], 0, short[0]], 'replicate') : map
    return this.norm.forward(tokensOf(this.sr.forward(enough)))
  }
}

/** A depthwise 3x3 convolution over the map of the tokens, which also tells them where they are. */
class DepthwiseConv extends nn.Module {
  readonly dwconv: nn.Conv2d

  constructor(channels: number) {
    super()
    this.dwconv = new nn.Conv2d(channels, channels, 3, { padding: 1, groups: channels })
  }

  forward(x: Tensor, size: readonly [number, number]): Tensor {
    return tokensOf(this.dwconv.forward(mapOf(x, size)))
  }
}

class Mlp extends nn.Module {
  readonly fc1: nn.Linear
  readonly dwconv: DepthwiseConv
  readonly fc2: nn.Linear

  constructor(channels: number, hidden: number) {
    super()
    this.fc1 = new nn.Linear(channels, hidden)
    this.dwconv = new DepthwiseConv(hidden)
    this.fc2 = new nn.Linear(hidden, channels)
  }

  forward(x: Tensor, size: readonly [number, number]): Tensor {
    return this.fc2.forward(F.gelu(this.dwconv.forward(this.fc1.forward(x), size)))
  }
}

class Block extends nn.Module {
  readonly norm1: nn.LayerNorm
  readonly attn: Attention
  readonly norm2: nn.LayerNorm
  readonly mlp: Mlp

  constructor(
    channels: number,
    heads: number,
    ratio: number,
    reduction: number,
    private readonly dropRate: number,
  ) {
    super()
    this.norm1 = new nn.LayerNorm(channels, { eps: BLOCK_EPS })
    this.attn = new Attention(channels, heads, reduction)
    this.norm2 = new nn.LayerNorm(channels, { eps: BLOCK_EPS })
    this.mlp = new Mlp(channels, channels * ratio)
  }

  forward(x: Tensor, size: readonly [number, number]): Tensor {
    return scope(() => {
      const drop = (residual: Tensor) => dropPath(residual, this.dropRate, this.training)
      const attended = x.add(drop(this.attn.forward(this.norm1.forward(x), size)))
      return attended.add(drop(this.mlp.forward(this.norm2.forward(attended), size)))
    })
  }
}

interface Stage {
  readonly embed: PatchEmbed
  readonly blocks: Block[]
  readonly norm: nn.LayerNorm
}

/** PVTv2-B2 (Wang et al. 2022) with the names of its release. */
export class PvtV2B2 extends Backbone {
  readonly channels: FeatureChannels
  readonly #stages: readonly Stage[]
  readonly head: nn.Linear | null

  constructor({ width = 1, classes, dropPath: rate = 0 }: BackboneOptions = {}) {
    super('pvtv2-b2')
    // Widths stay multiples of the heads.
    const widths = [64, 128, 320, 512].map((w, i) => HEADS[i]! * scaledWidth(w / HEADS[i]!, width))
    const rates = dropPathRates(
      rate,
      DEPTHS.reduce((a, b) => a + b, 0),
    )
    this.#stages = widths.map((w, i) => ({
      embed: new PatchEmbed(i === 0 ? 3 : widths[i - 1]!, w, i === 0 ? 7 : 3, i === 0 ? 4 : 2),
      blocks: rates
        .splice(0, DEPTHS[i]!)
        .map((own) => new Block(w, HEADS[i]!, RATIOS[i]!, REDUCTIONS[i]!, own)),
      norm: new nn.LayerNorm(w, { eps: BLOCK_EPS }),
    }))
    this.head = classes === undefined ? null : new nn.Linear(widths.at(-1)!, classes)
    this.channels = { stride2: null, stem: null, levels: four(widths) }
    this.apply((part) => {
      if (part instanceof nn.Linear) {
        nn.init.truncNormal_(part.weight, { std: 0.02 })
        if (part.bias) nn.init.zeros_(part.bias)
      } else if (part instanceof nn.Conv2d) {
        nn.init.normal_(part.weight, 0, Math.sqrt(2 / nn.init.fanInOut(part.weight).fanOut))
        if (part.bias) nn.init.zeros_(part.bias)
      }
    })
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [i, { embed, blocks, norm }] of this.#stages.entries()) {
      yield [`patch_embed${i + 1}`, embed]
      for (const [b, block] of blocks.entries()) yield [`block${i + 1}.${b}`, block]
      yield [`norm${i + 1}`, norm]
    }
    if (this.head) yield ['head', this.head]
  }

  override forward(x: Tensor): Features {
    let map = x
    const levels = this.#stages.map(({ embed, blocks, norm }) => {
      map = scope(() => {
        const { tokens, size } = embed.forward(map)
        return mapOf(norm.forward(blocks.reduce((t, block) => block.forward(t, size), tokens)), size)
      })
      return map
    })
    return { stride2: null, stem: null, levels: four(levels) }
  }

  override unused(name: string): boolean {
    return this.head === null && name.startsWith('head.')
  }
}
