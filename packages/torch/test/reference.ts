import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { keep, loadTensors, type Tensor } from '@septum/torch'
import { expect } from 'vitest'

type Options = Readonly<Record<string, unknown>>

interface Common {
  readonly name: string
  readonly file: string
  readonly options: Options
}

/** A forward and backward pass; tensors are found with {@link Reference.of}. */
export interface Pass extends Common {
  readonly inputs: readonly string[]
  readonly tensorOptions?: readonly string[]
  readonly outputs: readonly string[]
  readonly upstream: readonly string[]
  readonly gradInputs: readonly string[]
}

export interface LayerCase extends Pass {
  readonly kind: 'layer'
  readonly module: string
  readonly arguments: readonly unknown[]
  readonly training: boolean
  readonly params: readonly string[]
  readonly buffers: readonly string[]
}

export interface FunctionCase extends Pass {
  readonly kind: 'function'
  readonly function: string
}

export interface OptimizerCase extends Common {
  readonly kind: 'optimizer'
  readonly optimizer: 'SGD' | 'Adam' | 'AdamW'
  readonly groups: readonly { readonly params: readonly string[]; readonly options: Options }[]
  readonly steps: number
  readonly clipNorm: number | null
  readonly ema: number | null
  readonly params: readonly string[]
}

export interface ScheduleCase {
  readonly kind: 'schedule'
  readonly name: string
  readonly schedule: {
    readonly kind: 'constant' | 'linear' | 'polynomial' | 'cosine'
    readonly end?: number
    readonly power?: number
  }
  readonly steps: number
  readonly warmup: number
  readonly factors: readonly number[]
}

export interface InitializerCase {
  readonly kind: 'initializer'
  readonly name: string
  readonly function: string
  readonly options: Options
  readonly shape: readonly number[]
  readonly std: number
  readonly bound: number | null
}

type Case =
  | LayerCase
  | FunctionCase
  | OptimizerCase
  | ScheduleCase
  | InitializerCase
  | { readonly kind: 'table'; readonly name: string }

const folder = new URL('fixtures/', import.meta.url)
const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { cases: Case[] }

/** What PyTorch computed (fixtures/make_fixtures.py): the cases of one kind. */
export function cases<K extends Case['kind']>(kind: K): Extract<Case, { kind: K }>[] {
  return index.cases.filter((one): one is Extract<Case, { kind: K }> => one.kind === kind)
}

const files = new Map<string, Map<string, Tensor>>()

/** A stored tensor; callers must not change it. */
export function stored({ name, file }: Common, key: string): Tensor {
  let tensors = files.get(file)
  if (!tensors) {
    tensors = loadTensors(fileURLToPath(new URL(file, folder))).tensors
    for (const t of tensors.values()) keep(t)
    files.set(file, tensors)
  }
  const found = tensors.get(`${name}/${key}`)
  if (!found) throw new Error(`${file} has no ${name}/${key}`)
  return found
}

/**
 * Relative to max(1, |expected|). PyTorch's own float32 kernels differ from the float64 reference by up to 1e-5 in
 * these cases (recorder.py, AGREEMENT).
 */
export const TOLERANCE = 1e-5

export function expectClose(actual: Tensor, expected: Tensor, what: string, tolerance = TOLERANCE): void {
  expect(actual.shape, `${what}: shape`).toEqual(expected.shape)
  const a = actual.to({ dtype: 'float64' })
  const b = expected.to({ dtype: 'float64' })
  const error = a.numel === 0 ? 0 : a.sub(b).abs().div(b.abs().clamp(1)).amax().item()
  expect(error, `${what}: error`).toBeLessThanOrEqual(tolerance)
}
