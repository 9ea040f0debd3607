import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { SeptumError } from '@septum/core'

/** What the loaded libtorch is. */
export interface About {
  readonly libtorch: string
  readonly blas: 'openblas' | 'mkl' | 'blis' | 'reference'
  readonly onednn: boolean
  readonly cudaDevices: number
}

/** The compiled bridge (packages/torch/native). Handles are numbers; 0 means "none". */
export interface Native {
  /** Arguments of a call go in here and its results come out of here. */
  readonly buffer: Float64Array
  resolve(name: string): number
  call(id: number, count: number): number
  /** The number of a text that goes into the buffer with tag `string`. */
  intern(text: string): number
  schemas(id: number): string[]
  freeMany(count: number): void
  report(handle: number): void
  shape(handle: number): number
  strides(handle: number): number
  dtype(handle: number): string
  device(handle: number): string
  item(handle: number): number
  fromArray(data: ArrayBufferView, rank: number, shared: boolean): number
  fromBytes(data: Uint8Array, dtype: string, rank: number): number
  toArray(handle: number): ArrayBufferView
  readInto(handle: number, bytes: Uint8Array): void
  liveHandles(): number
  isContiguous(handle: number, memoryFormat?: string): boolean
  backward(count: number, retainGraph: boolean): void
  grad(outputs: number, inputs: number, retainGraph: boolean, createGraph: boolean): number
  gradOf(handle: number): number
  setGrad(handle: number, gradient: number): void
  setRequiresGrad(handle: number, on: boolean): void
  requiresGrad(handle: number): boolean
  isLeaf(handle: number): boolean
  gradMode(on?: boolean): boolean
  pushInference(): void
  popInference(): void
  autocast(deviceKind: string, on: boolean, dtype: string): string
  checkpoint(recompute: () => void, inputs: number, outputs: number): void
  sawGradient(value: boolean): boolean
  recomputed(inputs: number, outputs: number): void
  manualSeed(seed: number): void
  generatorState(device: string): number
  setGeneratorState(device: string, state: number): void
  setThreads(count: number): void
  threads(): number
  about(): About
  synchronize(device: string): void
  memoryLimit(bytes: number): void
  releaseMemory(): void
  memory(): void
  setDeterministic(on: boolean): void
}

/** Numbers shared with `enum Tag` in native/bridge.hpp. */
export const tag = {
  none: 0,
  number: 1,
  bool: 2,
  bigint: 3,
  tensor: 4,
  string: 5,
  numberList: 6,
  tensorList: 7,
  boolList: 8,
  named: 9,
} as const

function load(): Native {
  // Debian's libtorch is linked to UCX (through MPI), which by default replaces mmap and munmap of the whole
  // process to learn about network buffers. That slows every large allocation, and Septum uses no network.
  process.env.UCX_MEM_EVENTS ??= 'n'
  const file = fileURLToPath(new URL('../build/septum_torch.node', import.meta.url))
  try {
    return createRequire(import.meta.url)(file) as Native
  } catch (cause) {
    throw new SeptumError(
      'libtorch-missing',
      `The libtorch bridge cannot be loaded: ${cause instanceof Error ? cause.message.split('\n')[0] : cause}`,
      'Run `npm run setup` once; it installs libtorch and builds the bridge.',
      { file },
      { cause },
    )
  }
}

export const native: Native = load()
export const buffer = native.buffer
/** The same memory as `buffer`, for 64-bit integers. */
export const bufferBits = new BigInt64Array(buffer.buffer)
