import { buffer, native } from './native.js'
import { Tensor } from './tensor.js'

function put(tensors: readonly (Tensor | null)[], from: number): void {
  tensors.forEach((tensor, i) => {
    buffer[from + i] = tensor === null ? 0 : tensor.handle
  })
}

/**
 * Accumulates into every leaf's `grad`.
 * @param gradients of the same shapes as `roots`; null for a scalar root means 1.
 */
export function backward(
  roots: readonly Tensor[],
  gradients: readonly (Tensor | null)[] = roots.map(() => null),
  { retainGraph = false }: { retainGraph?: boolean } = {},
): void {
  put(roots, 0)
  put(gradients, roots.length)
  native.backward(roots.length, retainGraph)
}

/** Gradients of `outputs` with respect to `inputs`, without touching any `grad`; null where there is no path. */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  options: { gradients?: readonly (Tensor | null)[]; retainGraph?: boolean; createGraph?: boolean } = {},
): (Tensor | null)[] {
  put(outputs, 0)
  put(options.gradients ?? outputs.map(() => null), outputs.length)
  put(inputs, 2 * outputs.length)
  const createGraph = options.createGraph ?? false
  const count = native.grad(outputs.length, inputs.length, options.retainGraph ?? createGraph, createGraph)
  const handles = Array.from(buffer.subarray(0, count))
  return handles.map((handle) => (handle === 0 ? null : new Tensor(handle)))
}

function withGradMode<T>(on: boolean, body: () => T): T {
  const before = native.gradMode(on)
  try {
    const result = body()
    if (result instanceof Promise) throw new TypeError('gradient modes need a synchronous function')
    return result
  } finally {
    native.gradMode(before)
  }
}

/** Runs `body` without recording operators. */
export const noGrad = <T>(body: () => T): T => withGradMode(false, body)

/** Runs `body` recording operators, also inside {@link noGrad}. */
export const enableGrad = <T>(body: () => T): T => withGradMode(true, body)

export const isGradEnabled = (): boolean => native.gradMode()

/** Runs `body` without recording and without version counters; its tensors can never enter a graph. */
export function inferenceMode<T>(body: () => T): T {
  native.pushInference()
  try {
    const result = body()
    if (result instanceof Promise) throw new TypeError('inferenceMode() needs a synchronous function')
    return result
  } finally {
    native.popInference()
  }
}

/** Runs `body` with matrix products and convolutions in the narrower `dtype`, as PyTorch's autocast. */
export function autocast<T>(
  {
    device,
    dtype = 'bfloat16',
    enabled = true,
  }: { device: 'cpu' | 'cuda'; dtype?: 'bfloat16' | 'float16'; enabled?: boolean },
  body: () => T,
): T {
  const before = native.autocast(device, enabled, dtype).split(' ')
  try {
    const result = body()
    if (result instanceof Promise) throw new TypeError('autocast() needs a synchronous function')
    return result
  } finally {
    native.autocast(device, before[0] === 'on', before[1]!)
  }
}
