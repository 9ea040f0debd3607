import { type Module, noGrad, type Tensor, tensor } from '@septum/torch'
import { expect } from 'vitest'

/** Numbers in [-1, 1) that look random and are the same in `fixtures/formula.py`. */
export function uniform(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const value = Math.sin(12.9898 * (i + 1) + seed) * 43758.5453
    return 2 * (value - Math.floor(value)) - 1
  })
}

const seedOf = (name: string): number =>
  ([...name].reduce((sum, c, i) => sum + (i + 1) * c.charCodeAt(0), 0) % 1000) / 10

/** Gives every tensor values that follow from its name and shape, as `formula.py` does. */
export function fillByFormula<M extends Module>(module: M): M {
  noGrad(() => {
    for (const [name, t] of module.stateDict()) {
      if (t.dtype === 'int64') continue
      const u = tensor(uniform(t.numel, seedOf(name)), { shape: t.shape })
      if (t.ndim > 1) t.copy_(u.mul(Math.sqrt(6 / (t.numel / t.size(0)))))
      else if (name.endsWith('running_var')) t.copy_(u.abs().mul(0.5).add(1))
      else if (name.endsWith('weight') || name.endsWith('gamma')) t.copy_(u.mul(0.2).add(1))
      else t.copy_(u.mul(0.1))
      u.free()
    }
  })
  return module
}

export const formulaImage = (shape: readonly number[], seed = 0.5): Tensor =>
  tensor(
    uniform(
      shape.reduce((a, b) => a * b),
      seed,
    ),
    { shape },
  )

/** What a fixture keeps of a map. */
export interface Digest {
  readonly shape: readonly number[]
  readonly mean: number
  readonly std: number
  readonly at: readonly number[]
}

/** Holds a map against PyTorch's; `tolerance` is a share of the map's standard deviation. */
export function expectDigest(t: Tensor, want: Digest, what: string, tolerance = 1e-3): void {
  expect(t.shape, what).toEqual(want.shape)
  const flat = t.detach().contiguous().flatten()
  const bound = tolerance * want.std + 1e-6
  const close = (value: number, wanted: number, name: string) =>
    expect(Math.abs(value - wanted), `${what}, ${name}: ${value}, not ${wanted}`).toBeLessThan(bound)
  close(flat.mean().item(), want.mean, 'mean')
  const last = flat.numel - 1
  want.at.forEach((value, i) => {
    close(flat.select(0, Math.floor((i * last) / (want.at.length - 1))).item(), value, `element ${i}`)
  })
}
