import { enableGrad, nn, scope, type Tensor } from '@septum/torch'

/** One convolution or linear layer as a pass through the model met it. */
export interface LayerCost {
  /** State-dict name. */
  readonly name: string
  readonly kind: string
  readonly parameters: number
  /** Multiply-adds of all its calls in the pass. */
  readonly macs: number
  readonly calls: number
  /** Shape of its last output. */
  readonly output: readonly number[]
}

export interface ModelCost {
  /** In the order of the state dict. */
  readonly layers: readonly LayerCost[]
  readonly parameters: number
  /** Of convolutions and linear layers; norms, activations, pools and products of attention are left out. */
  readonly macs: number
}

/** Multiply-adds for one element of the output. */
function macsPerOutput(layer: nn.Module): number | null {
  if (layer instanceof nn.Linear) return layer.weight.size(1)
  if (layer instanceof nn.Conv2d || layer instanceof nn.Conv3d || layer instanceof nn.Conv1d)
    return layer.weight.numel / layer.weight.size(0)
  return null
}

/** Multiply-adds for one element of the input: each is spread over the kernel. */
function macsPerInput(layer: nn.Module): number | null {
  const transposed =
    layer instanceof nn.ConvTranspose1d ||
    layer instanceof nn.ConvTranspose2d ||
    layer instanceof nn.ConvTranspose3d
  return transposed ? layer.weight.numel / layer.weight.size(0) : null
}

type Forward = (x: Tensor) => Tensor

/**
 * Counts parameters and multiply-adds of a model over one pass, in the way of papers: convolutions and linear layers.
 * @param run one pass, e.g. `() => model.forward(images)`; it runs in evaluation mode and must
 * not switch gradients off, as folded convolutions pass layers by
 */
export function profile(model: nn.Module, run: () => unknown): ModelCost {
  const found = new Map<nn.Module, { name: string; macs: number; calls: number; output: number[] }>()
  const own: { forward: Forward }[] = []
  const training = model.training
  for (const [name, part] of model.modules()) {
    const perOutput = macsPerOutput(part)
    const perInput = macsPerInput(part)
    if (perOutput === null && perInput === null) continue
    const entry = { name, macs: 0, calls: 0, output: [] as number[] }
    found.set(part, entry)
    const layer = part as unknown as { forward: Forward }
    const forward = layer.forward
    // An own function stands before the class's one and leaves again with `delete`.
    layer.forward = (x) => {
      const y = forward.call(part, x)
      entry.calls++
      entry.macs += perOutput !== null ? perOutput * y.numel : perInput! * x.numel
      entry.output = y.shape
      return y
    }
    own.push(layer)
  }
  try {
    model.eval()
    // With gradients on, batch norms are not folded into convolutions, so that every layer is met.
    scope(() => void enableGrad(run))
  } finally {
    for (const layer of own) delete (layer as Partial<typeof layer>).forward
    model.train(training)
  }
  const layers = Array.from(found, ([part, { name, macs, calls, output }]) => ({
    name,
    kind: part.constructor.name,
    parameters: part.parameterCount(),
    macs,
    calls,
    output,
  }))
  return {
    layers,
    parameters: model.parameterCount(),
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
  }
}
