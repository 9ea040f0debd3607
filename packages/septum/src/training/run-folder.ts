import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { loadTensors, manualSeed, saveTensors } from '@septum/torch'
import { parse } from 'yaml'
import { methodByName } from '../methods/index.js'
import type { SegmentationModel, Task } from '../methods/method.js'
import { type RunConfig, type RunSummary, runConfigSchema } from './api.js'
import { sweep } from './checkpoint.js'
import type { RunTask } from './workplace.js'

/** Files of a run that prediction needs; `models/` holds folders of just these. */
const files = {
  config: 'config.yaml',
  task: 'task.json',
  weights: 'weights.safetensors',
  summary: 'summary.json',
} as const

export interface TrainedRun {
  readonly dir: string
  readonly config: RunConfig
  readonly task: RunTask
  readonly model: SegmentationModel
}

/** A fresh model with the weights that `seed` gives, in the layout that convolutions like best. */
export function buildModel(
  config: Pick<RunConfig, 'method' | 'options' | 'seed'>,
  task: Task,
  device: string,
): SegmentationModel {
  const method = methodByName(config.method)
  const options = method.options.parse(config.options)
  manualSeed(config.seed)
  const model = method.build(options, task)
  model.to({ device, memoryFormat: task.dimensions === 2 ? 'channels_last' : 'channels_last_3d' })
  return model
}

/** A kill or a full disk leaves the old file or the new one: a cut config.yaml could not be resumed. */
function writeText(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text, { flush: true })
  renameSync(`${file}.tmp`, file)
}

/** Starts the folder of a run, or the part of it that a resumed run may change. @throws SeptumError `run-folder` when it cannot be written. */
export function startRunFolder(dir: string, configText: string, task: RunTask): void {
  try {
    mkdirSync(dir, { recursive: true })
    sweep(dir)
    writeText(join(dir, files.task), `${JSON.stringify(task, null, 2)}\n`)
    writeText(join(dir, files.config), configText)
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

/** Writes what `predict` and `evaluate` load: the trained weights, and with them how they came about. */
export function finishRunFolder(dir: string, model: SegmentationModel, summary: RunSummary): void {
  // Apart from the weights: equal runs give equal weight files, however long they took.
  writeText(join(dir, files.summary), `${JSON.stringify(summary, null, 2)}\n`)
  saveTensors(join(dir, files.weights), model.stateDict())
}

/** @throws SeptumError when the folder holds no finished run. */
export function readSummary(dir: string): RunSummary {
  return readText(fileOf(dir, files.summary), JSON.parse) as RunSummary
}

function fileOf(dir: string, name: string): string {
  const file = join(dir, name)
  if (existsSync(file)) return file
  const unfinished = name === files.weights && existsSync(join(dir, 'checkpoints'))
  throw new SeptumError(
    unfinished ? 'run-unfinished' : 'run-missing',
    unfinished
      ? 'The training of this run has not finished'
      : `The folder holds no trained run: ${name} is missing`,
    unfinished
      ? `Continue it with: septum train --resume --out ${dir}`
      : 'Give the folder that septum train --out wrote, or one of models/.',
    { file: dir },
  )
}

function readText(file: string, read: (text: string) => unknown): unknown {
  try {
    return read(readFileSync(file, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : cause
    throw new SeptumError(
      'run-damaged',
      `A file of the run cannot be read: ${reason}`,
      'Restore the file, or train again.',
      { file },
      { cause },
    )
  }
}

/** What a run was trained for, without its weights. @throws SeptumError when the folder holds no finished run. */
export function readRun(dir: string): Pick<TrainedRun, 'dir' | 'config' | 'task'> {
  const configFile = fileOf(dir, files.config)
  const checked = runConfigSchema.safeParse(readText(configFile, parse))
  if (!checked.success) {
    const issue = checked.error.issues[0]
    throw new SeptumError(
      'run-config',
      `config.yaml is not one of ours: ${issue?.path.join('.')}: ${issue?.message}`,
      'Restore the file, or train again.',
      { file: configFile },
    )
  }
  const task = readText(fileOf(dir, files.task), JSON.parse) as RunTask
  return { dir, config: checked.data, task }
}

/** @throws SeptumError when the folder holds no finished run, or a damaged one. */
export function loadRun(dir: string, device: string): TrainedRun {
  const run = readRun(dir)
  const weights = fileOf(dir, files.weights)
  const model = buildModel(run.config, run.task, device)
  const { tensors } = loadTensors(weights, { device })
  try {
    model.loadStateDict(tensors)
  } catch (cause) {
    if (!(cause instanceof SeptumError)) throw cause
    throw new SeptumError(
      'run-weights',
      `The weights are not those of config.yaml: ${cause.message}`,
      'Restore the file, or train again.',
      { file: weights },
      { cause },
    )
  } finally {
    for (const t of tensors.values()) t.free()
  }
  model.eval().requiresGrad_(false)
  return { ...run, model }
}
