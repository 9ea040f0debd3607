import type { AugmentationRecipe } from './method.js'

/**
 * Augmentation of nnU-Net's 2-D configuration (its trainer of version 2), in its order: rotation, scaling, noise, blur,
 * brightness, contrast, low resolution, gamma, mirror images. Long patches turn by 15 degrees, others by any angle. Its two
 * gamma transforms (inverted with probability 0.1, plain with 0.3) are one here, whose probability is that of either.
 * @param patch [H, W]
 */
export function nnunetAugmentation(patch: readonly number[]): AugmentationRecipe {
  const long = Math.max(...patch) / Math.min(...patch) > 1.5
  return {
    flipHorizontal: 0.5,
    flipVertical: 0.5,
    rotateDegrees: long ? 15 : 180,
    rotateProbability: 0.2,
    rotate90: false,
    crop: patch,
    cropAt: 'random',
    intensity: 0,
    scale: { probability: 0.2, factor: [0.7, 1.4] },
    appearance: {
      noise: { probability: 0.1, std: [0, 0.1] },
      blur: { probability: 0.2, sigma: [0.5, 1] },
      brightness: { probability: 0.15, factor: [0.75, 1.25] },
      contrast: { probability: 0.15, factor: [0.75, 1.25] },
      lowResolution: { probability: 0.25, zoom: [0.5, 1] },
      gamma: { probability: 1 - 0.9 * 0.7, exponent: [0.7, 1.5], invert: 0.25 },
    },
  }
}
