import { type About, buffer, native } from './native.js'
import { Tensor } from './tensor.js'

/** Seeds the default generators of all devices. */
export function manualSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`a seed is a whole number from 0, got ${seed}`)
  native.manualSeed(seed)
}

/** State of a device's default generator, a byte tensor. */
export const generatorState = (device = 'cpu'): Tensor => new Tensor(native.generatorState(device))

/** Puts a state of {@link generatorState} back. */
export const setGeneratorState = (device: string, state: Tensor): void =>
  native.setGeneratorState(device, state.handle)

/** Threads inside one operator, for libtorch and its BLAS. */
export const setThreads = (count: number): void => native.setThreads(count)

export const threads = (): number => native.threads()

/** Version of libtorch, its BLAS and its devices. */
export const about = (): About => native.about()

/** Waits until everything that was queued on a GPU is done; nothing to do on a CPU. */
export const synchronize = (device: string): void => native.synchronize(device)

/** Only deterministic kernels, where libtorch has them. */
export const setDeterministic = (on: boolean): void => native.setDeterministic(on)

/** Memory of tensors on the CPU, in bytes. */
export interface MemoryStatistics {
  /** In use by tensors now. */
  readonly live: number
  /** Free and waiting for the next tensors, in pages of 2 MB; without blocks of less than 64 KB. */
  readonly kept: number
  /** Most that was ever live. */
  readonly peak: number
}

/** Memory of all tensors of the process, also of those that only libtorch holds (graphs, gradients). */
export function memoryStatistics(): MemoryStatistics {
  native.memory()
  return { live: buffer[0]!, kept: buffer[1]!, peak: buffer[2]! }
}

/** How many bytes of freed memory may wait for its next use instead of going back to the system; 4 GiB at first. */
export const limitKeptMemory = (bytes: number): void => native.memoryLimit(bytes)

/** Gives all waiting memory back, e.g. after a step that was much larger than those to come. */
export const releaseKeptMemory = (): void => native.releaseMemory()

/** Why training would crawl here, in one sentence, or null. */
export function performanceWarning(): string | null {
  if (about().blas !== 'reference') return null
  return 'libtorch runs on the reference BLAS, which multiplies matrices about 60 times slower than OpenBLAS: run `npm run setup`'
}
