import { scope, tensor } from '@septum/torch'
import type { AugmentationRecipe, Batch } from '../methods/method.js'
import { applyAugmentation, type CaseParameters, windowSize } from './augment/index.js'
import type { DecodedCase } from './case.js'
import { cutWindows } from './window.js'

type Size = readonly [height: number, width: number]

export interface BatchMaking {
  readonly size: Size
  readonly device: string
  readonly recipe: AugmentationRecipe | undefined
  readonly interpolation: 'bilinear' | 'nearest'
  /** Size of the largest image that may come, bounds the window around a crop. */
  readonly largest: Size
}

/** Tensors of a batch; the caller frees them. */
export type BatchTensors = Pick<Batch, 'images' | 'masks'>

/** Cuts windows, brings them to the device and applies the parameters there. */
export function makeBatch(
  cases: readonly DecodedCase[],
  parameters: readonly CaseParameters[],
  { size, device, recipe, interpolation, largest }: BatchMaking,
): { readonly tensors: BatchTensors; readonly cutMs: number; readonly applyMs: number } {
  const started = performance.now()
  const window = windowSize(recipe, size, largest)
  const [marginY, marginX] = [(window[0] - size[0]) / 2, (window[1] - size[1]) / 2]
  const places = parameters.map(({ top, left }) => ({ top: top - marginY, left: left - marginX }))
  const cut = cutWindows(cases, places, window)
  const copied = performance.now()
  const tensors = scope(() => {
    const shape = (planes: number) => [cases.length, planes, ...window]
    const raw = tensor(cut.images, { shape: shape(cut.channels), device })
    const images = cut.images instanceof Uint8Array ? raw.float().div_(255) : raw
    const masks = tensor(cut.masks, { shape: shape(cut.raters), device })
    return applyAugmentation(images, masks, parameters, { size, interpolation })
  })
  return { tensors, cutMs: copied - started, applyMs: performance.now() - copied }
}

/** Frees the tensors of a batch. */
export function freeBatch({ images, masks }: BatchTensors): void {
  images.free()
  masks.free()
}
