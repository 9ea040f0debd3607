import type { Line } from '../app/settings.js'
import type { Loop, Region } from './outline.js'
import type { PixelShape } from './pixel.js'

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

/** Image pixel (x, y) lies at (x * this.x + left, y * this.y + top) of the canvas, in CSS pixels. */
export interface Transform {
  /** Width and height of an image pixel in CSS pixels. */
  readonly x: number
  readonly y: number
  readonly left: number
  readonly top: number
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** @param ratio canvas pixels to a CSS pixel. */
export function drawScene(context: Context, scene: Scene, transform: Transform, ratio: number): void {
  const [height, width] = scene.size
  const { canvas } = context
  const { x, y, left, top } = transform
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.fillStyle = '#000'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.setTransform(x * ratio, 0, 0, y * ratio, left * ratio, top * ratio)
  // Single pixels are shown as such only where a person looks at them closely.
  context.imageSmoothingEnabled = Math.min(x, y) < 12
  context.imageSmoothingQuality = 'high'
  context.drawImage(scene.picture, 0, 0)
  if (scene.map) {
    context.globalAlpha = scene.map.opacity
    context.imageSmoothingEnabled = false
    context.drawImage(scene.map.bitmap, 0, 0)
    context.globalAlpha = 1
  }
  // Lines are drawn in CSS pixels: where a pixel is no square, a stretched pen would not be round.
  context.setTransform(ratio, 0, 0, ratio, left * ratio, top * ratio)
  const frame = scene.frame ?? { left: 0, top: 0, width, height }
  if (scene.grid) drawGrid(context, frame, scene.grid, transform)
  for (const contour of scene.contours ?? []) drawContour(context, contour, transform)
  if (scene.frame) drawFrame(context, scene.frame, transform)
  if (scene.ruler) drawRuler(context, scene.ruler, transform)
}

type Scale = Pick<Transform, 'x' | 'y'>

function drawContour(
  context: Context,
  { loops, colour, dash = [], fill = 0, width }: Contour,
  { x, y }: Scale,
) {
  const path = new Path2D()
  for (const loop of loops) {
    for (let i = 0; i < loop.length; i += 2) {
      if (i === 0) path.moveTo(loop[0]! * x, loop[1]! * y)
      else path.lineTo(loop[i]! * x, loop[i + 1]! * y)
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
  context.lineWidth = width + 1.5
  context.stroke(path)
  context.setLineDash(dash as number[])
  context.strokeStyle = colour
  context.lineWidth = width
  context.stroke(path)
  context.setLineDash([])
}

function drawGrid(context: Context, frame: Region, cells: number, { x, y }: Scale) {
  const [left, right] = [frame.left * x, (frame.left + frame.width) * x]
  const [top, bottom] = [frame.top * y, (frame.top + frame.height) * y]
  context.strokeStyle = 'rgb(255 255 255 / 0.22)'
  context.lineWidth = 1
  context.beginPath()
  for (let i = 0; i <= cells; i++) {
    const [across, down] = [left + ((right - left) * i) / cells, top + ((bottom - top) * i) / cells]
    context.moveTo(across, top)
    context.lineTo(across, bottom)
    context.moveTo(left, down)
    context.lineTo(right, down)
  }
  context.stroke()
}

function drawFrame(context: Context, { left, top, width, height }: Region, { x, y }: Scale) {
  context.strokeStyle = 'rgb(255 255 255 / 0.6)'
  context.lineWidth = 1
  context.setLineDash([5, 4])
  context.strokeRect(left * x, top * y, width * x, height * y)
  context.setLineDash([])
}

function drawRuler(context: Context, ruler: Line, { x, y }: Scale) {
  const ends = [ruler.from, ruler.to].map(([column, row]) => [column * x, row * y] as const)
  const [from, to] = ends as [readonly [number, number], readonly [number, number]]
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]]
  const length = Math.hypot(dx, dy) || 1
  const [nx, ny] = [(-dy / length) * 6, (dx / length) * 6]
  for (const [colour, width] of [
    ['rgb(0 0 0 / 0.7)', 4],
    ['#ffffff', 1.75],
  ] as const) {
    context.strokeStyle = colour
    context.lineWidth = width
    context.beginPath()
    context.moveTo(...from)
    context.lineTo(...to)
    for (const [across, down] of ends) {
      context.moveTo(across - nx, down - ny)
      context.lineTo(across + nx, down + ny)
    }
    context.stroke()
  }
}

/** The transform that shows a region as large as it fits, in the middle. */
export function fitted(
  region: Region,
  width: number,
  height: number,
  [pixelHeight, pixelWidth]: PixelShape,
): Transform {
  const scale = Math.min(width / (region.width * pixelWidth), height / (region.height * pixelHeight))
  const [x, y] = [scale * pixelWidth, scale * pixelHeight]
  return {
    x,
    y,
    left: (width - region.width * x) / 2 - region.left * x,
    top: (height - region.height * y) / 2 - region.top * y,
  }
}
