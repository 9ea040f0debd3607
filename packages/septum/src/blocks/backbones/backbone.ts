import { nn, type Tensor } from '@septum/torch'

/** Channels of the maps of a {@link Backbone}; null where it has no such map. */
export interface FeatureChannels {
  /** At half the size of the image. */
  readonly stride2: number | null
  /** The pooled stem at a quarter of the size: M2SNet's first level. */
  readonly stem: number | null
  /** At strides 4, 8, 16 and 32. */
  readonly levels: readonly [number, number, number, number]
}

/** Maps of an image [N, 3, H, W]; a map of stride s has the size ceil(H / s), ceil(W / s). */
export interface Features {
  readonly stride2: Tensor | null
  readonly stem: Tensor | null
  readonly levels: readonly [Tensor, Tensor, Tensor, Tensor]
}

/** How a backbone's published weights want their images: (value in [0, 1] - mean) / std of red, green, blue. */
export interface PixelScale {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/** Means and standard deviations of ImageNet, as torchvision has them. */
export const imagenetPixels: PixelScale = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
}

export interface BackboneOptions {
  /** Factor on all widths, for small machines; published weights fit 1 only. */
  readonly width?: number
  /** Adds the classifier, for counting and for whole published files; segmentation has no use for it. */
  readonly classes?: number
  /** Rate of stochastic depth in the last block, for the networks that have it (ConvNeXt, PVTv2). Default 0. */
  readonly dropPath?: number
}

/**
 * A classification network as an image encoder. Its state dict has the names of its published weights, so that
 * they load as they are; `weights/import.ts` translates other spellings.
 */
export abstract class Backbone extends nn.Module {
  abstract readonly channels: FeatureChannels
  readonly input: PixelScale = imagenetPixels

  constructor(readonly name: string) {
    super()
  }

  /** @param x [N, 3, H, W], normalised as {@link input} says, any H and W from 32 */
  abstract forward(x: Tensor): Features

  /** Names of published files that this network leaves out on purpose, e.g. the classifier. */
  unused(_name: string): boolean {
    return false
  }
}

/** The four levels as a tuple, whose length the compiler knows. */
export function four<T>(items: readonly T[]): readonly [T, T, T, T] {
  if (items.length !== 4) throw new RangeError(`four levels are expected, got ${items.length}`)
  return items as unknown as readonly [T, T, T, T]
}

/** A width times a factor, a multiple of 8 and at least 8 (published widths stay as they are with factor 1). */
export const scaledWidth = (width: number, factor: number): number =>
  factor === 1 ? width : Math.max(8, Math.round((width * factor) / 8) * 8)
