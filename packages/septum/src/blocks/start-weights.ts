import { type Reporter, SeptumError } from '@septum/core'
import { loadPth, loadTensors, type nn, type Tensor } from '@septum/torch'
import { z } from 'zod'
import { type Backbone, dropPathOption, encoderWidthOption, loadPretrained } from './backbones/index.js'

/** A segmentation network on an image encoder. */
export interface EncoderNetwork extends nn.Module {
  readonly resnet: Backbone
}

/** Options on what a network starts from, for the schemas of methods. */
export const startOptions = {
  encoderWidth: encoderWidthOption,
  dropPath: dropPathOption,
  pretrained: z
    .boolean()
    .default(true)
    .describe('start the encoder from published weights where they are at hand'),
  startFrom: z
    .string()
    .nullable()
    .default(null)
    .describe('weight file of a whole network to start from, e.g. the released one; null: none'),
}

export interface StartOptions {
  readonly encoder: string
  readonly pretrained: boolean
  readonly startFrom: string | null
}

/**
 * Gives a network what its options ask for to start from, and says so.
 * @param rename names of a released file as ours
 * @throws SeptumError `state-mismatch` when a file holds other shapes, or nothing of this network
 */
export function startWeights(
  network: EncoderNetwork,
  { encoder, pretrained, startFrom }: StartOptions,
  reporter: Reporter,
  rename: (name: string) => string = (name) => name,
): void {
  if (startFrom !== null) startFromFile(network, startFrom, reporter, rename)
  else if (pretrained) loadPretrained(network.resnet, reporter)
  else reporter.warn(`The encoder ${encoder} starts from random weights, as asked for.`)
}

function startFromFile(
  network: nn.Module,
  file: string,
  reporter: Reporter,
  rename: (name: string) => string,
): void {
  const { tensors } = file.endsWith('.safetensors') ? loadTensors(file) : loadPth(file)
  try {
    const renamed = new Map(Array.from(tensors, ([name, t]): [string, Tensor] => [rename(name), t]))
    const { missing } = network.loadStateDict(renamed, { strict: false })
    const weights = missing.filter((name) => !name.endsWith('.num_batches_tracked'))
    if (missing.length === network.stateDict().size) {
      throw new SeptumError(
        'state-mismatch',
        'None of the weights in this file belong to the network',
        'Give the weights of this method, or leave startFrom out.',
        { file },
      )
    }
    const rest = weights.length > 0 ? `; ${weights.length} tensors are not in it and start at random` : ''
    reporter.info(`The network starts from the weights in ${file}${rest}.`)
  } finally {
    for (const t of tensors.values()) t.free()
  }
}
