import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import { NonLocalBlock } from '../../blocks/non-local.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'

/** Layers of one branch by their released places: a convolution with a ReLU and, in one of them, a non-local block. */
class Branch extends nn.Module {
  readonly #conv: nn.Conv2d
  readonly #nonLocal: NonLocalBlock | null

  constructor(
    inChannels: number,
    channels: number,
    private readonly pool: number | null,
  ) {
    super()
    this.#conv = new nn.Conv2d(inChannels, channels, 1)
    this.#nonLocal = pool === null ? new NonLocalBlock(channels) : null
  }

  override *children(): Generator<[string, nn.Module]> {
    yield [this.pool === null ? '0' : '1', this.#conv]
    if (this.#nonLocal) yield ['2', this.#nonLocal]
  }

  forward(x: Tensor): Tensor {
    const { pool } = this
    const y = this.#conv.forward(pool === null ? x : F.adaptiveAvgPool2d(x, pool)).relu_()
    return this.#nonLocal ? this.#nonLocal.forward(y) : resizeMaps(y, sizeOf(x), true)
  }
}

/** 3x3 convolution and ReLU, named `0`. */
class Out extends nn.Module {
  readonly #conv: nn.Conv2d

  constructor(inChannels: number, outChannels: number) {
    super()
    this.#conv = new nn.Conv2d(inChannels, outChannels, 3, { padding: 1 })
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#conv]
  }

  forward(x: Tensor): Tensor {
    return this.#conv.forward(x).relu_()
  }
}

/** Context of the deepest level at three grids and over all positions, for every level of the decoder. */
export class GlobalContextModule extends nn.Module {
  readonly GCmodule: Branch[]
  readonly GCoutmodel: Out[]

  /** @param channels of each branch @param widths for each level of the decoder, deep to shallow */
  constructor(inChannels: number, channels: number, widths: readonly number[]) {
    super()
    this.GCmodule = [1, 3, 5, null].map((pool) => new Branch(inChannels, channels, pool))
    this.GCoutmodel = widths.map((width) => new Out(4 * channels, width))
  }

  /**
   * @param x [N, in, h, w] @param sizes of the levels, deep to shallow
   * @returns [N, widths[i], ...sizes[i]] for each level
   */
  forward(x: Tensor, sizes: readonly (readonly number[])[]): Tensor[] {
    return scope(() => {
      const context = cat(
        this.GCmodule.map((branch) => branch.forward(x)),
        1,
      ) // [N, 4 channels, h, w]
      return this.GCoutmodel.map((out, i) => resizeMaps(out.forward(context), sizes[i]!))
    })
  }
}
