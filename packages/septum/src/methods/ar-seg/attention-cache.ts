import { empty, noGrad, type Tensor } from '@septum/torch'

/**
 * Keys and values of one attention layer for a batch of rows, [rows, heads, capacity, d]. New positions are
 * written behind the earlier ones; nothing is copied twice.
 */
export class AttentionCache {
  length = 0
  readonly #keys: Tensor
  readonly #values: Tensor

  constructor(rows: number, heads: number, capacity: number, width: number, device: string) {
    this.#keys = empty([rows, heads, capacity, width], { device })
    this.#values = empty([rows, heads, capacity, width], { device })
  }

  /** @param k, v [rows, heads, n, d]; rows may be 1, which fills all. */
  append(k: Tensor, v: Tensor): void {
    const n = k.size(2)
    noGrad(() => {
      this.#keys.narrow(2, this.length, n).copy_(k)
      this.#values.narrow(2, this.length, n).copy_(v)
    })
    this.length += n
  }

  /** Starts all rows from the single row of `prefix`. */
  copyFrom(prefix: AttentionCache): void {
    this.length = 0
    this.append(prefix.keys(), prefix.values())
  }

  /** [rows, heads, length, d] */
  keys(): Tensor {
    return this.#keys.narrow(2, 0, this.length)
  }

  values(): Tensor {
    return this.#values.narrow(2, 0, this.length)
  }

  free(): void {
    this.#keys.free()
    this.#values.free()
  }

  /** The tensors, for a scope that must not end them. */
  get tensors(): Tensor[] {
    return [this.#keys, this.#values]
  }
}
