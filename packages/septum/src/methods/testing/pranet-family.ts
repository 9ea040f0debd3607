import { manualSeed, type nn } from '@septum/torch'
import { expect } from 'vitest'
import { PhaseRun } from '../../training/phase-run.js'
import type { Batch, SegmentationModel, Task } from '../method.js'
import { disc, ramp, squareBatch, squareTask } from '../testing.js'

/** Two ramps with a disc each as their masks. */
export const twoRamps = (): Batch =>
  squareBatch(64, [ramp(64, 1, 0), ramp(64, 0, 1)], [[disc(64, 12)], [disc(64, 24)]])

/** A small encoder and few channels that learn quickly. */
export const learning = { encoder: 'resnet18', encoderWidth: 0.125, channels: 8, lr: 0.05, steps: 40 }

/** Two images whose discs are lit. */
function twoLit(): Batch {
  const discs = [disc(64, 13, 19, 19), disc(64, 16, 38, 38)]
  const lit = discs.map((mask) => ramp(64, 0.5, 0).map((v, i) => 0.5 * v + 0.5 * mask[i]!))
  return squareBatch(
    64,
    lit,
    discs.map((mask) => [mask]),
  )
}

/**
 * Trains a network of PraNet's family on two images; the last map must come to fit (those of strides 16 and 32 cannot
 * follow discs of this size).
 */
export function expectLearnt(make: (task: Task) => SegmentationModel): void {
  manualSeed(2)
  const model = make(squareTask(64))
  const run = new PhaseRun(model, model.phases()[0]!, 0, 7, 'cpu', 'float32')
  const two = twoLit()
  const losses = Array.from({ length: 40 }, (_, step) => run.step([{ ...two, step }]).losses.s2!)
  run.free()
  expect(losses.at(-1)!).toBeLessThan(0.35 * losses[0]!)
}

/** After a backward pass: a gradient that is not zero in every parameter, but for those that have none by design. */
export function expectGradients(network: nn.Module, without?: RegExp): void {
  for (const [name, p] of network.namedParameters())
    if (!without?.test(name)) expect(p.grad!.abs().amax().item(), name).toBeGreaterThan(0)
}
