import { DRAG_MODE, Niivue, NVImage, SHOW_RENDER, SLICE_TYPE } from '@niivue/niivue'
import { applyAffine, type BundleClass, invertAffine, toAffineRas, type Vector3 } from '@septum/core'
import { niftiBytes } from 'septum/browser'
import { type OpenVolume, planeAcross, shownGeometry, volumeSize } from '../files/volume.js'

export type Layout = 'planes' | 'axial' | 'coronal' | 'sagittal'

/** Index [z, y, x] of a voxel. */
export type Voxel = readonly [number, number, number]

const sliceTypes: Readonly<Record<Layout, SLICE_TYPE>> = {
  planes: SLICE_TYPE.MULTIPLANAR,
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
}

/** Times 100, since NiiVue counts in percent of the canvas. */
const crosshairPixels = 170

type Place = readonly [left: number, top: number, width: number, height: number]
/** Shares of the canvas, with a little room between the planes. */
const beside: readonly Place[] = [
  [0, 0, 0.62, 1],
  [0.63, 0, 0.37, 0.495],
  [0.63, 0.505, 0.37, 0.495],
]
const below: readonly Place[] = [
  [0, 0, 1, 0.62],
  [0, 0.63, 0.495, 0.37],
  [0.505, 0.63, 0.495, 0.37],
]

/**
 * A volume on a canvas by NiiVue: slices along the planes of the body, label overlay, crosshair. This module is loaded
 * when the first volume is opened.
 */
export class VolumeView {
  private volume: OpenVolume | undefined
  private overlay: NVImage | undefined
  private opacity = 0.5
  private layout: Layout = 'planes'

  private constructor(
    private readonly niivue: Niivue,
    private readonly onMove: (voxel: Voxel) => void,
  ) {
    niivue.onLocationChange = (location) => {
      const [x, y, z] = (location as { readonly mm: ArrayLike<number> }).mm as unknown as Vector3
      if (this.volume) this.onMove(this.voxelAt([x, y, z]))
    }
  }

  /** @throws Error where the browser has no WebGL 2. */
  static async on(canvas: HTMLCanvasElement, onMove: (voxel: Voxel) => void): Promise<VolumeView> {
    const niivue = new Niivue({
      ...{ backColor: [0, 0, 0, 1], crosshairColor: [0.42, 0.72, 1, 0.8], crosshairWidth: 0.25 },
      ...{ crosshairWidthUnit: 'percent', crosshairGap: 3 },
      ...{ fontColor: [0.95, 0.97, 1, 1], fontMinPx: 13, fontSizeScaling: 0.3 },
      ...{ multiplanarShowRender: SHOW_RENDER.NEVER, multiplanarPadPixels: 6, tileMargin: 0 },
      ...{ isColorbar: false, isOrientCube: false, isCornerOrientationText: false },
      // The page changes contrast itself: NiiVue counts in whole units, too coarse for shares of one.
      ...{ dragMode: DRAG_MODE.none, dragAndDropEnabled: false, loadingText: '', logLevel: 'error' },
      // Radiologists look from the feet: the patient's left is on the right.
      ...{ isRadiologicalConvention: true, sagittalNoseLeft: true, isNearestInterpolation: false },
      // The page has keys of its own, which can be switched off.
      ...{ clipPlaneHotKey: '', cycleClipPlaneHotKey: '', viewModeHotKey: '' },
    })
    await niivue.attachToCanvas(canvas, false)
    return new VolumeView(niivue, onMove)
  }

  async show(volume: OpenVolume): Promise<void> {
    const bytes = niftiBytes({ ...volume.image, geometry: shownGeometry(volume) })
    const [low, high] = volume.window
    const image = await imageOf(bytes, 'volume.nii', { colormap: 'gray', cal_min: low, cal_max: high })
    for (const old of [...this.niivue.volumes].reverse()) this.niivue.removeVolume(old)
    this.overlay = undefined
    this.volume = volume
    this.niivue.addVolume(image)
    this.arrange()
  }

