import { enableGrad, nn, scope, type Tensor } from '@septum/torch'

/** A module as a pass through the model met it. */
export interface LayerCost {
  /** State-dict path; empty for the model itself. */
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

export interface ModelCost {
  /** Convolutions and linear layers in the order of the state dict. */
  readonly layers: readonly LayerCost[]
  readonly parameters: number
  /** Of convolutions and linear layers; norms, activations, pools and products of attention are left out. */
  readonly macs: number
}

/** Multiply-adds of one call; null for layers that are not counted. */
function macsOf(layer: nn.Module): ((x: Tensor, y: Tensor) => number) | null {
  if (layer instanceof nn.Linear) return (_, y) => y.numel * layer.weight.size(1)
  if (layer instanceof nn.Conv1d || layer instanceof nn.Conv2d || layer instanceof nn.Conv3d)
    return (_, y) => y.numel * (layer.weight.numel / layer.weight.size(0))
  if (
    layer instanceof nn.ConvTranspose1d ||
    layer instanceof nn.ConvTranspose2d ||
    layer instanceof nn.ConvTranspose3d
  )
    // Each value of the input is spread over the kernel.
    return (x) => x.numel * (layer.weight.numel / layer.weight.size(0))
  return null
}

const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'numel' in value && 'shape' in value

type Forward = (...args: Tensor[]) => unknown

/** Meets every call of every module of `model` from now until `stop`. */
export function watchLayers(model: nn.Module): { stop(): void; layers(): readonly LayerCost[] } {
  const own = new Map<string, number>()
  for (const [name, tensor] of model.namedParameters()) {
    const owner = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    own.set(owner, (own.get(owner) ?? 0) + tensor.numel)
  }
  const hooked: { forward?: Forward }[] = []
  const entries = Array.from(model.modules(), ([path, module]) => {
    const entry = {
      path,
      kind: module.constructor.name,
      parameters: own.get(path) ?? 0,
      macs: 0,
      calls: 0,
      output: null as readonly number[] | null,
    }
    const layer = module as unknown as { forward?: Forward }
    const { forward } = layer
    if (typeof forward === 'function') {
      const macs = macsOf(module)
      // An own function stands before the class's one and leaves again with `delete`.
      layer.forward = (...args) => {
        const y = forward.apply(module, args)
        entry.calls++
        if (isTensor(y)) {
          entry.output = y.shape
          if (macs && args[0]) entry.macs += macs(args[0], y)
        }
        return y
      }
      hooked.push(layer)
    }
    return entry
  })
  return {
    stop: () => {
      for (const layer of hooked) delete layer.forward
    },
    layers: () => entries,
  }
}

/**
 * Counts parameters and multiply-adds of a model over one pass, in the way of papers: convolutions and linear layers.
 * @param run one pass, e.g. `() => model.forward(images)`; it runs in evaluation mode and must
 * not switch gradients off, as folded convolutions pass layers by
 */
export function profile(model: nn.Module, run: () => unknown): ModelCost {
  const counted = new Set<string>()
  for (const [path, part] of model.modules()) if (macsOf(part)) counted.add(path)
  const training = model.training
  const watch = watchLayers(model)
  try {
    model.eval()
    // With gradients on, batch norms are not folded into convolutions, so that every layer is met.
    scope(() => void enableGrad(run))
  } finally {
    watch.stop()
    model.train(training)
  }
  const layers = watch.layers().filter(({ path }) => counted.has(path))
  return {
    layers,
    parameters: model.parameterCount(),
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
  }
}
