import type { MaskGraphs } from '@septum/core'
import type { Tensor } from '@septum/torch'
import type { BundleParts, GraphAxis, GraphExporter, Task } from './method.js'

export interface MaskExport {
  readonly task: Task
  /** Sides of images must be multiples of this for `logits`; a runtime pads to it. */
  readonly multiple: number
  /** What the logits stand for; with `softmax` background comes first. Default `sigmoid`. */
  readonly output?: MaskGraphs['output']
  /** @param images [N, C, ...size], sides multiples of `multiple` @returns [N, classes, ...size], or 1 + classes */
  logits(images: Tensor): Tensor
}

const axisNames = { 2: ['height', 'width'], 3: ['depth', 'height', 'width'] } as const

/**
 * Sides in units of the multiple for the two recordings. No ratio or product of ratios comes twice, that of the batch
 * included, so that every size of a recording tells which axes it came from.
 */
const ratios = {
  2: [
    [3, 5],
    [7, 4],
  ],
  3: [
    [3, 4],
    [5, 2],
    [4, 7],
  ],
} as const

/** Sides for networks that take any: odd, or halves rounded up and down would look the same. */
const oddSides = {
  2: [
    [53, 83],
    [131, 67],
  ],
  3: [
    [29, 37],
    [53, 23],
    [41, 71],
  ],
} as const

const BATCH = [3, 2] as const

/** A method that is one network: one graph from images to logits, for any number and size of images if it can be. */
export function exportMask(
  graphs: GraphExporter,
  { task, multiple, output = 'sigmoid', logits }: MaskExport,
): BundleParts {
  const { dimensions, imageSize } = task
  // Below some sizes networks have levels of one sample, which need not behave as larger ones do.
  const unit = multiple * Math.ceil((dimensions === 2 ? 16 : 8) / multiple)
  const trained = imageSize.map((side) => Math.ceil(side / multiple) * multiple)
  const names = axisNames[dimensions]
  const axes: Record<string, GraphAxis> = { batch: { recorded: BATCH, otherwise: null } }
  for (const [i, name] of names.entries()) {
    const [a, b] = ratios[dimensions][i]!
    const recorded = multiple === 1 ? oddSides[dimensions][i]! : ([a * unit, b * unit] as const)
    axes[name] = { recorded, otherwise: trained[i]! }
  }
  const { graph, reason } = graphs.graph({
    name: 'model',
    inputs: [{ name: 'images', type: 'float32', shape: ['batch', task.imageChannels, ...names] }],
    outputs: ['logits'],
    axes,
    run: ([images]) => [logits(images!)],
  })
  const size =
    reason === undefined
      ? { trained: imageSize, fixed: false, multipleOf: multiple }
      : { trained: imageSize, fixed: true, multipleOf: multiple, reason }
  return { size, model: { kind: 'mask', output, graphs: { model: graph } } }
}
