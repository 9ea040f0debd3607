import { SeptumError } from '@septum/core'
import { cat, noGrad, onesLike, type Tensor, tensor } from '@septum/torch'
import { meanBce } from '../../losses/dice-bce.js'
import { edgeCounted, edgeTarget } from '../../losses/edge-target.js'
import { structureLoss } from '../../losses/structure-loss.js'
import { type MaskTarget, randomTarget } from '../../losses/targets.js'
import { EncoderModel, stretched } from '../encoder-model.js'
import type { Batch, Losses, Phase, Task } from '../method.js'
import { structureRecipe } from '../structure-recipe.js'
import { InfNetNetwork } from './network.js'
import type { InfNetOptions } from './options.js'
import { asBuffers, copyInto, turnOf } from './teacher.js'

/**
 * Inf-Net: the structure loss on a coarse map and its three corrections, cross-entropy on the contours. With `semi` it
 * then labels unlabelled images itself, group by group, learns from them too, and ends on the labelled ones alone.
 */
export class InfNet extends EncoderModel<InfNetNetwork> {
  /** What pseudo-labels come from: the network as it was when the last group joined. */
  readonly teacher: InfNetNetwork | null

  constructor(
    private readonly options: InfNetOptions,
    task: Task,
  ) {
    super(new InfNetNetwork(task.classes.length, options), task, options)
    this.teacher = options.semi ? asBuffers(new InfNetNetwork(task.classes.length, options)) : null
  }

  override phases(): readonly Phase[] {
    const { options, task, teacher } = this
    const supervised = this.phase({ name: 'infnet', ...structureRecipe(options, task) })
    if (!teacher) return supervised
    const tune = this.phase({ name: 'tune', ...structureRecipe({ ...options, ...options.tune }, task) })
    return [...supervised, this.#pseudoPhase(teacher), ...tune]
  }

  #pseudoPhase(teacher: InfNetNetwork): Phase {
    const { options, task, network } = this
    const { steps, groups, unlabelled } = options.pseudo
    const recipe = structureRecipe({ ...options, ...options.pseudo }, task)
    const stepsOfGroup = Math.max(1, Math.ceil(steps / groups))
    const [phase] = this.phase({
      name: 'pseudo',
      ...recipe,
      augmentation: {
        ...recipe.augmentation,
        unlabelled: { batchSize: unlabelled, views: 0, appearance: {} },
      },
    })
    return {
      ...phase!,
      begin: (batch) => {
        requireUnlabelled(batch)
        copyInto(teacher, network)
      },
      losses: (batch) => this.#hybrid(batch, teacher, (Math.floor(batch.step / stepsOfGroup) + 1) / groups),
      afterStep: ({ step }) => {
        if ((step + 1) % stepsOfGroup === 0) copyInto(teacher, network)
      },
    }
  }

  protected override logits(x: Tensor): Tensor {
    return this.network.forward(x).masks[3]!
  }

  protected override losses(batch: Batch): Losses {
    const target = randomTarget(batch.masks, this.task)
    return this.#against(this.input.forward(batch.images), target)
  }

  /** @param joined share of the unlabelled images that are in the pool */
  #hybrid(batch: Batch, teacher: InfNetNetwork, joined: number): Losses {
    const { weak, cases } = requireUnlabelled(batch)
    const rows = cases.flatMap((name, i) => (turnOf(name) < joined ? [i] : []))
    if (rows.length === 0) return this.losses(batch)
    const { target, counted } = randomTarget(batch.masks, this.task)
    const images = this.input.forward(batch.images)
    const others = this.input.forward(
      weak.indexSelect(0, tensor(rows, { dtype: 'int64' }).to({ device: weak.device })),
    )
    const labels = noGrad(() => this.#pseudoLabels(teacher, others)) // [M, K, H, W]
    return this.#against(cat([images, others], 0), {
      target: cat([target, labels], 0),
      counted: counted && cat([counted, onesLike(labels.narrow(1, 0, 1))], 0),
    })
  }

  /** Probabilities as they are, which the structure loss takes as soft masks: the release saves grey maps, too. */
  #pseudoLabels(teacher: InfNetNetwork, x: Tensor): Tensor {
    const logits = teacher.forward(x).masks[3]!
    return (this.options.stretch ? stretched(logits) : logits).sigmoid()
  }

  /** @param x [N, 3, H, W] @param target soft masks [N, K, H, W]; their contours are those of its halves */
  #against(x: Tensor, { target, counted }: MaskTarget): Losses {
    const { options } = this
    const maps = this.network.forward(x)
    const [global, s4, s3, s2] = maps.masks.map(
      (map) => structureLoss(map, target, { bce: options.bce, counted }).total,
    ) as [Tensor, Tensor, Tensor, Tensor]
    const edge = meanBce(maps.edge, edgeTarget(target.gt(0.5).float()), edgeCounted(counted))
    const total = global.add(s4).add(s3).add(s2).add(edge.mul(options.edgeWeight))
    return { total, global, s4, s3, s2, edge }
  }
}

function requireUnlabelled({ unlabelled }: Batch): NonNullable<Batch['unlabelled']> {
  if (unlabelled) return unlabelled
  throw new SeptumError(
    'unlabelled-missing',
    'Semi-Inf-Net learns from images without masks, and the data set has none that train',
    'Name a second data set in data.unlabelled, list the labelled patients in the split, or set options.semi=false.',
    { option: 'options.semi' },
  )
}
