import type { MedicalImage } from '@septum/core'

/** A picture with the size of its pixels, where a person gave it or the file did. */
export function spaced(image: MedicalImage, spacingMm: readonly [number, number] | null): MedicalImage {
  if (!spacingMm) return image
  const { originMm = [0, 0, 0], directions = plain } = image.geometry ?? {}
  return { ...image, geometry: { spacingMm, originMm, directions } }
}

const plain = [
  [0, 1, 0],
  [1, 0, 0],
] as const
