import { F, nn, scope, type Tensor } from '@septum/torch'

export interface VitOptions {
  readonly channels: number
  readonly layers: number
  readonly heads: number
  /** Width between the two linear layers of an MLP. */
  readonly mlp: number
  /** In the MLPs while training. */
  readonly dropout: number
}

const EPS = 1e-6

/** Attention of several heads with a linear layer each for queries, keys and values. */
class SelfAttention extends nn.Module {
  readonly query: nn.Linear
  readonly key: nn.Linear
  readonly value: nn.Linear
  readonly out: nn.Linear

  constructor(
    channels: number,
    private readonly heads: number,
  ) {
    super()
    if (channels % heads !== 0) throw new RangeError(`${channels} channels do not divide into ${heads} heads`)
    this.query = new nn.Linear(channels, channels)
    this.key = new nn.Linear(channels, channels)
    this.value = new nn.Linear(channels, channels)
    this.out = new nn.Linear(channels, channels)
  }

  /** @param x [N, P, C] */
  forward(x: Tensor): Tensor {
    const split = (t: Tensor) => t.unflatten(-1, [this.heads, -1]).transpose(1, 2) // [N, heads, P, C / heads]
    const mixed = F.attention(
      split(this.query.forward(x)),
      split(this.key.forward(x)),
      split(this.value.forward(x)),
    )
    return this.out.forward(mixed.transpose(1, 2).flatten(2)) // [N, P, C]
  }
}

class Mlp extends nn.Module {
  readonly fc1: nn.Linear
  readonly fc2: nn.Linear

  constructor(
    channels: number,
    hidden: number,
    private readonly dropout: number,
  ) {
    super()
    this.fc1 = new nn.Linear(channels, hidden)
    this.fc2 = new nn.Linear(hidden, channels)
    for (const { weight, bias } of [this.fc1, this.fc2]) {
      nn.init.xavierUniform_(weight)
      nn.init.normal_(bias!, 0, 1e-6)
    }
  }

  forward(x: Tensor): Tensor {
    const drop = (t: Tensor) => F.dropout(t, this.dropout, this.training)
    return drop(this.fc2.forward(drop(F.gelu(this.fc1.forward(x)))))
  }
}

/** A layer of a vision transformer: x + attention(norm(x)), then x + mlp(norm(x)) (Dosovitskiy et al. 2021). */
export class VitLayer extends nn.Module {
  readonly attention_norm: nn.LayerNorm
  readonly ffn_norm: nn.LayerNorm
  readonly ffn: Mlp
  readonly attn: SelfAttention

  constructor({ channels, heads, mlp, dropout }: VitOptions) {
    super()
    this.attention_norm = new nn.LayerNorm(channels, { eps: EPS })
    this.ffn_norm = new nn.LayerNorm(channels, { eps: EPS })
    this.ffn = new Mlp(channels, mlp, dropout)
    this.attn = new SelfAttention(channels, heads)
  }

  /** @param x tokens [N, P, C] @returns the same shape */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const attended = x.add(this.attn.forward(this.attention_norm.forward(x)))
      return attended.add(this.ffn.forward(this.ffn_norm.forward(attended)))
    })
  }
}

/** Layers and a last norm, with the names of TransUNet's release. */
export class VitEncoder extends nn.Module {
  readonly layer: VitLayer[]
  readonly encoder_norm: nn.LayerNorm

  constructor(options: VitOptions) {
    super()
    this.layer = Array.from({ length: options.layers }, () => new VitLayer(options))
    this.encoder_norm = new nn.LayerNorm(options.channels, { eps: EPS })
  }

  /** @param x tokens [N, P, C] @returns the same shape */
  forward(x: Tensor): Tensor {
    return this.encoder_norm.forward(this.layer.reduce((tokens, layer) => layer.forward(tokens), x))
  }
}
