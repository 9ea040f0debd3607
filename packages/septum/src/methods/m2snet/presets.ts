type Values = Readonly<Record<string, unknown>>

/** Training of a task in the paper: passes over so many images of its own. */
interface PublishedTraining {
  readonly epochs: number
  readonly images: number
}

/**
 * Epochs of the released code and images of the paper: 900 of Kvasir-SEG and 550 of CVC-ClinicDB; 894 slices; three of
 * four folds of the 647 images of BUSI with a lesion; the labelled images of GOALS.
 */
export const publishedTrainings = {
  polyp: { epochs: 50, images: 1450 },
  lung: { epochs: 200, images: 894 },
  breast: { epochs: 100, images: 485 },
  retina: { epochs: 100, images: 100 },
} as const satisfies Record<string, PublishedTraining>

/** Optimiser steps of a published training with batches of another size. */
export const publishedSteps = ({ epochs, images }: PublishedTraining, batchSize: number): number =>
  Math.max(1, Math.round((epochs * images) / batchSize))

const PAPER_BATCH = 16
/** Polyps, lungs and breasts, a third of each batch each. */
const UNIFIED_BATCH = 48

/**
 * One network for several data sets (table 8), which the paper names ConvNeXt-B and describes no further. Optimiser, rate
 * and its decay are those of the authors' other unified network (Spider): batches of 16 of each data set, 50 epochs, Adam at
 * 1e-4, the rate times 0.9 every 30 epochs. An epoch is a pass over the largest of the three data sets.
 */
function unified({ batchSize }: Values): Values {
  const batch = typeof batchSize === 'number' ? batchSize : UNIFIED_BATCH
  const { images } = publishedTrainings.polyp
  const steps = publishedSteps({ epochs: 50, images }, batch / 3)
  return {
    encoder: 'convnext-b',
    optimizer: 'adam',
    lr: 1e-4,
    encoderRate: 1,
    weightDecay: 0,
    schedule: 'step',
    warmup: 0,
    decayFactor: 0.9,
    decayEvery: publishedSteps({ epochs: 30, images }, batch / 3),
    batchSize: batch,
    steps,
  }
}

/** Defaults of nnU-Net (table 7, whose settings the paper leaves open); patch and batch are of its planner. */
const nnunet: Values = {
  loss: 'dice-bce',
  lossNet: 'none',
  deepSupervision: true,
  sideWeights: 'halving',
  optimizer: 'sgd',
  lr: 0.01,
  encoderRate: 1,
  momentum: 0.99,
  weightDecay: 3e-5,
  schedule: 'polynomial',
  warmup: 0,
  clipNorm: 12,
  augmentation: 'nnunet',
  sizes: [1],
  batchSize: null,
  // 1000 epochs of 250 steps.
  steps: 250_000,
}

function presetOf(values: Values): Values {
  const { recipe, task = 'polyp', batchSize } = values
  if (recipe === 'nnunet') return nnunet
  if (recipe === 'unified') return unified(values)
  const published = (publishedTrainings as Record<string, PublishedTraining>)[String(task)]
  // Batches of another size make as many passes.
  return published
    ? { steps: publishedSteps(published, typeof batchSize === 'number' ? batchSize : PAPER_BATCH) }
    : {}
}

/** Options as given, over those that the recipe and the task set: a preset changes defaults and nothing else. */
export function withPreset(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  return { ...presetOf(given as Values), ...given }
}
