import type { Derived } from '../app/derived.js'
import type { Store } from '../app/state.js'
import { modelColour, raterColour, raterDashes } from '../draw/colours.js'
import { type Contour, drawScene, fitted, type Scene, type Transform } from '../draw/scene.js'
import type { StageMap } from '../engine/messages.js'
import type { OpenPicture } from '../files/picture.js'
import { describe } from './describe.js'
import { byId, lineKey, make, say, show } from './dom.js'
import { lengthUnit, short } from './numbers.js'
import type { Pictures } from './pictures.js'
import { contour, halfOf } from './thumbnail.js'

type Camera = 'whole' | 'finding' | Transform

/** The large picture: what it shows follows from state; where it looks is its own. */
export class Stage {
  readonly element = byId('stage')
  private readonly canvas = byId<HTMLCanvasElement>('canvas')
  private camera: Camera = 'whole'
  private shown: OpenPicture | null = null
  private shape = ''

  constructor(
    private readonly store: Store,
    private readonly derived: Derived,
    private readonly pictures: Pictures,
  ) {
    new ResizeObserver(() => this.draw()).observe(this.element)
  }

  /** The transform in force, image pixels to CSS pixels. */
  transform(): Transform {
    const { clientWidth: width, clientHeight: height } = this.element
    const { picture } = this.store.session
    if (!picture) return { x: 1, y: 1, left: 0, top: 0 }
    const pixel = this.pictures.pixel()
    if (typeof this.camera === 'object') return this.camera
    if (this.camera === 'finding') return fitted(this.pictures.finding(picture), width, height, pixel)
    const [rows, columns] = this.pictures.size(picture)
    return fitted({ left: 0, top: 0, width: columns, height: rows }, width, height, pixel)
  }

  look(camera: Camera): void {
    this.camera = camera
    this.draw()
  }

  /** Whole image, or what was found, in turn. */
  toggleFit(): void {
    this.look(this.camera === 'finding' || !this.store.session.result ? 'whole' : 'finding')
  }

  /** @param factor above 1: closer. @param x, y the point that stays, in CSS pixels of the stage. */
  zoom(factor: number, x = this.element.clientWidth / 2, y = this.element.clientHeight / 2): void {
    const now = this.transform()
    const scale = Math.min(now.x, now.y)
    const grown = Math.min(80, Math.max(0.05, scale * factor)) / scale
    this.look({
      ...{ x: now.x * grown, y: now.y * grown },
      ...{ left: x - (x - now.left) * grown, top: y - (y - now.top) * grown },
    })
  }

  pan(dx: number, dy: number): void {
    const now = this.transform()
    this.look({ ...now, left: now.left + dx, top: now.top + dy })
  }

  draw(): void {
    const { picture } = this.store.session
    const ratio = window.devicePixelRatio || 1
    const { clientWidth, clientHeight } = this.element
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)]
    if (this.canvas.width !== width) this.canvas.width = width
    if (this.canvas.height !== height) this.canvas.height = height
    if (picture !== this.shown) {
      // The slices of a volume are looked at one after the other in the same place.
      const same = picture && this.shown && this.store.session.volume
      this.shown = picture
      if (!same) this.camera = 'whole'
    }
    // A new size of a pixel may stretch the picture: what was in sight would lie elsewhere.
    const shape = this.pictures.pixel().join()
    if (shape !== this.shape) {
      this.shape = shape
      this.camera = 'whole'
    }
    const context = this.canvas.getContext('2d')!
    if (!picture) {
      context.clearRect(0, 0, width, height)
      return
    }
    drawScene(context, this.scene(picture), this.transform(), ratio)
    this.drawKey()
    this.placeRulerLabel()
    this.canvas.setAttribute('aria-label', describe(this.store, this.derived))
    this.element.dataset.tool = this.store.session.tool
  }

  /** What is drawn now; also what is saved as a picture. */
  scene(picture: OpenPicture): Scene {
    const { settings, session } = this.store
    const size = this.pictures.size(picture)
    const base = { picture: this.pictures.of(picture), size, ruler: settings.ruler }
    const place = this.derived.frame()
    const frame = place ? { frame: place } : {}
    const raters = settings.raters
      ? this.derived.raters().map((mask, i) =>
          contour(mask, size, {
            colour: raterColour,
            dash: raterDashes[i % raterDashes.length]!,
            width: 1.75,
          }),
        )
      : []
    const stage = this.stage()
    if (session.busy || settings.view === 'growth') {
      if (!stage) return { ...base, ...frame, contours: raters }
      const cells = Number.parseInt(stage.name, 10)
      return {
        ...base,
        ...frame,
        grid: cells > 1 && cells <= 32 ? cells : 0,
        map: { bitmap: this.pictures.tint(stage.probability, picture), opacity: settings.opacity * 1.3 },
        contours: [...raters, { ...this.model(halfOf(stage.probability), size), fill: 0 }],
      }
    }
    const blend = this.derived.blend()
    if (!blend) return { ...base, ...frame, contours: raters }
    switch (settings.view) {
      case 'uncertainty': {
        const opacity = Math.min(1, 0.3 + settings.opacity * 1.6)
        const map = { bitmap: this.pictures.heat(blend.uncertainty, picture), opacity }
        return { ...base, ...frame, map, contours: raters }
      }
      case 'sample': {
        const sample = session.result!.classes[settings.classIndex]!.samples[settings.sample]!
        return { ...base, ...frame, contours: [...raters, this.model(sample, size)] }
      }
      case 'consensus':
        return { ...base, ...frame, contours: [...raters, this.model(this.derived.consensus()!, size)] }
    }
  }

  /** The stage to show: the newest while a model draws, else the chosen one. */
  private stage(): StageMap | undefined {
    const { result, growing } = this.store.session
    const { classIndex, scale } = this.store.settings
    if (!result) return growing.at(-1)
    return result.stages.find((each) => each.classIndex === classIndex && each.index === scale)
  }

  private model(mask: Uint8Array, size: readonly [number, number]): Contour {
    return contour(mask, size, { colour: modelColour, fill: this.store.settings.opacity, width: 2.25 })
  }

  private placeRulerLabel(): void {
    const { ruler, spacingMm } = this.store.settings
    const label = byId('ruler-label')
    show(label, ruler !== null)
    if (!ruler) return
    const [dy, dx] = spacingMm ?? [1, 1]
    const length = Math.hypot((ruler.to[0] - ruler.from[0]) * dx, (ruler.to[1] - ruler.from[1]) * dy)
    say(label, `${short(length)} ${lengthUnit(spacingMm)}`)
    const { x, y, left, top } = this.transform()
    label.style.left = `${ruler.to[0] * x + left + 12}px`
    label.style.top = `${ruler.to[1] * y + top + 8}px`
  }

  private drawKey(): void {
    const { settings, session } = this.store
    const rows: HTMLElement[] = []
    const row = (colour: string, dash: readonly number[], text: string) =>
      rows.push(make('div', {}, lineKey(colour, dash), text))
    if (session.busy && session.growing.length > 0) row(modelColour, [], 'Growing mask')
    else if (session.result && settings.view !== 'uncertainty') row(modelColour, [], keyText[settings.view])
    if (settings.raters) {
      const raters = this.derived.raters().length
      for (let i = 0; i < raters; i++)
        row(raterColour, raterDashes[i % raterDashes.length]!, `Rater ${i + 1}`)
    }
    byId('key').replaceChildren(...rows)
  }
}

const keyText = {
  consensus: 'Consensus',
  sample: 'One mask',
  growth: 'Growing mask',
  uncertainty: 'Uncertainty',
} as const
