import type { Derived } from '../app/derived.js'
import { once } from '../app/once.js'
import type { Store } from '../app/state.js'
import { heatBitmap, pictureBitmap, rangeOf, tintBitmap } from '../draw/bitmaps.js'
import { modelColour } from '../draw/colours.js'
import { extent, type Region } from '../draw/outline.js'
import { type PixelShape, pixelShape, shownSquareAround } from '../draw/pixel.js'
import { heightOf, type OpenPicture, widthOf } from '../files/picture.js'

/** Bitmaps and regions that several views draw; made again only when their causes change. */
export class Pictures {
  private readonly range = once((picture: OpenPicture) => rangeOf(picture.image))
  private readonly bitmap = once((picture: OpenPicture, low: number, high: number) =>
    pictureBitmap(picture.image, [low, high]),
  )
  private readonly heatMap = once((map: Float32Array, height: number, width: number) =>
    heatBitmap(map, [height, width]),
  )
  private readonly around = once(
    (samples: readonly Uint8Array[], raters: readonly Uint8Array[], height: number, width: number) =>
      extent([...samples, ...raters], [height, width]),
  )
  private readonly tints = new WeakMap<Float32Array, OffscreenCanvas>()

  constructor(
    private readonly store: Store,
    private readonly derived: Derived,
  ) {}

  /** [height, width] of the open picture. */
  size(picture: OpenPicture): readonly [number, number] {
    return [heightOf(picture), widthOf(picture)]
  }

  /** Of the distance between pixels that the file or a person gave. */
  pixel(): PixelShape {
    return pixelShape(this.store.settings.spacingMm)
  }

  /** Values shown as black and white. */
  greys(picture: OpenPicture): readonly [number, number] {
    return (
      this.store.settings.grey ??
      picture.window ??
      (picture.image.maxValue === 255 ? [0, 255] : this.range(picture))
    )
  }

  limits(picture: OpenPicture): readonly [number, number] {
    return this.range(picture)
  }

  of(picture: OpenPicture): OffscreenCanvas {
    return this.bitmap(picture, ...this.greys(picture))
  }

  heat(map: Float32Array, picture: OpenPicture): OffscreenCanvas {
    return this.heatMap(map, ...this.size(picture))
  }

  /** A mask that is still growing. Kept for as long as its map is: a run has few of them. */
  tint(map: Float32Array, picture: OpenPicture): OffscreenCanvas {
    let made = this.tints.get(map)
    if (!made) {
      made = tintBitmap(map, this.size(picture), modelColour)
      this.tints.set(map, made)
    }
    return made
  }

  /** A square around all that any mask marks, with room; the whole image where nothing is marked. */
  finding(picture: OpenPicture): Region {
    const { result } = this.store.session
    const samples = result?.classes[this.store.settings.classIndex]?.samples ?? none
    const [height, width] = this.size(picture)
    const marked = this.around(samples, this.derived.raters(), height, width)
    return shownSquareAround(marked, [height, width], this.pixel())
  }
}

const none: readonly Uint8Array[] = []