  /** @param labels [D, H, W] with the labels of the classes; null takes the overlay away. */
  async mark(labels: Uint8Array | null, classes: readonly BundleClass[]): Promise<void> {
    const { volume, niivue } = this
    if (!volume) return
    if (labels) {
      const geometry = shownGeometry(volume)
      const bytes = niftiBytes({ data: labels, shape: [1, ...volumeSize(volume)], geometry, maxValue: 255 })
      const image = await imageOf(bytes, 'labels.nii', { opacity: this.opacity })
      if (this.volume !== volume) return
      image.setColormapLabel(colours(classes))
      this.unmark()
      this.overlay = image
      niivue.addVolume(image)
    } else this.unmark()
  }

  setWindow([low, high]: readonly [number, number]): void {
    const [image] = this.niivue.volumes
    if (!image || (image.cal_min === low && image.cal_max === high)) return
    image.cal_min = low
    image.cal_max = high
    this.niivue.updateGLVolume()
  }

  /** @param opacity of the overlay, 0 to 1. */
  setOpacity(opacity: number): void {
    if (this.opacity === opacity) return
    this.opacity = opacity
    if (this.overlay) this.niivue.setOpacity(1, opacity)
  }

  setLayout(layout: Layout): void {
    if (this.layout === layout) return
    this.layout = layout
    this.arrange()
  }

  /** Puts the crosshair on a voxel. */
  moveTo([z, y, x]: Voxel): void {
    const { niivue, volume } = this
    if (!volume) return
    const [vx, vy, vz] = applyAffine(toAffineRas(shownGeometry(volume)), [x, y, z])
    niivue.scene.crosshairPos = niivue.mm2frac([vx, vy, vz])
    niivue.drawScene()
  }

  /** To be called when the size of the canvas has changed. */
  resized(): void {
    // A canvas that is hidden has no size, and nothing to draw.
    if (this.niivue.canvas!.clientWidth === 0) return
    this.niivue.resizeListener()
    const { clientWidth, clientHeight } = this.niivue.canvas!
    this.niivue.opts.crosshairWidth = crosshairPixels / Math.min(clientWidth, clientHeight)
    this.arrange()
  }

  /** One plane, or all three: that of the stored slices large, the others beside it or below. */
  private arrange(): void {
    const { niivue, layout, volume } = this
    if (layout !== 'planes' || !volume) {
      niivue.clearCustomLayout()
      niivue.setSliceType(sliceTypes[layout])
      return
    }
    const { clientWidth, clientHeight } = niivue.canvas!
    const [large, ...small] = ([0, 1, 2] as const).map((axis) => sliceTypes[planeAcross(volume, axis)])
    const places = clientWidth > clientHeight ? beside : below
    niivue.setCustomLayout(
      [large!, ...small].map((sliceType, i) => ({ sliceType, position: [...places[i]!] })),
    )
  }

  private unmark(): void {
    if (this.overlay) this.niivue.removeVolume(this.overlay)
    this.overlay = undefined
  }

  /** The voxel nearest to a point in RAS millimetres. */
  private voxelAt(point: Vector3): Voxel {
    const volume = this.volume!
    const [x, y, z] = applyAffine(invertAffine(toAffineRas(shownGeometry(volume))), point)
    const [depth, height, width] = volumeSize(volume)
    const inside = (at: number, size: number) => Math.min(size - 1, Math.max(0, Math.round(at)))
    return [inside(z, depth), inside(y, height), inside(x, width)]
  }
}

function imageOf(
  bytes: Uint8Array,
  name: string,
  options: Partial<Parameters<typeof NVImage.loadFromFile>[0]>,
): Promise<NVImage> {
  const file = new File([bytes as BlobPart], name)
  return NVImage.loadFromFile({ file, name, ...options } as Parameters<typeof NVImage.loadFromFile>[0])
}

/** A colour for each label, background transparent. */
function colours(classes: readonly BundleClass[]) {
  const parts = (from: number) => [
    0,
    ...classes.map(({ colour }) => Number.parseInt(colour.slice(from, from + 2), 16)),
  ]
  return {
    ...{ R: parts(1), G: parts(3), B: parts(5) },
    A: [0, ...classes.map(() => 255)],
    I: [0, ...classes.map(({ label }) => label)],
    labels: ['', ...classes.map(({ name }) => name)],
  }
}
