import { F, isGradEnabled, keep, nn, operator, type Tensor } from '@septum/torch'

/** Convolution with a batch norm folded into it, and the states of the tensors that it was made from. */
interface Folded {
  readonly weight: Tensor
  readonly bias: Tensor
  readonly of: string
}

const folded = new WeakMap<nn.Conv2d, Folded>()
const version = operator('aten::_version')

/** Changes with every write to one of the tensors, with their device and with their layout. */
function stateOf(tensors: readonly (Tensor | null)[]): string {
  const versions = tensors.map((t) => (t === null ? '' : `${t.handle}:${version.all(t)[0]}`))
  const [weight] = tensors
  return `${versions.join(' ')} ${weight!.device} ${weight!.dtype} ${weight!.strides}`
}

/** The convolution that equals `norm(conv(x))` in evaluation: made once for each state of the weights. */
function fold(conv: nn.Conv2d, norm: nn.BatchNorm2d): Folded {
  const { weight, bias } = conv
  const { weight: gamma, bias: beta, running_mean: mean, running_var: variance } = norm
  // libtorch updates running statistics without counting it as a write; the counter of batches is a plain write.
  const of = stateOf([weight, bias, gamma, beta, mean, variance, norm.num_batches_tracked])
  const before = folded.get(conv)
  if (before?.of === of) return before
  const factor = gamma!.div(variance!.add(norm.eps).sqrt()) // [out]
  const shift = beta!.sub((bias === null ? mean! : mean!.sub(bias)).mul(factor)) // [out]
  const made = { weight: keep(weight.mul(factor.view([-1, 1, 1, 1]))), bias: keep(shift), of }
  before?.weight.free()
  before?.bias.free()
  folded.set(conv, made)
  return made
}

/**
 * Whether folding saves more than it costs: a pass over the output against memory for a second weight. It does at
 * fine levels (large maps, small weights), not at coarse ones.
 */
function worthFolding({ weight, options: { stride = 1 } }: nn.Conv2d, x: Tensor): boolean {
  const step = typeof stride === 'number' ? stride : stride[0]!
  return (x.size(2) * x.size(3) * weight.size(0)) / step ** 2 >= weight.numel
}

/**
 * Batch norm of a convolution. Where nothing is trained (evaluation, no gradients) and maps are large it is one
 * convolution with folded weights, which saves a pass over memory; the weights themselves stay as they are.
 * @param x [N, in, H, W] @returns [N, out, H', W'], a fresh tensor that may be written to
 */
export function convNorm(conv: nn.Conv2d, norm: nn.BatchNorm2d, x: Tensor): Tensor {
  const usable = !norm.training && !isGradEnabled() && norm.running_mean !== null && norm.weight !== null
  if (!usable || !worthFolding(conv, x)) return norm.forward(conv.forward(x))
  const { weight, bias } = fold(conv, norm)
  return F.conv2d(x, weight, bias, conv.options)
}

export interface ConvNormOptions extends nn.ConvOptions {
  /** Whether a ReLU follows. Default true. */
  readonly relu?: boolean
}

/**
 * Convolution, batch norm and (unless `relu` is false) ReLU, with the state-dict names of a PyTorch sequence:
 * `0` and `1`. Padding keeps the size unless given; the convolution has a bias unless `bias` is false.
 */
export class ConvNormReLU extends nn.Module {
  readonly relu: boolean
  readonly #conv: nn.Conv2d
  readonly #norm: nn.BatchNorm2d

  constructor(inChannels: number, outChannels: number, kernel = 3, options: ConvNormOptions = {}) {
    super()
    const { relu = true, dilation = 1, ...rest } = options
    const padding = ((kernel - 1) / 2) * (dilation as number)
    this.#conv = new nn.Conv2d(inChannels, outChannels, kernel, { padding, dilation, ...rest })
    this.#norm = new nn.BatchNorm2d(outChannels)
    this.relu = relu
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#conv]
    yield ['1', this.#norm]
  }

  /** @param x [N, in, H, W] @returns [N, out, H', W'] */
  forward(x: Tensor): Tensor {
    const y = convNorm(this.#conv, this.#norm, x)
    return this.relu ? y.relu_() : y
  }
}

/** Kaiming-normal convolutions (fan out), batch norms at 1 and 0: how torchvision's networks start. */
export function initialiseLikeTorchvision(module: nn.Module): void {
  module.apply((part) => {
    if (!(part instanceof nn.Conv2d)) return
    nn.init.kaimingNormal_(part.weight, { mode: 'fan_out', nonlinearity: 'relu' })
    if (part.bias) nn.init.zeros_(part.bias)
  })
}
