import type { Module, Tensor } from '@septum/torch'
import { expect } from 'vitest'
import { cases, expectClose, type LayerCase, stored } from '../../../../torch/test/reference.js'
import { type ArSegOptions, arSegOptions } from './options.js'

/** Masks of 16x16, latent 4x4, scales 1, 2, 4: 21 tokens of 16 codes; trains in seconds. */
export function tinyOptions(
  autoencoder: Partial<ArSegOptions['autoencoder']> = {},
  segmentor: Partial<ArSegOptions['segmentor']> = {},
): ArSegOptions {
  return arSegOptions.parse({
    autoencoder: {
      width: 8,
      multipliers: [1, 2, 2],
      blocks: 1,
      latentChannels: 16,
      codes: 16,
      codeChannels: 8,
      scales: [1, 2, 4],
      sharedConvolutions: 2,
      batchSize: 8,
      lr: 3e-3,
      restartEvery: 20,
      steps: 200,
      schedule: 'cosine',
      ...autoencoder,
    },
    segmentor: {
      depth: 2,
      width: 32,
      heads: 4,
      dropout: 0,
      prefixSide: 2,
      encoderWidths: [8, 8, 16],
      encoderBlocks: 1,
      batchSize: 8,
      lr: 3e-3,
      steps: 200,
      schedule: 'cosine',
      ...segmentor,
    },
    sampling: { temperature: [1], topK: 0 },
  })
}

export type Named = Map<string, Tensor>

export function layerCase(name: string): LayerCase {
  const found = cases('layer').find((one) => one.name === name)
  if (!found) throw new Error(`There is no reference case ${name}`)
  return found
}

const float = (t: Tensor): Tensor => t.to({ dtype: 'float32' })

/** Stored inputs, ready to be differentiated. */
export function inputsOf(one: LayerCase): Tensor[] {
  return one.inputs.map((name) =>
    float(stored(one, `input/${name}`))
      .clone()
      .requiresGrad_(),
  )
}

/**
 * Runs a module with the weights of a PyTorch reference and compares outputs and all gradients.
 * @param adapt brings stored names, of weights or of their gradients, to those of the module
 */
export function expectReference(
  one: LayerCase,
  module: Module,
  forward: (inputs: Tensor[]) => Record<string, Tensor>,
  adapt: (named: Named) => Named = (named) => named,
): void {
  const named = (role: string) =>
    adapt(new Map(one.params.map((name) => [name, float(stored(one, `${role}/${name}`))])))
  const { missing, unexpected } = module.loadStateDict(named('param'), { strict: false })
  const buffers = Array.from(module.namedBuffers(), ([name]) => name)
  expect(missing.filter((name) => !buffers.includes(name))).toEqual([])
  expect(unexpected).toEqual([])
  const inputs = inputsOf(one)
  const outputs = forward(inputs)
  for (const name of one.outputs) {
    if (outputs[name]) expectClose(outputs[name], stored(one, `output/${name}`), `${one.name} ${name}`)
  }
  const terms = one.upstream.map((name) => outputs[name]!.mul(float(stored(one, `upstream/${name}`))).sum())
  terms.reduce((a, b) => a.add(b)).backward()
  one.inputs.forEach((name, i) => {
    if (one.gradInputs.includes(name))
      expectClose(inputs[i]!.grad!, stored(one, `gradInput/${name}`), `gradient of ${name}`)
  })
  const gradients = named('gradParam')
  for (const [name, parameter] of module.namedParameters()) {
    expectClose(parameter.grad!, gradients.get(name)!, `gradient of ${name}`)
  }
}
