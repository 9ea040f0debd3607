import { F, type Tensor } from '@septum/torch'
import { edgeTarget } from '../../losses/edge-target.js'
import { structureLoss } from '../../losses/structure-loss.js'
import { classTargets, randomRater } from '../../losses/targets.js'
import { EncoderModel } from '../encoder-model.js'
import type { Batch, Losses, Phase, Task } from '../method.js'
import { structureRecipe } from '../structure-recipe.js'
import { InfNetNetwork } from './network.js'
import type { InfNetOptions } from './options.js'

/** Inf-Net: the structure loss on a coarse map and its three corrections, cross-entropy on the contours. */
export class InfNet extends EncoderModel<InfNetNetwork> {
  constructor(
    private readonly options: InfNetOptions,
    task: Task,
  ) {
    super(new InfNetNetwork(task.classes.length, options), task, options)
  }

  override phases(): readonly Phase[] {
    return this.phase({ name: 'infnet', ...structureRecipe(this.options, this.task) })
  }

  protected override logits(x: Tensor): Tensor {
    return this.network.forward(x).masks[3]!
  }

  protected override losses(batch: Batch): Losses {
    const { options, task } = this
    const target = classTargets(randomRater(batch.masks), task.classes.length) // [N, K, H, W]
    const maps = this.network.forward(this.input.forward(batch.images))
    const [global, s4, s3, s2] = maps.masks.map(
      (map) => structureLoss(map, target, { bce: options.bce }).total,
    ) as [Tensor, Tensor, Tensor, Tensor]
    const edge = F.binaryCrossEntropyWithLogits(maps.edge, edgeTarget(target))
    const total = global.add(s4).add(s3).add(s2).add(edge.mul(options.edgeWeight))
    return { total, global, s4, s3, s2, edge }
  }
}
