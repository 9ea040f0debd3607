import { readFileSync } from 'node:fs'
import { noGrad, scope, setThreads } from '@septum/torch'
import { describe, expect, it } from 'vitest'
import { type BackboneName, buildBackbone } from './index.js'
import { type Digest, expectDigest, fillByFormula, formulaImage } from './testing.js'

setThreads(1)

interface Reference {
  readonly names: number
  readonly evaluation: readonly Digest[]
  readonly training: readonly Digest[]
}

const references = JSON.parse(
  readFileSync(new URL('fixtures/backbones.json', import.meta.url), 'utf8'),
) as Record<BackboneName, Reference>

describe.each(Object.entries(references) as [BackboneName, Reference][])('%s', (name, reference) => {
  const encoder = fillByFormula(buildBackbone(name, { width: 0.25 }))
  const images = formulaImage([2, 3, 64, 96]).to({ memoryFormat: 'channels_last' })

  it("has the maps of PyTorch's in evaluation and in training, its names included", () => {
    expect(encoder.stateDict().size).toBe(reference.names)
    scope(() => {
      const evaluated = noGrad(() => encoder.eval().forward(images)).levels
      for (const [i, level] of evaluated.entries())
        expectDigest(level, reference.evaluation[i]!, `evaluation, level ${i}`)
      const trained = encoder.train().forward(images).levels
      // Dozens of norms over few elements enlarge differences of rounding.
      for (const [i, level] of trained.entries())
        expectDigest(level, reference.training[i]!, `training, level ${i}`, 5e-3)
    })
  })
})
