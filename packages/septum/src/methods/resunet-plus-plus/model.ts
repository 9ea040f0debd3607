import { nn, type Tensor } from '@septum/torch'
import type { MaskNetwork } from '../mask-network.js'
import { AttentiveUp, DilatedSum, GatedResidual } from './blocks.js'
import type { ResunetPlusPlusOptions } from './options.js'

/** ResUNet++ (Jha et al. 2019). */
export class ResunetPlusPlusNetwork extends nn.Module implements MaskNetwork {
  readonly multiple: number
  /** Fine to coarse; the first keeps the size, the others halve it. */
  readonly down: GatedResidual[]
  readonly bridge: DilatedSum
  /** `up[i]` brings what lies below to level i. */
  readonly up: AttentiveUp[]
  readonly out: DilatedSum
  readonly head: nn.Conv2d

  constructor(
    inChannels: number,
    maps: number,
    { widths, ratio, dilations }: Pick<ResunetPlusPlusOptions, 'widths' | 'ratio' | 'dilations'>,
  ) {
    super()
    const levels = widths.slice(0, -1)
    const last = widths.at(-1)!
    this.multiple = 2 ** (levels.length - 1)
    this.down = levels.map(
      (width, i) =>
        new GatedResidual(levels[i - 1] ?? inChannels, width, ratio, {
          stride: i === 0 ? 1 : 2,
          stem: i === 0,
        }),
    )
    this.bridge = new DilatedSum(levels.at(-1)!, last, dilations)
    // The step to level i has the width of the level below it.
    this.up = levels.slice(0, -1).map((width, i) => {
      const below = i === levels.length - 2 ? last : widths[i + 2]!
      return new AttentiveUp(width, below, widths[i + 1]!, ratio)
    })
    this.out = new DilatedSum(widths[1]!, widths[0]!, dilations)
    this.head = new nn.Conv2d(widths[0]!, maps, 1)
  }

  /** @returns one map of logits [N, maps, H, W] */
  forward(images: Tensor): readonly Tensor[] {
    const skips: Tensor[] = []
    for (const level of this.down)
      skips.push(level.forward(skips.at(-1) ?? images.to({ memoryFormat: 'channels_last' })))
    const features = this.up.reduceRight(
      (coarse, step, i) => step.forward(skips[i]!, coarse),
      this.bridge.forward(skips.at(-1)!),
    ) // [N, widths[1], H, W]
    return [this.head.forward(this.out.forward(features))]
  }
}
