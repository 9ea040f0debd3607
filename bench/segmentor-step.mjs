// Training step of AR-Seg stage 2: ours as the trainer runs it, and plain PyTorch eager.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Stage-2 training step of AR-Seg, 128x128 images',
  { threads: 2, rounds: 4, steps: 3 },
  {
    batch: { type: 'string', default: '8', help: 'images in a step' },
  },
)
const { arSegModel } = await import('./lib/models.mjs')
const { compareTraining, trainingBatch } = await import('./lib/training.mjs')
const { PhaseRun } = await import('../packages/septum/dist/training/phase-run.js')

const model = arSegModel()
const run = new PhaseRun(model, model.phases()[1], 1, 0, 'cpu', 'float32')
const batch = trainingBatch(options.batch, 128)

await compareTraining(
  'segmentor-step',
  `AR-Seg stage 2, training step, batch ${options.batch}, 128x128`,
  options,
  [
    {
      name: 'stage 2',
      step: () => run.step([batch]),
      script: 'plain_transformer.py',
      args: ['--batch', options.batch, '--dropout', '0.1', '--clip', '1.0', '--tokens', 'online'],
      parameters: model.condition.parameterCount() + model.transformer.parameterCount(),
      least: 1.05,
    },
  ],
  `Both sides turn the masks into tokens in every step with the frozen autoencoder, drop out 0.1 and clip the
gradient norm at 1. Why: the two convolutional encoders run channels-last with group norm and SiLU as one operator;
queries, keys and values come from one matrix product; the mask is added instead of filled in, and the queries are
scaled instead of their products; AdamW updates all weights in a few multi-tensor calls. The transformer's matrix
products, GELU and dropout are the same kernels on both sides and take most of the step.`,
)
