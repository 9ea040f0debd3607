import type { Tensor } from '@septum/torch'
import { meanBce } from '../../losses/dice-bce.js'
import { edgeCounted, edgeTarget } from '../../losses/edge-target.js'
import { structureLoss } from '../../losses/structure-loss.js'
import { randomTarget } from '../../losses/targets.js'
import { EncoderModel } from '../encoder-model.js'
import type { Batch, Losses, Phase, Task } from '../method.js'
import { structureRecipe } from '../structure-recipe.js'
import { BcsNetwork } from './network.js'
import type { BcsNetOptions } from './options.js'

/** BCS-Net: the structure loss on four maps, cross-entropy on the contours of all classes. */
export class BcsNet extends EncoderModel<BcsNetwork> {
  constructor(
    private readonly options: BcsNetOptions,
    task: Task,
  ) {
    super(new BcsNetwork(task.classes.length, options), task, options)
  }

  override phases(): readonly Phase[] {
    return this.phase({ name: 'bcsnet', ...structureRecipe(this.options, this.task) })
  }

  protected override logits(x: Tensor): Tensor {
    return this.network.forward(x).masks[3]!
  }

  protected override losses(batch: Batch): Losses {
    const { options, task } = this
    const { target, counted } = randomTarget(batch.masks, task) // [N, K, H, W], [N, 1, H, W]
    const maps = this.network.forward(this.input.forward(batch.images))
    const [semantic, s4, s3, s2] = maps.masks.map(
      (map) => structureLoss(map, target, { bce: options.bce, counted }).total,
    ) as [Tensor, Tensor, Tensor, Tensor]
    const boundary = meanBce(maps.boundary, edgeTarget(target).amax(1, true), edgeCounted(counted))
    const total = semantic.add(s4).add(s3).add(s2).add(boundary.mul(options.boundaryWeight))
    return { total, semantic, s4, s3, s2, boundary }
  }
}
