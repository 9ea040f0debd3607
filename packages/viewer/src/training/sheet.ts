import type { PicturesEvent } from './api.js'

/** Colours of classes: orange as the model's masks in the viewer, then others of the same palette. */
const classColours = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [204, 121, 167],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [170, 170, 170],
] as const
const REFERENCE = [86, 180, 233] as const

export type TileKind = 'image' | 'reference' | 'prediction'

/** A sheet that was decoded. */
export interface Sheet {
  readonly event: PicturesEvent
  readonly pixels: ImageData
}

/** @returns undefined where the picture cannot be had. */
export async function loadSheet(page: URL, event: PicturesEvent): Promise<Sheet | undefined> {
  try {
    const response = await fetch(new URL(event.href.replace(/^\//, ''), page))
    if (!response.ok) return undefined
    const bitmap = await createImageBitmap(await response.blob())
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!
    context.drawImage(bitmap, 0, 0)
    bitmap.close()
    return { event, pixels: context.getImageData(0, 0, context.canvas.width, context.canvas.height) }
  } catch {
    return undefined
  }
}

/** Paints one case: the image alone, or under the share of raters or the probability of each class. */
export function paint(
  canvas: HTMLCanvasElement,
  { event, pixels }: Sheet,
  column: number,
  kind: TileKind,
): void {
  const [height, width] = event.tile as [number, number]
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const out = new ImageData(width, height)
  const value = (row: number, x: number, y: number, channel = 0) =>
    pixels.data[4 * ((row * height + y) * pixels.width + column * width + x) + channel]!
  const classes = kind === 'image' ? 0 : event.classes.length
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const rgb = [value(0, x, y), value(0, x, y, 1), value(0, x, y, 2)]
      for (let k = 0; k < classes; k++) {
        const share = 0.65 * (value((kind === 'reference' ? 1 : 2) + 2 * k, x, y) / 255)
        const colour = event.classes.length === 1 && kind === 'reference' ? REFERENCE : classColours[k]!
        for (let c = 0; c < 3; c++) rgb[c] = rgb[c]! * (1 - share) + colour[c]! * share
      }
      out.data.set([...rgb, 255], 4 * (y * width + x))
    }
  }
  canvas.getContext('2d')!.putImageData(out, 0, 0)
}

/**
 * Dice of the prediction at 0.5 against what half of the raters mark, all classes together; null where both are empty.
 * Counted on the sheet, whose tiles may be smaller than the image.
 */
export function diceOf({ event, pixels }: Sheet, column: number): number | null {
  const [height, width] = event.tile as [number, number]
  let both = 0
  let sum = 0
  for (let k = 0; k < event.classes.length; k++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (row: number) =>
          pixels.data[4 * ((row * height + y) * pixels.width + column * width + x)]! >= 128
        const [reference, prediction] = [at(1 + 2 * k), at(2 + 2 * k)]
        both += Number(reference && prediction)
        sum += Number(reference) + Number(prediction)
      }
    }
  }
  return sum === 0 ? null : (2 * both) / sum
}
