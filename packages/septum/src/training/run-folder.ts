import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { loadTensors, manualSeed, saveTensors } from '@septum/torch'
import { parse } from 'yaml'
import { methodByName } from '../methods/index.js'
import type { SegmentationModel, Task } from '../methods/method.js'
import { type RunConfig, runConfigSchema } from './api.js'

/** Files of a run that prediction needs; `models/` holds folders of just these. */
const files = { config: 'config.yaml', task: 'task.json', weights: 'weights.safetensors' } as const

export interface TrainedRun {
  readonly dir: string
  readonly config: RunConfig
  readonly task: Task
  readonly model: SegmentationModel
}

/** A fresh model with the weights that `seed` gives, in the layout that convolutions like best. */
export function buildModel(config: Pick<RunConfig, 'method' | 'options' | 'seed'>, task: Task, device: string): SegmentationModel {
  const method = methodByName(config.method)
  const options = method.options.parse(config.options)
  manualSeed(config.seed)
  const model = method.build(options, task)
  model.to({ device, memoryFormat: task.dimensions === 2 ? 'channels_last' : 'channels_last_3d' })
  return model
}

/** Starts the folder of a run. @throws SeptumError `run-folder` when it cannot be written. */
export function startRunFolder(dir: string, configText: string, task: Task): void {
  try {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, files.task), `${JSON.stringify(task, null, 2)}\n`)
    writeFileSync(join(dir, files.config), configText)
  } catch (cause) {
    throw new SeptumError(
      'run-folder',
      `The folder of the run cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      'Give another --out, or make the folder writable.',
      { file: dir },
      { cause },
    )
  }
}

/** Writes what `predict` and `evaluate` load: the trained weights. */
export function finishRunFolder(dir: string, model: SegmentationModel, method: string): void {
  saveTensors(join(dir, files.weights), model.stateDict(), { method })
}

/** @throws SeptumError when the folder holds no finished run, or a damaged one. */
export function loadRun(dir: string, device: string): TrainedRun {
  const read = (name: string): string => {
    const file = join(dir, name)
    if (!existsSync(file)) {
      const unfinished = name === files.weights && existsSync(join(dir, 'checkpoints'))
      throw new SeptumError(
        unfinished ? 'run-unfinished' : 'run-missing',
        unfinished ? 'The training of this run has not finished' : `The folder holds no trained run: ${name} is missing`,
        unfinished ? `Continue it with: septum train --resume --out ${dir}` : 'Give the folder that septum train --out wrote, or one of models/.',
        { file: dir },
      )
    }
    return file
  }
  const configFile = read(files.config)
  const checked = runConfigSchema.safeParse(parse(readFileSync(configFile, 'utf8')))
  if (!checked.success) {
    const issue = checked.error.issues[0]
    throw new SeptumError('run-config', `config.yaml is not one of ours: ${issue?.path.join('.')}: ${issue?.message}`, 'Restore the file, or train again.', { file: configFile })
  }
  const task = JSON.parse(readFileSync(read(files.task), 'utf8')) as Task
  const weights = read(files.weights)
  const model = buildModel(checked.data, task, device)
  const { tensors } = loadTensors(weights, { device })
  try {
    model.loadStateDict(tensors)
  } finally {
    for (const t of tensors.values()) t.free()
  }
  model.eval().requiresGrad_(false)
  return { dir, config: checked.data, task, model }
}
