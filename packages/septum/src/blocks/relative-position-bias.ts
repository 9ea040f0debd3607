import { arange, nn, parameter, randn, scope, type Tensor } from '@septum/torch'

/**
 * A learned number for each head and each offset between a query and a key, keys lying on a side x side grid.
 * Queries on a finer grid use the cell that they lie in (UTNet, Gao et al. 2021, section 2.3).
 */
export class RelativePositionBias extends nn.Module {
  /** [(2 side - 1)^2, heads], rows by vertical, then horizontal offset */
  readonly table: Tensor

  constructor(
    heads: number,
    private readonly side: number,
  ) {
    super()
    this.table = parameter(randn([(2 * side - 1) ** 2, heads]).mul(0.02))
  }

  /** @param size of the map of queries @returns [heads, H W, side²] */
  forward([height, width]: readonly [number, number]): Tensor {
    const { side, table } = this
    return scope(() => {
      const options = { device: table.device }
      const key = arange(0, side, 1, options)
      // Offset of each query's cell from each key, from 0: [n, side]. Whole multiples repeat cells evenly.
      const offsets = (n: number) =>
        arange(0, n, 1, options)
          .mul(side)
          .div(n, 'floor')
          .unsqueeze(1)
          .sub(key)
          .add(side - 1)
      const rows = offsets(height)
        .view([height, 1, side, 1])
        .mul(2 * side - 1)
      const index = rows.add(offsets(width).view([1, width, 1, side])) // [H, W, side, side]
      return table
        .indexSelect(0, index.flatten())
        .view([height * width, side * side, -1])
        .permute([2, 0, 1])
    })
  }
}
