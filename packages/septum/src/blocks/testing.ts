import { readFileSync } from 'node:fs'
import { type Module, noGrad, scope, type Tensor } from '@septum/torch'
import { expect } from 'vitest'
import { type Digest, expectDigest, fillByFormula, formulaImage } from './backbones/testing.js'

/** What `fixtures/parts.py` writes about a network. */
export interface Study {
  readonly names: number
  readonly parameters: number
  readonly evaluation: readonly Digest[]
  readonly training: readonly Digest[]
  readonly gradients: Readonly<Record<string, Digest>>
}

export const readFixture = <T>(file: string, from: string): T =>
  JSON.parse(readFileSync(new URL(file, from), 'utf8')) as T

/** Holds a network against PyTorch's: names, counts, outputs in evaluation and training, gradients. */
export function expectStudy(
  network: Module,
  forward: (x: Tensor) => readonly Tensor[],
  image: Tensor,
  study: Study,
): void {
  fillByFormula(network)
  expect(network.parameterCount()).toBe(study.parameters)
  expect(network.stateDict().size).toBe(study.names)
  scope(() => {
    network.eval()
    const evaluated = noGrad(() => forward(image))
    for (const [i, want] of study.evaluation.entries())
      expectDigest(evaluated[i]!, want, `evaluation, output ${i}`)
  })
  network.train()
  scope(() => {
    const out = forward(image)
    // Norms over few elements enlarge differences of rounding.
    for (const [i, want] of study.training.entries())
      expectDigest(out[i]!, want, `training, output ${i}`, 1e-2)
    out
      .map((map, i) => map.mul(formulaImage(map.shape, 7.25 + i)).sum())
      .reduce((a, b) => a.add(b))
      .backward()
  })
  const parameters = new Map(network.namedParameters())
  for (const [name, want] of Object.entries(study.gradients))
    expectDigest(parameters.get(name)!.grad!, want, `gradient of ${name}`, 2e-2)
}
