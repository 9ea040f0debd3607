import { buffer, cat, F, nn, noGrad, randint, type Tensor, zeros } from '@septum/torch'
import type { AutoencoderOptions } from './options.js'
import { ScaleMaps } from './scale-maps.js'

/** Which of the n shared convolutions serves scale k of K: the nearest tick (section 2.2). */
export function phiIndices(scaleCount: number, n: number): number[] {
  const first = n === 4 ? 1 / 3 / n : 1 / 2 / n
  // Rounded as numpy.linspace does: for 10 scales two of them lie halfway between ticks.
  const step = n === 1 ? 0 : (1 - first - first) / (n - 1)
  const ticks = Array.from({ length: n }, (_, i) => i * step + first)
  return Array.from({ length: scaleCount }, (_, k) => {
    const t = scaleCount === 1 ? 0 : k / (scaleCount - 1)
    const distances = ticks.map((tick) => Math.abs(tick - t))
    return distances.indexOf(Math.min(...distances))
  })
}

export interface Quantized {
  /** Straight-through latent [N, C, n, n]: the value of fhat, the gradient of f. */
  readonly latent: Tensor
  /** Codebook and commitment loss, mean over the scales. */
  readonly loss: Tensor
  /** Token maps, [N, p²] int64 for each scale. */
  readonly tokens: Tensor[]
}

/**
 * Residual multi-scale vector quantiser with one codebook for all scales (section 2.2). Always float32.
 * Latents are [N, C, n, n]; tokens of a scale are row-major.
 */
export class MultiScaleQuantizer extends nn.Module {
  readonly codebook: nn.Embedding
  readonly phi: nn.Conv2d[]
  /** Exponential averages of hits per scale and code, and updates so far. */
  readonly usage: Tensor
  readonly updates: Tensor
  /** Hits of each code since the last restart. */
  readonly hits: Tensor
  readonly scales: readonly number[]
  readonly #maps: ScaleMaps
  readonly #phiOf: number[]

  constructor(private readonly options: AutoencoderOptions) {
    super()
    const { codes, codeChannels, scales, sharedConvolutions } = options
    this.codebook = new nn.Embedding(codes, codeChannels)
    this.phi = Array.from(
      { length: sharedConvolutions },
      () => new nn.Conv2d(codeChannels, codeChannels, 3, { padding: 1 }),
    )
    this.usage = buffer(zeros([scales.length, codes]))
    this.updates = buffer(zeros([], { dtype: 'int64' }))
    this.hits = buffer(zeros([codes]))
    this.scales = scales
    this.#maps = new ScaleMaps(scales.at(-1)!)
    this.#phiOf = phiIndices(scales.length, sharedConvolutions)
  }

  get side(): number {
    return this.#maps.side
  }

  get codeChannels(): number {
    return this.options.codeChannels
  }

