import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { F, nn, noGrad, scope, setThreads, type Tensor } from '@septum/torch'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { madeUpData, temporaryFolder } from '../../test/tiny-run.js'
import { listeningReporter } from '../datasets/testing.js'
import { classTargets } from '../losses/targets.js'
import { maskPrediction, validateMasks } from '../methods/mask-model.js'
import type { Batch, Losses, Method, Phase, SegmentationModel, Task } from '../methods/method.js'
import { runConfigSchema } from './api.js'
import { train } from './train.js'

setThreads(1)

/** What the method saw in one step. */
interface Seen {
  readonly labelled: readonly string[]
  readonly bare: readonly string[]
  readonly shapes: readonly (readonly number[])[]
  /** Largest difference of a strong view from the weak view mixed as the view says. */
  readonly differences: readonly number[]
  readonly mixedShare: number
}

const seen: Seen[] = []
const consistencyOptions = z.object({ noise: z.boolean().default(false), bare: z.int().default(3) })

/** Learns from masks, and from its own sure pseudo-labels of weak views on strong ones (FixMatch). */
class Consistency extends nn.Module implements SegmentationModel {
  readonly conv: nn.Conv2d

  constructor(
    private readonly options: z.infer<typeof consistencyOptions>,
    private readonly task: Task,
  ) {
    super()
    this.conv = new nn.Conv2d(task.imageChannels, task.classes.length, 3, { padding: 1 })
  }

  phases(): readonly Phase[] {
    const { noise, bare } = this.options
    return [
      {
        name: 'consistency',
        steps: 6,
        batchSize: 2,
        accumulate: 1,
        trains: [this.conv],
        augmentation: {
          flipHorizontal: 0.5,
          flipVertical: 0.5,
          rotateDegrees: 20,
          rotate90: false,
          crop: this.task.imageSize,
          cropAt: 'centre',
          intensity: 0,
          unlabelled: {
            batchSize: bare,
            views: 2,
            appearance: noise ? { noise: { probability: 1, std: [0.2, 0.2] } } : {},
            mix: { cutMix: { probability: 1, area: [0.2, 0.4], aspect: [0.5, 2] } },
          },
        },
        optimizer: {
          kind: 'sgd',
          lr: 0.1,
          schedule: { kind: 'constant' },
          warmup: 0,
          clipNorm: null,
          ema: null,
        },
        losses: (batch) => this.#losses(batch),
        validate: (batches) => validateMasks(batches, this.task, (images) => this.conv.forward(images)),
      },
    ]
  }

  #losses(batch: Batch): Losses {
    const target = classTargets(batch.masks.narrow(1, 0, 1), this.task)
    const supervised = F.binaryCrossEntropyWithLogits(this.conv.forward(batch.images), target)
    const { unlabelled } = batch
    seen.push(lookAt(batch))
    if (!unlabelled) return { total: supervised, supervised }
    const teacher = noGrad(() => this.conv.forward(unlabelled.weak).sigmoid())
    const terms = unlabelled.strong.map((view, v) =>
      F.binaryCrossEntropyWithLogits(this.conv.forward(view), unlabelled.mixed(v, teacher).gt(0.5).float()),
    )
    const consistency = terms.reduce((a, b) => a.add(b)).div(terms.length)
    return { total: supervised.add(consistency), supervised, consistency }
  }

  async predict(images: Tensor) {
    return scope(() => noGrad(() => maskPrediction(this.conv.forward(images))))
  }
}

function lookAt({ cases, unlabelled, images }: Batch): Seen {
  if (!unlabelled)
    return { labelled: cases, bare: [], shapes: [images.shape], differences: [], mixedShare: 0 }
  const { weak, strong } = unlabelled
  const largest = (t: Tensor) => t.abs().amax().item()
  return {
    labelled: cases,
    bare: unlabelled.cases,
    shapes: [images, weak, ...strong].map(({ shape }) => shape),
    differences: strong.map((view, v) => largest(view.sub(unlabelled.mixed(v, weak)))),
    mixedShare: strong[0]!.ne(weak).float().mean().item(),
  }
}

