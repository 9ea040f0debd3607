import { EventEmitter } from 'node:events'
import { z } from 'zod'
import type { ExportRequest, ExportResult } from '../../export/index.js'
import type { EvaluateResult, MethodCard, TrainingApi } from '../../training/api.js'
import type { Cli } from '../context.js'
import { run } from '../program.js'
import type { Environment, OutputStream } from '../terminal.js'

/** Two methods with options of every kind that the command line has to print. */
export const testMethods: readonly MethodCard[] = [
  {
    name: 'ar-seg',
    title: 'Next-scale masks',
    summary: 'Samples masks from coarse to fine.',
    paper: 'A paper',
    options: z.object({
      depth: z.int().min(1).default(8).describe('blocks of the transformer'),
      sampling: z
        .object({
          temperature: z.array(z.number().min(0)).min(1).default([1, 0.5, 0.1]),
          block: z.enum(['gpt', 'var']).default('gpt'),
          ema: z.number().min(0).max(1).nullable().default(null),
        })
        .prefault({}),
      scales: z
        .array(z.int())
        .default([1, 2])
        .refine((sides) => sides.every((side, i) => i === 0 || side > sides[i - 1]!), 'sides must grow'),
    }),
  },
  {
    name: 'unet',
    title: 'U-Net',
    summary: 'The plain network.',
    paper: 'A paper',
    options: z.object({ width: z.int().min(1).default(32) }),
  },
]

export const testScores: EvaluateResult = {
  title: 'ar-seg on the test split of lidc',
  cases: 64,
  patients: 16,
  samples: 16,
  raters: 4,
  seed: 0,
  seconds: 33,
  notes: ['Two empty masks count as equal.'],
  dataset: { name: 'lidc', citation: [] },
  splitHash: null,
  perCase: [
    { case: 'one, two', patient: 'p1', scores: { ged: 0.25, hd95: Number.NaN } },
    { case: 'three', patient: 'p1', scores: { ged: 0.5, hd95: 3 } },
  ],
  rows: [
    {
      metric: 'ged',
      label: 'GED²',
      class: null,
      better: 'lower',
      mean: 0.3232,
      interval: [0.298, 0.3514],
      undefinedCases: 0,
    },
    {
      metric: 'hd95',
      label: 'HD95 (px)',
      class: null,
      better: 'lower',
      mean: 12.3,
      interval: null,
      undefinedCases: 3,
    },
  ],
}

const unused = () => Promise.reject(new Error('not part of this test'))

/** What an export of the run would say. */
const exportNothing = async ({ run }: ExportRequest): Promise<ExportResult> => ({
  out: `${run}/model`,
  method: 'ar-seg',
  files: 2,
  bytes: 1_500_000,
  images: 4,
  maxDifference: 2e-6,
  fixedSize: true,
  seconds: 3,
})

export interface FakeResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly exits: readonly number[]
}

export interface FakeOptions {
  readonly env?: Environment
  readonly training?: Partial<TrainingApi>
  readonly exportRun?: (request: ExportRequest) => Promise<ExportResult>
  readonly signals?: EventEmitter
}

/** Runs the program as the shell would, with output caught and the trainer replaced. */
export async function runFake(argv: readonly string[], options: FakeOptions = {}): Promise<FakeResult> {
  const exits: number[] = []
  const stdout = catcher()
  const stderr = catcher()
  const training: TrainingApi = {
    train: unused,
    predictRun: unused,
    evaluateRun: unused,
    splitCases: unused,
    readSummary: () => {
      throw new Error('not for this test')
    },
    ...options.training,
  }
  const cli: Cli = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: options.env ?? { LANG: 'C.UTF-8' },
    argv,
    version: '1.2.3',
    signals: options.signals ?? new EventEmitter(),
    exit: (code) => exits.push(code),
    load: {
      training: async () => training,
      evaluation: () => import('../../evaluation/index.js'),
      exporting: async () => ({ exportRun: options.exportRun ?? exportNothing }),
      methods: async () => testMethods,
    },
  }
  const code = await run(cli)
  return { code, stdout: stdout.text(), stderr: stderr.text(), exits }
}

function catcher(): { stream: OutputStream; text(): string } {
  const parts: string[] = []
  return { stream: { write: (part) => parts.push(part) }, text: () => parts.join('') }
}
