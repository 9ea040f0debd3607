import { nn, type Tensor } from '@septum/torch'

/** A module with parameters of its own, or a layer that multiplies, as a pass met it. */
export interface MeteredLayer {
  /** State-dict path. */
  readonly path: string
  readonly kind: string
  /** Its own, without those of modules inside it. */
  readonly parameters: number
  /** Multiply-adds of all its calls. */
  readonly macs: number
  readonly calls: number
  /** Shape of its last output; null where it is used without being called. */
  readonly output: readonly number[] | null
}

interface Count {
  macs: number
  calls: number
  output: readonly number[] | null
}

/** Multiply-adds of one call. */
function macsOf(layer: nn.Module, x: Tensor, y: Tensor): number {
  if (layer instanceof nn.Linear) return y.numel * layer.weight.size(1)
  if (layer instanceof nn.Conv1d || layer instanceof nn.Conv2d || layer instanceof nn.Conv3d)
    return y.numel * (layer.weight.numel / layer.weight.size(0))
  if (
    layer instanceof nn.ConvTranspose1d ||
    layer instanceof nn.ConvTranspose2d ||
    layer instanceof nn.ConvTranspose3d
  )
    // Each value of the input is spread over the kernel.
    return x.numel * (layer.weight.numel / layer.weight.size(0))
  return 0
}

const isBatchNorm = (module: nn.Module): boolean =>
  module instanceof nn.BatchNorm1d || module instanceof nn.BatchNorm2d || module instanceof nn.BatchNorm3d

type Forward = (...args: Tensor[]) => unknown

/**
 * Counts multiply-adds of every layer while `pass` runs, in evaluation mode. Batch norms alone are in training mode,
 * because prediction folds them into convolutions, past which no layer would be called: **the running statistics of
 * the model are spoilt**, so give a model that is thrown away afterwards.
 * @param pass any use of the model, synchronous or not
 * @returns layers in the order of the state dict
 */
export async function meterLayers(
  model: nn.Module,
  pass: () => Promise<unknown>,
): Promise<readonly MeteredLayer[]> {
  const counts = new Map<string, Count>()
  const kinds = new Map<string, string>()
  const hooked: { forward?: Forward }[] = []
  model.eval()
  for (const [path, module] of model.modules()) {
    kinds.set(path, module.constructor.name)
    if (isBatchNorm(module)) module.train()
    const layer = module as unknown as { forward?: Forward }
    if (typeof layer.forward !== 'function') continue
    const forward = layer.forward
    // An own function stands before the class's one and leaves again with `delete`.
    layer.forward = (...args) => {
      const y = forward.apply(module, args)
      const count = counts.get(path) ?? { macs: 0, calls: 0, output: null }
      count.calls++
      if (isTensor(y)) {
        count.output = y.shape
        if (args[0]) count.macs += macsOf(module, args[0], y)
      }
      counts.set(path, count)
      return y
    }
    hooked.push(layer)
  }
  try {
    await pass()
  } finally {
    for (const layer of hooked) delete layer.forward
    model.eval()
  }
  const own = new Map<string, number>()
  for (const [name, tensor] of model.namedParameters()) {
    const path = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    own.set(path, (own.get(path) ?? 0) + tensor.numel)
  }
  return Array.from(kinds, ([path, kind]): MeteredLayer => {
    const { macs, calls, output } = counts.get(path) ?? { macs: 0, calls: 0, output: null }
    return { path, kind, parameters: own.get(path) ?? 0, macs, calls, output }
  }).filter(({ parameters, macs }) => parameters > 0 || macs > 0)
}

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'numel' in value && 'shape' in value
