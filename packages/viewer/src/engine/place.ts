import type { BundleManifest, MedicalImage } from '@septum/core'
import { viewSize } from 'septum/browser'
import { type Placement, placementOf, type Size } from './fit.js'

/** A window in pixels of the picture, not of the network. */
export interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface ModelPlace {
  /** On the picture as the model sees it: at the model's spacing. */
  readonly placement: Placement
  /** The same window on the picture itself; null where the model sees all of it. */
  readonly frame: Frame | null
}

/**
 * Where a model looks.
 * @param image of it only size and geometry count. @param centre [y, x] of the window in pixels of the picture.
 */
export function placeModel(
  { shape, geometry }: Pick<MedicalImage, 'shape' | 'geometry'>,
  { size, preprocessing }: Pick<BundleManifest, 'size' | 'preprocessing'>,
  centre: readonly [number, number] | null,
): ModelPlace {
  const [height, width] = shape.slice(-2) as [number, number]
  const seen = viewSize({ size, preprocessing: { ...preprocessing, fit: 'crop' } }, [height, width], geometry)
  const [dy, dx] = [seen[1] / height, seen[2] / width]
  const view: Size = [seen[1], seen[2]]
  const placement = placementOf(view, size, preprocessing, centre && [centre[0] * dy, centre[1] * dx])
  if (placement.kind !== 'crop') return { placement, frame: null }
  const { top, left, window } = placement
  return {
    placement,
    frame: { left: left / dx, top: top / dy, width: window[1] / dx, height: window[0] / dy },
  }
}
