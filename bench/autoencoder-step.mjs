// Training step of AR-Seg stage 1 at the paper's size: ours as the trainer runs it, and plain PyTorch eager.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Stage-1 training step of AR-Seg, 128x128 masks',
  { threads: 2, rounds: 4, steps: 3 },
  {
    batch: { type: 'string', default: '8', help: 'masks in a step' },
  },
)
const { arSegModel } = await import('./lib/models.mjs')
const { compareTraining, trainingBatch } = await import('./lib/training.mjs')
const { PhaseRun } = await import('../packages/septum/dist/training/phase-run.js')

const model = arSegModel()
const run = new PhaseRun(model, model.phases()[0], 0, 0, 'cpu', 'float32')
const batch = trainingBatch(options.batch, 128)
run.begin(batch)

await compareTraining(
  'autoencoder-step',
  `AR-Seg stage 1, training step, batch ${options.batch}, 128x128`,
  options,
  [
    {
      name: 'stage 1',
      step: () => run.step([batch]),
      script: 'plain_autoencoder.py',
      args: ['--batch', options.batch],
      parameters: model.autoencoder.parameterCount(),
      least: 1.2,
    },
  ],
  `Why: our networks run channels-last, so the convolutions of oneDNN need no reordering of their inputs and
results; group norm and SiLU are one operator, forward and backward, that reads its input once and keeps no
intermediate map; Adam updates all weights in a few multi-tensor calls; freed memory is used again instead of
being mapped and cleared anew. PyTorch's side is the same network written with torch.nn, in the default layout.`,
)
