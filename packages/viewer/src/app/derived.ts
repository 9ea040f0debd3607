import { type BundleClass, maskOfClass } from '@septum/core'
import { type Blend, blendOf, maskAbove } from '../analysis/blend.js'
import { type Frame, placeModel } from '../engine/place.js'
import type { OpenPicture } from '../files/picture.js'
import { once } from './once.js'
import type { Settings } from './settings.js'
import { spaced } from './spaced.js'
import type { Session, Store } from './state.js'

/** What the views show, computed when first asked for and again when its causes change. */
export class Derived {
  constructor(private readonly store: Store) {}

  private readonly blending = once(blendOf)
  private readonly masking = once(maskAbove)
  private readonly rating = once(ratersOf)
  private readonly placing = once(place)

  /** Null before there is a result. */
  blend(): Blend | null {
    const { result } = this.store.session
    const { classIndex, leftOut } = this.store.settings
    const maps = result?.classes[classIndex]
    return maps ? this.blending(maps, leftOut) : null
  }

  consensus(): Uint8Array | null {
    const blend = this.blend()
    return blend && this.masking(blend.probability, this.store.settings.threshold)
  }

  /** Samples in the blend. */
  chosen(): readonly Uint8Array[] {
    const { classIndex, leftOut } = this.store.settings
    const samples = this.store.session.result?.classes[classIndex]?.samples ?? []
    return samples.filter((_, index) => !leftOut.includes(index))
  }

  /** Raters' masks of the class that is shown. */
  raters(): readonly Uint8Array[] {
    const { picture, manifest } = this.store.session
    if (!picture) return []
    const { classes = [] } = manifest ?? {}
    return this.rating(picture, classes, this.store.settings.classIndex)
  }

  /** The window of a model that does not see all of the picture; null where it does, or is not known. */
  frame(): Frame | null {
    const { picture, manifest, where } = this.store.session
    // On the server windows slide over the whole picture.
    if (!picture || !manifest || manifest.dimensions !== 2 || where === 'server') return null
    return this.placing(picture, manifest, this.store.settings)
  }
}

function place(
  { image }: OpenPicture,
  manifest: NonNullable<Session['manifest']>,
  { centre, spacingMm }: Settings,
): Frame | null {
  return placeModel(spaced(image, spacingMm), manifest, centre).frame
}

function ratersOf(
  { raters }: OpenPicture,
  classes: readonly BundleClass[],
  classIndex: number,
): readonly Uint8Array[] {
  const entry = classes[classIndex]
  const single = classes.length <= 1 && !entry?.region
  return raters.map((labels) =>
    single || !entry ? labels.map((value) => Number(value > 0)) : maskOfClass(labels, entry),
  )
}
