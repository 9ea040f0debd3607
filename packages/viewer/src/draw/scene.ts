import type { Line } from '../app/settings.js'
import type { Loop, Region } from './outline.js'

export interface Contour {
  readonly loops: readonly Loop[]
  readonly colour: string
  readonly dash?: readonly number[]
  /** Opacity of the inside, 0 to 1. */
  readonly fill?: number
  /** Width of the line in CSS pixels. */
  readonly width: number
}

/** All that can be drawn over a picture, in pixels of the image. */
export interface Scene {
  readonly picture: CanvasImageSource
  readonly size: readonly [number, number]
  /** A map in colours, on the pixels of the picture. */
  readonly map?: { readonly bitmap: CanvasImageSource; readonly opacity: number }
  readonly contours?: readonly Contour[]
  /** The part that the model sees. */
  readonly frame?: Region
  /** Cells of the token map inside the frame or the image. */
  readonly grid?: number
  readonly ruler?: Line | null
}

/** Image pixel (x, y) lies at (x * scale + left, y * scale + top) of the canvas, in CSS pixels. */
export interface Transform {
  readonly scale: number
  readonly left: number
  readonly top: number
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** @param ratio canvas pixels to a CSS pixel. */
export function drawScene(
  context: Context,
  scene: Scene,
  { scale, left, top }: Transform,
  ratio: number,
): void {
  const [height, width] = scene.size
  const { canvas } = context
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.fillStyle = '#000'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio)
  // Single pixels are shown as such only where a person looks at them closely.
  context.imageSmoothingEnabled = scale < 12
  context.imageSmoothingQuality = 'high'
  context.drawImage(scene.picture, 0, 0)
  if (scene.map) {
    context.globalAlpha = scene.map.opacity
    context.imageSmoothingEnabled = false
    context.drawImage(scene.map.bitmap, 0, 0)
    context.globalAlpha = 1
  }
  const frame = scene.frame ?? { left: 0, top: 0, width, height }
  if (scene.grid) drawGrid(context, frame, scene.grid, scale)
  for (const contour of scene.contours ?? []) drawContour(context, contour, scale)
  if (scene.frame) drawFrame(context, scene.frame, scale)
  if (scene.ruler) drawRuler(context, scene.ruler, scale)
}

function drawContour(
  context: Context,
  { loops, colour, dash = [], fill = 0, width }: Contour,
  scale: number,
) {
  const path = new Path2D()
  for (const loop of loops) {
    for (let i = 0; i < loop.length; i += 2) {
      if (i === 0) path.moveTo(loop[0]!, loop[1]!)
      else path.lineTo(loop[i]!, loop[i + 1]!)
    }
    path.closePath()
  }
  context.lineJoin = 'round'
  if (fill > 0) {
    context.globalAlpha = fill
    context.fillStyle = colour
    context.fill(path, 'evenodd')
    context.globalAlpha = 1
  }
  // A dark line below keeps the outline visible on bright tissue.
  context.setLineDash([])
  context.strokeStyle = 'rgb(0 0 0 / 0.55)'
  context.lineWidth = (width + 1.5) / scale
  context.stroke(path)
  context.setLineDash(dash.map((length) => length / scale))
  context.strokeStyle = colour
  context.lineWidth = width / scale
  context.stroke(path)
  context.setLineDash([])
}

function drawGrid(context: Context, { left, top, width, height }: Region, cells: number, scale: number) {
  context.strokeStyle = 'rgb(255 255 255 / 0.22)'
  context.lineWidth = 1 / scale
  context.beginPath()
  for (let i = 0; i <= cells; i++) {
    const [x, y] = [left + (width * i) / cells, top + (height * i) / cells]
    context.moveTo(x, top)
    context.lineTo(x, top + height)
    context.moveTo(left, y)
    context.lineTo(left + width, y)
  }
  context.stroke()
}

function drawFrame(context: Context, { left, top, width, height }: Region, scale: number) {
  context.strokeStyle = 'rgb(255 255 255 / 0.6)'
  context.lineWidth = 1 / scale
  context.setLineDash([5 / scale, 4 / scale])
  context.strokeRect(left, top, width, height)
  context.setLineDash([])
}

function drawRuler(context: Context, { from, to }: Line, scale: number) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]]
  const length = Math.hypot(dx, dy) || 1
  const [nx, ny] = [(-dy / length) * (6 / scale), (dx / length) * (6 / scale)]
  for (const [colour, width] of [
    ['rgb(0 0 0 / 0.7)', 4],
    ['#ffffff', 1.75],
  ] as const) {
    context.strokeStyle = colour
    context.lineWidth = width / scale
    context.beginPath()
    context.moveTo(...from)
    context.lineTo(...to)
    for (const [x, y] of [from, to]) {
      context.moveTo(x - nx, y - ny)
      context.lineTo(x + nx, y + ny)
    }
    context.stroke()
  }
}

/** The transform that shows a region as large as it fits, in the middle. */
export function fitted(region: Region, width: number, height: number): Transform {
  const scale = Math.min(width / region.width, height / region.height)
  return {
    scale,
    left: (width - region.width * scale) / 2 - region.left * scale,
    top: (height - region.height * scale) / 2 - region.top * scale,
  }
}
