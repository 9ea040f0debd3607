import { scope, type Tensor, tensor } from '@septum/torch'
import type { AugmentationRecipe, Batch, UnlabelledBatch } from '../methods/method.js'
import { changeAppearance } from './augment/appearance.js'
import {
  applyAugmentation,
  applyMix,
  type BatchParameters,
  type CaseParameters,
  type MixRegion,
  mixRegion,
  resizeTogether,
  windowSize,
} from './augment/index.js'
import type { DecodedCase } from './case.js'
import { cutWindows, PackingMemory } from './window.js'

/** [H, W] or [D, H, W]. */
type Size = readonly number[]

export interface BatchMaking {
  /** Size of the crops. */
  readonly size: Size
  readonly device: string
  readonly recipe: AugmentationRecipe | undefined
  readonly interpolation: 'bilinear' | 'nearest'
  /** Size of the largest image that may come, bounds the window around a crop. */
  readonly largest: Size
  /** Distance of samples along each axis, where all cases share it. */
  readonly spacingMm?: Size
}

/** Tensors of a batch; the caller frees them. */
export type BatchTensors = Pick<Batch, 'images' | 'masks' | 'unlabelled'>

/** Its content has been copied into tensors by the time the next batch is packed. */
const memory = new PackingMemory()

interface Timed<T> {
  readonly tensors: T
  /** Copying windows. */
  readonly cutMs: number
  /** Upload and augmentation, as far as the device does it at once. */
  readonly applyMs: number
}

/** Cuts windows, brings them to the device and applies the parameters of each case there. */
function makeViews(
  cases: readonly DecodedCase[],
  parameters: readonly CaseParameters[],
  { size, device, recipe, interpolation, largest, spacingMm }: BatchMaking,
): Timed<{ images: Tensor; masks: Tensor | null }> {
  const started = performance.now()
  const window = windowSize(recipe, size, largest, spacingMm)
  const margin = (back: number) => (window.at(-back)! - size.at(-back)!) / 2
  const places = parameters.map(({ top, left, front = 0 }) => ({
    top: top - margin(2),
    left: left - margin(1),
    front: size.length === 3 ? front - margin(3) : 0,
  }))
  const cut = cutWindows(cases, places, window, memory)
  const copied = performance.now()
  const tensors = scope(() => {
    const shape = (planes: number) => [cases.length, planes, ...window]
    const raw = tensor(cut.images, { shape: shape(cut.channels), device })
    const images = cut.images instanceof Uint8Array ? raw.float().div_(255) : raw
    const masks = cut.raters === 0 ? null : tensor(cut.masks, { shape: shape(cut.raters), device })
    const valueRange = recipe?.valueRange === undefined ? ([0, 1] as const) : recipe.valueRange
    const range = spacingMm ? { valueRange, spacingMm } : { valueRange }
    // Validation, and training without augmentation, take what was cut as it is.
    if (window.every((side, axis) => side === size[axis]) && parameters.every(unchanged))
      return { images, masks }
    return applyAugmentation(images, masks, parameters, { size, interpolation, ...range })
  })
  return { tensors, cutMs: copied - started, applyMs: performance.now() - copied }
}

const unchanged = (one: CaseParameters): boolean =>
  !one.flipHorizontal &&
  !one.flipVertical &&
  one.degrees === 0 &&
  one.quarterTurns === 0 &&
  one.brightness === 1 &&
  one.contrast === 1 &&
  !one.spatial &&
  !one.appearance

/** A batch of centre crops or of cases with parameters of their own: no mixing, no other size. */
export function makeBatch(
  cases: readonly DecodedCase[],
  parameters: readonly CaseParameters[],
  making: BatchMaking,
): Timed<Pick<Batch, 'images' | 'masks'>> {
  const { tensors, ...times } = makeViews(cases, parameters, making)
  return { tensors: { images: tensors.images, masks: tensors.masks! }, ...times }
}

/**
 * Makes the batch that was drawn: a function of the decoded cases and the parameters, so that a batch of a log can be
 * made again. The caller frees its tensors (`freeBatch`).
 * @param cases, unlabelled in the order of `parameters.names` and `parameters.unlabelled.names`.
 */
export function makeDrawnBatch(
  cases: readonly DecodedCase[],
  unlabelled: readonly DecodedCase[],
  parameters: BatchParameters,
  making: BatchMaking,
): Timed<BatchTensors> {
  const made = makeViews(cases, parameters.cases, making)
  const free = parameters.unlabelled
  const others = free && makeViews(unlabelled, free.cases, making)
  const started = performance.now()
  const labelled = scope(() => {
    const { images, masks } = made.tensors
    const mix = mixRegion(parameters.mixes, making.size, masks, making.device)
    return resizeTogether(applyMix(images, mix), applyMix(masks!, mix), parameters.size)
  })
  if (labelled.images !== made.tensors.images) made.tensors.images.free()
  if (labelled.masks !== made.tensors.masks) made.tensors.masks?.free()
  const strong = free && others && makeStrong(others.tensors.images, free, parameters.size, making)
  return {
    tensors: { ...labelled, ...(strong ? { unlabelled: strong } : {}) },
    cutMs: made.cutMs + (others?.cutMs ?? 0),
    applyMs: made.applyMs + (others?.applyMs ?? 0) + performance.now() - started,
  }
}

/** The views of unlabelled images. @param moved [M, C, ...crop], which it frees or hands on. */
function makeStrong(
  moved: Tensor,
  { names, views }: NonNullable<BatchParameters['unlabelled']>,
  size: Size,
  { device, recipe, size: crop }: BatchMaking,
): MixedViews {
  const range = recipe?.valueRange === undefined ? ([0, 1] as const) : recipe.valueRange
  const weak = scope(() => resizeTogether(moved, null, size).images)
  if (weak !== moved) moved.free()
  // Boxes are drawn in the crop; the views may have another size.
  const scaled = (box: readonly (readonly [number, number])[]) =>
    box.map(
      (ends, axis) => ends.map((end) => Math.round((end * size[axis]!) / crop[axis]!)) as [number, number],
    )
  const made = views.map(({ appearance, mixes }) => {
    const atSize = mixes.map((mix) => (mix?.kind === 'cutMix' ? { ...mix, box: scaled(mix.box) } : mix))
    const mix = scope(() => mixRegion(atSize, size, null, device))
    const view = scope(() => {
      const changed = applyMix(changeAppearance(weak, appearance, range), mix)
      return changed === weak ? weak.clone() : changed
    })
    return { view, mix }
  })
  return new MixedViews(
    weak,
    made.map(({ view }) => view),
    made.map(({ mix }) => mix),
    names,
  )
}

class MixedViews implements UnlabelledBatch {
  constructor(
    readonly weak: Tensor,
    readonly strong: readonly Tensor[],
    private readonly mixes: readonly (MixRegion | null)[],
    readonly cases: readonly string[],
  ) {}

  mixed(view: number, values: Tensor): Tensor {
    return applyMix(values, this.mixes[view]!)
  }

  free(): void {
    for (const one of [this.weak, ...this.strong]) one.free()
    for (const mix of this.mixes) {
      mix?.region.free()
      mix?.partners.free()
    }
  }
}

/** Frees the tensors of a batch. */
export function freeBatch({ images, masks, unlabelled }: BatchTensors): void {
  images.free()
  masks.free()
  if (unlabelled instanceof MixedViews) unlabelled.free()
}
