import type { Tensor } from '@septum/torch'
import { structureLoss } from '../../losses/structure-loss.js'
import { randomTarget } from '../../losses/targets.js'
import { EncoderModel } from '../encoder-model.js'
import type { Batch, Losses, Phase, Task } from '../method.js'
import { structureRecipe } from '../structure-recipe.js'
import { PraNetNetwork } from './network.js'
import type { PraNetOptions } from './options.js'

/** PraNet: the structure loss on a coarse map and on its three corrections. */
export class PraNet extends EncoderModel<PraNetNetwork> {
  constructor(
    private readonly options: PraNetOptions,
    task: Task,
  ) {
    super(new PraNetNetwork(task.classes.length, options), task, options)
  }

  override phases(): readonly Phase[] {
    return this.phase({ name: 'pranet', ...structureRecipe(this.options, this.task) })
  }

  protected override logits(x: Tensor): Tensor {
    return this.network.forward(x)[3]!
  }

  protected override losses(batch: Batch): Losses {
    const { options, task } = this
    const { target, counted } = randomTarget(batch.masks, task) // [N, K, H, W], [N, 1, H, W]
    const [global, s4, s3, s2] = this.network
      .forward(this.input.forward(batch.images))
      .map((map) => structureLoss(map, target, { bce: options.bce, counted }).total) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ]
    return { total: global.add(s4).add(s3).add(s2), global, s4, s3, s2 }
  }
}