  /** Area-averages a latent to scale k. @param f [N, C, n, n] @returns [N, p², C] */
  down(f: Tensor, k: number): Tensor {
    const flat = f.flatten(2) // [N, C, n²]
    const p = this.scales[k]!
    const small = p === this.side ? flat : flat.matmul(this.#maps.down(p, f.device)) // [N, C, p²]
    return small.transpose(1, 2)
  }

  /** What the codes of scale k add to the latent: phi(up(E[r])). @param tokens [N, p²] @returns [N, C, n, n] */
  contribution(tokens: Tensor, k: number): Tensor {
    const p = this.scales[k]!
    const n = this.side
    const codes = this.codebook.forward(tokens).transpose(1, 2) // [N, C, p²]
    const large = p === n ? codes.contiguous() : codes.matmul(this.#maps.up(p, tokens.device)) // [N, C, n²]
    const h = large.view([tokens.size(0), this.codeChannels, n, n])
    const rho = this.options.blend
    return h.mul(1 - rho).add(this.phi[this.#phiOf[k]!]!.forward(h), rho)
  }

  /** Index of the nearest code, lowest on ties. @param z [N, p², C] @returns [N, p²] int64 */
  nearest(z: Tensor): Tensor {
    return noGrad(() => {
      const [n, positions, channels] = z.shape as [number, number, number]
      const e = this.codebook.weight
      // |z|² is the same for all codes and does not change which is nearest.
      const norms = e.square().sum(1) // [V]
      const distances = norms.addmm(z.reshape([n * positions, channels]), e.transpose(0, 1), { alpha: -2 })
      return distances.argmin(1).view([n, positions])
    })
  }

  /**
   * @param f latent [N, C, n, n] @param depth scales that make up the latent to decode; the loss has all.
   * @returns its quantisation; counts hits while training.
   */
  forward(f: Tensor, depth: number = this.scales.length): Quantized {
    let decoded: Tensor | null = null
    const target = f.detach()
    let rest = target
    let fhat: Tensor | null = null
    let loss: Tensor | null = null
    const tokens: Tensor[] = []
    for (const k of this.scales.keys()) {
      const r = this.nearest(this.down(rest, k))
      const h = this.contribution(r, k)
      fhat = fhat ? fhat.add(h) : h
      if (k === depth - 1) decoded = fhat
      rest = rest.sub(h.detach())
      const term = F.mseLoss(fhat, target).add(F.mseLoss(f, fhat.detach()), this.options.commitment)
      loss = loss ? loss.add(term) : term
      tokens.push(r)
    }
    if (this.training) this.#count(tokens)
    return { latent: f.add(decoded!.sub(f).detach()), loss: loss!.div(this.scales.length), tokens }
  }

  /** Tokens of a latent, without loss. @param f [N, C, n, n] @returns [N, p²] for each scale */
  encodeTokens(f: Tensor): Tensor[] {
    return noGrad(() => {
      let rest = f
      return [...this.scales.keys()].map((k) => {
        const r = this.nearest(this.down(rest, k))
        rest = rest.sub(this.contribution(r, k))
        return r
      })
    })
  }

  /** Latents after 1, 2, ... K scales. @returns [N, C, n, n] each */
  latents(tokens: readonly Tensor[]): Tensor[] {
    let fhat: Tensor | null = null
    return tokens.map((r, k) => {
      const h = this.contribution(r, k)
      fhat = fhat ? fhat.add(h) : h
      return fhat
    })
  }

  /**
   * Inputs of scales 2 .. K for teacher forcing: the latent so far, averaged to the next scale.
   * @returns [N, p_2² + ... + p_K², C]
   */
  teacherInput(tokens: readonly Tensor[]): Tensor {
    return noGrad(() => {
      const before = this.latents(tokens.slice(0, -1))
      if (before.length === 0)
        return zeros([tokens[0]!.size(0), 0, this.codeChannels], { device: tokens[0]!.device })
      return cat(
        before.map((fhat, k) => this.down(fhat, k + 1)),
        1,
      )
    })
  }

  /** All residual vectors that the scales quantise, [positions, C]: what codes can be drawn from. */
  vectors(f: Tensor): Tensor {
    return noGrad(() => {
      let rest = f
      const seen = [...this.scales.keys()].map((k) => {
        const z = this.down(rest, k)
        rest = rest.sub(this.contribution(this.nearest(z), k))
        return z.reshape([-1, this.codeChannels])
      })
      return cat(seen, 0)
    })
  }

  /** Starts the codebook at vectors of the encoder. @param f [N, C, n, n] */
  initialize(f: Tensor): void {
    noGrad(() => {
      const pool = f.flatten(2).transpose(1, 2).reshape([-1, this.codeChannels]) // [N n², C]
      this.codebook.weight.copy_(this.#draw(pool, this.options.codes))
    })
  }

  /** Replaces codes that were not hit since the last call by vectors of `f`. @returns how many */
  restart(f: Tensor): number {
    return noGrad(() => {
      const dead = this.hits.eq(0).nonzero().flatten() // [dead]
      const count = dead.size(0)
      if (count > 0) this.codebook.weight.indexPut_([dead], this.#draw(this.vectors(f), count))
      this.hits.zero_()
      return count
    })
  }

  #draw(pool: Tensor, count: number): Tensor {
    return pool.indexSelect(0, randint(0, pool.size(0), [count], { device: pool.device }))
  }

  #count(tokens: readonly Tensor[]): void {
    noGrad(() => {
      const first = this.updates.item() === 0
      const decay = this.updates.item() < 100 ? 0.9 : 0.99
      tokens.forEach((r, k) => {
        const hits = r.flatten().bincount(this.options.codes).float()
        const row = this.usage.select(0, k)
        if (first) row.copy_(hits)
        else row.mul_(decay).add_(hits, 1 - decay)
        this.hits.add_(hits)
      })
      this.updates.add_(1)
    })
  }

  /**
   * Share of the codebook in use at each scale, 0 .. 1: a code counts when its average number of hits is at
   * least 0.08 of what it would get if a full map's hits were spread evenly.
   */
  codeUsage(batchSize: number): number[] {
    const threshold = (0.08 * batchSize * this.side * this.side) / this.options.codes
    return noGrad(() => this.usage.ge(threshold).float().mean(1).toArray())
  }
}
