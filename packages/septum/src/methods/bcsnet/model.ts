import { F, type Tensor } from '@septum/torch'
import { edgeTarget } from '../../losses/edge-target.js'
import { structureLoss } from '../../losses/structure-loss.js'
import { classTargets, randomRater } from '../../losses/targets.js'
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
    const target = classTargets(randomRater(batch.masks), task.classes.length) // [N, K, H, W]
    const maps = this.network.forward(this.input.forward(batch.images))
    const [semantic, s4, s3, s2] = maps.masks.map(
      (map) => structureLoss(map, target, { bce: options.bce }).total,
    ) as [Tensor, Tensor, Tensor, Tensor]
    const boundary = F.binaryCrossEntropyWithLogits(maps.boundary, edgeTarget(target).amax(1, true))
    const total = semantic.add(s4).add(s3).add(s2).add(boundary.mul(options.boundaryWeight))
    return { total, semantic, s4, s3, s2, boundary }
  }
}
