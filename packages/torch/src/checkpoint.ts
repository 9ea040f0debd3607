import { enableGrad, isGradEnabled, noGrad } from './autograd.js'
import { scope } from './lifetime.js'
import { buffer, native } from './native.js'
import { generatorState, setGeneratorState } from './runtime.js'
import { Tensor } from './tensor.js'

const fill = (tensors: readonly (Tensor | null)[]): void => {
  tensors.forEach((tensor, i) => {
    buffer[i] = tensor === null ? 0 : tensor.handle
  })
}

const take = (count: number): Tensor[] =>
  Array.from(buffer.subarray(0, count), (handle) => new Tensor(handle))

/**
 * Gradient checkpointing: runs `segment` without storing its inner activations and runs it again when the
 * gradient is needed. Dropout draws the same numbers both times.
 *
 * @param segment a function of its arguments and of parameters only.
 * @returns what the segment returns, part of the graph when an argument or anything that the segment computes
 *   with requires a gradient.
 */
export function checkpoint<T extends Tensor | Tensor[]>(
  segment: (...inputs: Tensor[]) => T,
  ...inputs: Tensor[]
): T {
  if (!isGradEnabled()) return segment(...inputs)
  const device = inputs[0]?.device ?? 'cpu'
  const needs = inputs.map((input) => input.requiresGrad)

  const recompute = (): void => {
    const [random, ...saved] = take(inputs.length + 1)
    const after = generatorState(device)
    setGeneratorState(device, random!)
    const leaves = saved.map((input, i) => input.requiresGrad_(needs[i]))
    const again = enableGrad(() => segment(...leaves))
    setGeneratorState(device, after)
    const outputs: Tensor[] = again instanceof Tensor ? [again] : again
    fill([...leaves.map((leaf, i) => (needs[i] ? leaf : null)), ...outputs])
    native.recomputed(leaves.length, outputs.length)
  }

  return scope(() => {
    const random = generatorState(device)
    const sawBefore = native.sawGradient(false)
    const first = noGrad(() => segment(...inputs))
    const recorded = native.sawGradient(sawBefore) || needs.includes(true)
    if (!recorded) return first
    native.sawGradient(true)
    const outputs: Tensor[] = first instanceof Tensor ? [first] : first
    fill([random, ...inputs, ...outputs])
    native.checkpoint(() => scope(recompute), inputs.length, outputs.length)
    const joined = take(outputs.length)
    return (first instanceof Tensor ? joined[0]! : joined) as T
  })
}
