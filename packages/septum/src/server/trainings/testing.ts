import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { StatusFile } from './schemas.js'

/** Lines of a log as `septum train` writes them. */
export const stepLine = (at: number, loss: number | null = 1 / at) =>
  `${JSON.stringify({ step: at, event: 'step', phase: 'unet', phaseStep: at, losses: { total: loss }, learningRate: 0.1, gradientNorm: null, samplesPerSecond: 8 })}\n`
export const validationLine = (at: number, score: number | null) =>
  `${JSON.stringify({ step: at, event: 'validation', phase: 'unet', phaseStep: at, score, best: true, metrics: { dice: score } })}\n`
export const picturesLine = (at: number, file: string) =>
  `${JSON.stringify({ step: at, event: 'pictures', phase: 'unet', phaseStep: at, file, cases: ['a'], tile: [2, 3], classes: ['nodule'] })}\n`

export const statusOf = (more: Partial<StatusFile> = {}): StatusFile => ({
  state: 'running',
  activity: 'training',
  pid: process.pid,
  host: hostname(),
  method: 'unet',
  cases: { train: 8, val: 2 },
  parameters: 10,
  started: new Date().toISOString(),
  updated: new Date().toISOString(),
  phase: 'unet',
  phaseStep: 30,
  step: 30,
  steps: 100,
  phases: [{ name: 'unet', steps: 100, batchSize: 4 }],
  secondsPerStep: 0.5,
  ...more,
})

/** A folder with the files of a run. @returns it. */
export function makeRun(root: string, name: string, log = '', status?: StatusFile): string {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  const config = 'method: unet\ndata: { path: /home/someone/lidc }\noptions: { lr: 0.1 }\n'
  writeFileSync(join(folder, 'config.yaml'), config)
  writeFileSync(join(folder, 'task.json'), '{}')
  if (log) writeFileSync(join(folder, 'log.jsonl'), log)
  if (status) writeFileSync(join(folder, 'status.json'), JSON.stringify(status))
  return folder
}
