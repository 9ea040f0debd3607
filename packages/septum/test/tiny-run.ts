import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writePng } from '../src/formats/index.js'

/** The built command line: what a user starts. */
export const main = fileURLToPath(new URL('../bin/septum.mjs', import.meta.url))

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'septum-run-'))

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

export interface MadeUp {
  readonly cases?: number
  /** [H, W] of every image. */
  readonly size?: readonly [number, number]
  readonly raters?: number
  /** Value of a marked pixel. */
  readonly mark?: number
}

/** A data set of noisy discs, one patient a case, split 4 : 2 : rest by `splits.json`. */
export async function madeUpData(
  dir: string,
  { cases = 8, size = [16, 16], raters = 2, mark = 255 }: MadeUp = {},
): Promise<string> {
  const [height, width] = size
  mkdirSync(join(dir, 'images'), { recursive: true })
  for (let r = 0; r < raters; r++) mkdirSync(join(dir, 'masks', `rater${r}`), { recursive: true })
  for (let n = 0; n < cases; n++) {
    const inside = (y: number, x: number, radius: number) =>
      (y - height / 2 + (n % 3)) ** 2 + (x - width / 2 - (n % 2)) ** 2 < radius ** 2
    const draw = (value: (y: number, x: number) => number) => ({
      data: Uint8Array.from({ length: height * width }, (_, i) => value(Math.floor(i / width), i % width)),
      shape: [1, height, width],
    })
    const noise = (y: number, x: number) => (17 * y + 31 * x + 13 * n * (y + 1)) % 50
    await writePng(
      join(dir, 'images', `c${n}.png`),
      draw((y, x) => noise(y, x) + (inside(y, x, 5) ? 150 : 0)),
    )
    for (let r = 0; r < raters; r++) {
      const radius = 4 + r + (n % 2)
      await writePng(
        join(dir, 'masks', `rater${r}`, `c${n}.png`),
        draw((y, x) => (inside(y, x, radius) ? mark : 0)),
      )
    }
  }
  return dir
}

/** Settings of an AR-Seg run of seconds: 32,000 weights, 12 + 12 steps, every kind of state in its checkpoints. */
export const tinySettings: readonly string[] = [
  'training.validateEvery=6',
  'training.checkpointEvery=3',
  'training.logEvery=1',
  'data.imageSize=[16,16]',
  'options.autoencoder.width=4',
  'options.autoencoder.multipliers=[1,2]',
  'options.autoencoder.blocks=1',
  'options.autoencoder.latentChannels=8',
  'options.autoencoder.codes=16',
  'options.autoencoder.codeChannels=4',
  'options.autoencoder.scales=[1,2,4,8]',
  'options.autoencoder.restartEvery=4',
  'options.autoencoder.steps=12',
  'options.autoencoder.batchSize=4',
  'options.autoencoder.lr=0.003',
  'options.autoencoder.ema=0.9',
  'options.segmentor.depth=1',
  'options.segmentor.width=16',
  'options.segmentor.heads=2',
  'options.segmentor.prefixSide=4',
  'options.segmentor.encoderWidths=[8,8]',
  'options.segmentor.encoderBlocks=1',
  'options.segmentor.steps=12',
  'options.segmentor.batchSize=4',
  'options.segmentor.lr=0.003',
  'options.segmentor.ema=0.9',
  'options.sampling.topK=0',
]

/** Words after `septum` that train the tiny run. */
export const tinyTraining = (data: string, out: string, ...more: readonly string[]): string[] => [
  'train',
  data,
  '--method',
  'ar-seg',
  '--out',
  out,
  '--seed',
  '5',
  '--threads',
  '1',
  '--device',
  'cpu',
  ...tinySettings.flatMap((setting) => ['--set', setting]),
  ...more,
]

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `septum` in a process of its own. */
export function start(
  argv: readonly string[],
  prefix: readonly string[] = [],
): { child: ChildProcess; ended: Promise<Ended> } {
  const [command, ...rest] = [...prefix, process.execPath, main, ...argv]
  const child = spawn(command!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  const parts = { stdout: '', stderr: '' }
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    parts.stdout += part
  })
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    parts.stderr += part
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...parts }))
  })
  return { child, ended }
}

export const septum = (argv: readonly string[], prefix: readonly string[] = []): Promise<Ended> =>
  start(argv, prefix).ended

/** Names, shapes and bytes of the trained tensors; not the seconds that the header tells. */
export function weightsOf(run: string): { header: Record<string, unknown>; bytes: string } {
  const file = readFileSync(join(run, 'weights.safetensors'))
  const data = 8 + Number(file.readBigUInt64LE(0))
  const { __metadata__, ...header } = JSON.parse(file.toString('utf8', 8, data)) as Record<string, unknown>
  return { header, bytes: createHash('sha256').update(file.subarray(data)).digest('hex') }
}

/** Lines of `log.jsonl` without their speed. */
export function logOf(run: string): Record<string, unknown>[] {
  const lines = readFileSync(join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const { samplesPerSecond, ...rest } = JSON.parse(line) as Record<string, unknown>
    return rest
  })
}
