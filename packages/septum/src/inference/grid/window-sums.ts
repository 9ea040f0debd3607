import type { Size3 } from './axis.js'
import { LEAST_WEIGHT, type WindowPlan } from './windows.js'

interface PlaneSum {
  /** [layers, H, W] */
  readonly values: Float32Array
  /** [H, W] */
  readonly weight: Float32Array
}

/**
 * Weighted sums of windows, kept for as many planes as a window is deep: a plane is given out, divided by its
 * weight, as soon as no later window reaches it.
 */
export class WindowSums {
  private readonly planes: PlaneSum[] = []
  /** Plane of `planes[0]`. */
  private first = 0
  private readonly rowWeights: Float32Array

  constructor(
    private readonly plan: WindowPlan,
    private readonly layers: number,
    /** Value of each layer where no window reaches. */
    private readonly outside: (layer: number) => number = () => 0,
  ) {
    this.rowWeights = new Float32Array(plan.size[2])
  }

  /** Adds a window's values [layers, ...window]. Windows come in the order of the plan. */
  add(values: Float32Array, start: Size3): void {
    const { size, window, weights } = this.plan
    const [d, h, w] = size
    const [wd, wh, ww] = window
    const [gz, gy, gx] = weights
    const [x0, x1] = [Math.max(0, start[2]), Math.min(w, start[2] + ww)]
    for (let z = Math.max(0, start[0]); z < Math.min(d, start[0] + wd); z++) {
      const plane = this.plane(z)
      for (let y = Math.max(0, start[1]); y < Math.min(h, start[1] + wh); y++) {
        const zy = gz[z - start[0]]! * gy[y - start[1]]!
        const row = y * w
        for (let x = x0; x < x1; x++) {
          this.rowWeights[x] = Math.max(LEAST_WEIGHT, zy * gx[x - start[2]]!)
          plane.weight[row + x]! += this.rowWeights[x]!
        }
        for (let layer = 0; layer < this.layers; layer++) {
          const from = ((layer * wd + z - start[0]) * wh + y - start[1]) * ww - start[2]
          const into = layer * h * w + row
          for (let x = x0; x < x1; x++) plane.values[into + x]! += this.rowWeights[x]! * values[from + x]!
        }
      }
    }
  }

  /** Weighted means [layers, H, W] of the planes before `end` that were not given out yet, in order. */
  *finished(end: number): Generator<Float32Array> {
    while (this.first < end) {
      const { values, weight } = this.planes.shift() ?? this.empty()
      this.first++
      const pixels = weight.length
      for (let layer = 0; layer < this.layers; layer++) {
        const outside = this.outside(layer)
        for (let i = 0; i < pixels; i++) {
          const at = layer * pixels + i
          values[at] = weight[i] === 0 ? outside : values[at]! / weight[i]!
        }
      }
      yield values
    }
  }

  private plane(z: number): PlaneSum {
    while (this.planes.length <= z - this.first) this.planes.push(this.empty())
    return this.planes[z - this.first]!
  }

  private empty(): PlaneSum {
    const pixels = this.plan.size[1] * this.plan.size[2]
    return { values: new Float32Array(this.layers * pixels), weight: new Float32Array(pixels) }
  }
}
