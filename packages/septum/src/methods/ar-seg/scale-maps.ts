import { keep, type Tensor, tensor } from '@septum/torch'

/**
 * Rows of adaptive average pooling n -> p: output i averages the inputs ⌊i n / p⌋ .. ⌈(i + 1) n / p⌉ - 1
 * (section 2.2). @returns p rows of n weights.
 */
export function areaRows(n: number, p: number): number[][] {
  return Array.from({ length: p }, (_, i) => {
    const from = Math.floor((i * n) / p)
    const to = Math.ceil(((i + 1) * n) / p)
    return Array.from({ length: n }, (_, j) => (j >= from && j < to ? 1 / (to - from) : 0))
  })
}

/** Keys' cubic kernel with a = -0.75, as PyTorch and ONNX have it. */
function cubic(distance: number): number {
  const a = -0.75
  const d = Math.abs(distance)
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1
  if (d < 2) return a * (((d - 5) * d + 8) * d - 4)
  return 0
}

/** Rows of bicubic up-sampling p -> n: half-pixel centres, borders clamped. @returns n rows of p weights. */
export function bicubicRows(p: number, n: number): number[][] {
  return Array.from({ length: n }, (_, i) => {
    const centre = ((i + 0.5) * p) / n - 0.5
    const base = Math.floor(centre)
    const row: number[] = new Array(p).fill(0)
    for (let tap = base - 1; tap <= base + 2; tap++) {
      const at = Math.min(p - 1, Math.max(0, tap))
      row[at]! += cubic(centre - tap)
    }
    return row
  })
}

/** Kronecker square, transposed for right multiplication: [inputs², outputs²]. */
function planeMatrix(rows: number[][]): Tensor {
  const outputs = rows.length
  const inputs = rows[0]!.length
  const data = new Float32Array(inputs * inputs * outputs * outputs)
  for (let y = 0; y < outputs; y++)
    for (let x = 0; x < outputs; x++)
      for (let v = 0; v < inputs; v++)
        for (let u = 0; u < inputs; u++)
          data[(v * inputs + u) * outputs * outputs + y * outputs + x] = rows[y]![v]! * rows[x]![u]!
  return tensor(data, { shape: [inputs * inputs, outputs * outputs] })
}

/**
 * The two fixed linear maps of each scale p on an n x n latent: area down and bicubic up. As matrices they
 * are the same numbers in training, in sampling and in an exported graph, whatever the runtime.
 */
export class ScaleMaps {
  readonly #cache = new Map<string, Tensor>()
  constructor(readonly side: number) {}

  /** [n², p²] */
  down(p: number, device: string): Tensor {
    return this.#get(`down ${p} ${device}`, device, () => planeMatrix(areaRows(this.side, p)))
  }

  /** [p², n²] */
  up(p: number, device: string): Tensor {
    return this.#get(`up ${p} ${device}`, device, () => planeMatrix(bicubicRows(p, this.side)))
  }

  #get(key: string, device: string, make: () => Tensor): Tensor {
    let found = this.#cache.get(key)
    if (!found) {
      found = keep(make().to({ device }))
      this.#cache.set(key, found)
    }
    return found
  }
}
