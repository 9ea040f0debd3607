import type { CaseStore, DecodedCase, SegmentationCase } from '../datasets/index.js'
import type { SegmentationModel, Task, ValidationResult } from '../methods/method.js'
import { IGNORED } from './labels.js'
import { slideVolume } from './slide-volume.js'

/** Volumes of a validation where the run does not say how many: each costs as much as its patches. */
export const MOST_VOLUMES = 16

/**
 * Validation on whole volumes, as they come out of the store: mean Dice of the hard mask over cases, classes and raters;
 * an empty mask of an empty reference counts 1. Samples with the ignore label are left out. Patches overlap by half, as
 * in prediction; of the probabilities only the planes that a patch is deep are in memory.
 * @param cases volumes with masks
 */
export async function validateVolumes(
  model: SegmentationModel,
  task: Task,
  store: Pick<CaseStore, 'get'>,
  cases: readonly SegmentationCase[],
  device: string,
): Promise<ValidationResult> {
  let sum = 0
  let count = 0
  for (const [index, entry] of cases.entries()) {
    const decoded = await store.get(entry)
    for (const dice of await diceOfVolume(model, task, decoded, { device, index })) {
      sum += dice
      count++
    }
  }
  const dice = count === 0 ? 0 : sum / count
  return { score: dice, metrics: { dice } }
}

/** Dice of each class and rater. */
export async function diceOfVolume(
  model: SegmentationModel,
  task: Task,
  decoded: DecodedCase,
  { device, index }: { readonly device: string; readonly index: number },
): Promise<number[]> {
  const { masks, size } = decoded
  const [depth, height, width] = size as readonly [number, number, number]
  const pixels = height * width
  const raters = masks.length / (depth * pixels)
  // Which classes a label belongs to.
  const members = task.classes.map((_, c) => {
    const own = new Set(task.regions?.[c] ?? [c + 1])
    return Uint8Array.from({ length: 256 }, (_, label) => Number(own.has(label)))
  })
  const tallies = Array.from({ length: task.classes.length * raters }, () => ({ both: 0, sum: 0 }))
  const options = { device, seed: 0, index }
  await slideVolume(model, task, decoded, options, (z, probabilities) => {
    for (let rater = 0; rater < raters; rater++) {
      const labels = masks.subarray((rater * depth + z) * pixels, (rater * depth + z + 1) * pixels)
      for (const [c, member] of members.entries()) {
        const tally = tallies[c * raters + rater]!
        for (let i = 0; i < pixels; i++) {
          const label = labels[i]!
          if (task.ignores && label === IGNORED) continue
          const marked = probabilities[c * pixels + i]! > 0.5 ? 1 : 0
          tally.sum += marked + member[label]!
          tally.both += marked & member[label]!
        }
      }
    }
  })
  return tallies.map(({ both, sum }) => (sum === 0 ? 1 : (2 * both) / sum))
}
