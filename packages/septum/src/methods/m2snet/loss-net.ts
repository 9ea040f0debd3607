import { SeptumError } from '@septum/core'
import { F, loadTensors, type nn, noGrad, scope, type Tensor } from '@septum/torch'
import { findWeights, howToGet, ImageInput, MobileNetV2, Vgg16 } from '../../blocks/backbones/index.js'

export type FeatureNet = 'vgg16' | 'mobilenet-v2'

const SIDE = 224

/**
 * LossNet: distance of prediction and mask in the features of a frozen ImageNet network (M2SNet, section 3.4).
 * `vgg16`: relu1_2, relu2_2, relu3_3, relu4_3, as released. `mobilenet-v2`: ours, its maps at strides 2, 4, 8 and 16,
 * each divided by the spread that it has on photographs, so that no level outweighs the others.
 */
export class LossNet {
  readonly #input: ImageInput
  readonly #features: (x: Tensor) => Tensor[]
  readonly #network: nn.Module

  /** @throws SeptumError `weights-missing`: random features would be no reference. */
  constructor(readonly kind: FeatureNet) {
    const network = kind === 'vgg16' ? new Vgg16() : new MobileNetV2()
    loadFrozen(network, kind)
    this.#network = network
    this.#input = new ImageInput(1, network.input)
    this.#features =
      network instanceof Vgg16
        ? (x) => network.features.forward(x, 4)
        : (x) => {
            const { stride2, levels } = network.forward(x)
            return [stride2!, ...levels.slice(0, 3)].map((map, i) => map.div(SPREADS[i]!))
          }
  }

  /** Moves it to a device. */
  to(device: string): this {
    this.#network.to({ device })
    this.#input.to({ device })
    return this
  }

  /**
   * @param probabilities, masks [N, K, H, W] in [0, 1]; each class is an image of its own
   * @returns the mean square difference of the features, summed over four levels
   */
  forward(probabilities: Tensor, masks: Tensor): Tensor {
    return scope(() => {
      const wanted = noGrad(() => this.#maps(masks))
      return this.#maps(probabilities)
        .map((map, i) => F.mseLoss(map, wanted[i]!))
        .reduce((a, b) => a.add(b))
    })
  }

  #maps(x: Tensor): Tensor[] {
    const images = this.#input.forward(x.flatten(0, 1).unsqueeze(1).float()) // [N K, 3, H, W]
    return this.#features(F.interpolate(images, { size: [SIDE, SIDE], mode: 'bilinear' }))
  }
}

/** Standard deviations of MobileNetV2's maps at strides 2, 4, 8 and 16 on photographs, as `convert.py` of its weights prints them. */
const SPREADS = [3.834, 5.825, 5.451, 4.028] as const

function loadFrozen(network: nn.Module, kind: FeatureNet): void {
  const file = findWeights(kind)
  if (file === null) {
    throw new SeptumError(
      'weights-missing',
      `LossNet needs the ImageNet weights of ${kind}, which are not at hand`,
      `${howToGet(kind)}. Or train with --set options.lossNet=mobilenet-v2 or none.`,
    )
  }
  const { tensors } = loadTensors(file)
  try {
    network.loadStateDict(tensors, { strict: false })
  } finally {
    for (const t of tensors.values()) t.free()
  }
  network.eval().requiresGrad_(false)
}