const consistency: Method<z.infer<typeof consistencyOptions>> = {
  name: 'consistency',
  title: 'Consistency',
  summary: 'for a test',
  paper: 'for a test',
  options: consistencyOptions,
  build: (own, task) => new Consistency(own, task),
}

vi.mock('../methods/index.js', async (original) => {
  const own = await original<typeof import('../methods/index.js')>()
  return {
    ...own,
    methodByName: (name: string) => (name === 'consistency' ? consistency : own.methodByName(name)),
  }
})

let folder: string
const at = (...names: string[]) => join(folder, ...names)
beforeEach(async () => {
  folder = temporaryFolder()
  seen.length = 0
  await madeUpData(at('data'), { raters: 1, cases: 10 })
  const splits = {
    by: 'patient',
    scheme: 'semi',
    train: ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'],
    val: ['c6', 'c7'],
    test: ['c8', 'c9'],
    labelled: ['c1', 'c4'],
  }
  writeFileSync(at('data', 'splits.json'), JSON.stringify(splits))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function trained(data: object = {}, own: object = {}) {
  const reporter = listeningReporter()
  const config = runConfigSchema.parse({
    method: 'consistency',
    data: { path: at('data'), imageSize: [16, 16], ...data },
    device: 'cpu',
    threads: 1,
    training: { validateEvery: 3 },
    options: own,
  })
  const outcome = await train({
    config,
    configText: stringify(config),
    out: at('run'),
    resume: false,
    reporter,
    signal: new AbortController().signal,
  })
  return { outcome, lines: reporter.lines }
}

describe('images without masks', () => {
  it('come to a method that asks for them as weak and strong pairs, in every step', async () => {
    const { outcome, lines } = await trained()
    expect(outcome).toMatchObject({ steps: 6, interrupted: false })
    expect(lines.filter((line) => line.includes('without masks'))).toEqual([
      '4 training images are used without masks, by methods that learn from such.',
    ])
    expect(seen).toHaveLength(6)
    for (const step of seen) {
      expect([...step.labelled].sort()).toEqual(['c1', 'c4'])
      expect(step.shapes).toEqual([[2, 1, 16, 16], ...Array(3).fill([3, 1, 16, 16])])
      // Without changes of appearance a strong view is the weak one, mixed: pseudo-labels follow their pixels.
      for (const difference of step.differences) expect(difference).toBeLessThan(1e-6)
      expect(step.mixedShare).toBeGreaterThan(0.05)
    }
    // Eighteen places: four epochs of the four unlabelled cases and a half, each once an epoch.
    const order = seen.flatMap(({ bare }) => bare)
    for (let epoch = 0; epoch < 4; epoch++)
      expect(order.slice(4 * epoch, 4 * epoch + 4).sort()).toEqual(['c0', 'c2', 'c3', 'c5'])
  })

  it('differ between the views where the recipe says so', async () => {
    await trained({}, { noise: true })
    for (const { differences } of seen) for (const one of differences) expect(one).toBeGreaterThan(0.2)
  })

  it('may be those of a second folder', async () => {
    await madeUpData(at('more'), { raters: 1, cases: 2 })
    await trained({ unlabelled: at('more') }, { bare: 6 })
    const names = new Set(seen.flatMap(({ bare }) => bare))
    expect([...names].sort()).toEqual(['c0', 'c2', 'c3', 'c5', 'unlabelled/c0', 'unlabelled/c1'])
  })

  it('are missed where there are none', async () => {
    writeFileSync(
      at('all.json'),
      JSON.stringify({
        ...{ by: 'patient', scheme: 'all', train: ['c0', 'c1'], val: ['c6'], test: ['c8'] },
      }),
    )
    const { lines } = await trained({ splits: at('all.json') })
    expect(lines).toContainEqual(expect.stringContaining('consistency learns from images without masks too'))
    expect(seen.every(({ bare }) => bare.length === 0)).toBe(true)
  })
})
