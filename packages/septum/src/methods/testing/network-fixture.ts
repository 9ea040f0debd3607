import { readFileSync } from 'node:fs'
import { type nn, noGrad, scope, type Tensor } from '@septum/torch'
import { expect } from 'vitest'
import { type Digest, expectDigest, fillByFormula, formulaImage } from '../../blocks/backbones/testing.js'

/** What `fixtures/record.py` keeps of a network. */
export interface NetworkFixture {
  readonly shape: readonly number[]
  readonly names: number
  readonly evaluation: readonly Digest[]
  readonly training: readonly Digest[]
  readonly image: Digest
  readonly gradients: Readonly<Record<string, Digest>>
}

export const networkFixtures = (url: URL): Record<string, NetworkFixture> =>
  JSON.parse(readFileSync(url, 'utf8')) as Record<string, NetworkFixture>

/**
 * Holds maps in evaluation and training, and the gradients of image and parameters, against PyTorch's. In double
 * precision: norms over a handful of elements enlarge rounding to what a mistake might be.
 */
export function expectNetwork(
  network: nn.Module & { forward(images: Tensor): readonly Tensor[] },
  fixture: NetworkFixture,
): void {
  scope(() => {
    fillByFormula(network).to({ dtype: 'float64' })
    expect(network.stateDict().size).toBe(fixture.names)
    const exact = (shape: readonly number[], seed?: number) =>
      formulaImage(shape, seed).to({ dtype: 'float64' })
    // A single number has no deviation: its size stands in.
    const same = (t: Tensor, want: Digest, what: string) =>
      expectDigest(t, { ...want, std: Math.max(want.std, Math.abs(want.mean)) }, what, 1e-5)
    const images = exact(fixture.shape)
    const evaluated = noGrad(() => network.eval().forward(images))
    expect(evaluated).toHaveLength(fixture.evaluation.length)
    for (const [i, map] of evaluated.entries()) same(map, fixture.evaluation[i]!, `evaluation, map ${i}`)
    images.requiresGrad_()
    const trained = network.train().forward(images)
    for (const [i, map] of trained.entries()) same(map, fixture.training[i]!, `training, map ${i}`)
    trained
      .map((map, i) => map.mul(exact(map.shape, 7 + i)).sum())
      .reduce((a, b) => a.add(b))
      .backward()
    same(images.grad!, fixture.image, 'gradient of the image')
    const own = [...network.namedParameters()]
    expect(own.map(([name]) => name).sort()).toEqual(Object.keys(fixture.gradients).sort())
    for (const [name, p] of own) same(p.grad!, fixture.gradients[name]!, `gradient of ${name}`)
  })
}
