import { createRequire } from 'node:module'
import { Resvg } from '@resvg/resvg-js'
import { SeptumError } from '@septum/core'
import sharp from 'sharp'

const require = createRequire(import.meta.url)
const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf', 'DejaVuSansMono.ttf'].map((file) =>
  require.resolve(`dejavu-fonts-ttf/ttf/${file}`),
)

export interface PngOptions {
  /** Picture pixels for one unit of the drawing. Default 2, for screens with double density. */
  readonly scale?: number
  /** CSS colour behind the drawing. Default: transparent where the drawing paints nothing. */
  readonly background?: string
  /** Also uses the fonts of this machine, for names in scripts that DejaVu Sans lacks. Default false. */
  readonly systemFonts?: boolean
}

/**
 * Draws an SVG as a PNG file, with the fonts that are installed with Septum: the same picture everywhere.
 * @throws SeptumError `svg-invalid`, `png-scale`.
 */
export function svgToPng(svg: string, options: PngOptions = {}): Uint8Array {
  const { scale = 2, background, systemFonts = false } = options
  if (!(scale > 0 && scale <= 16)) {
    throw new SeptumError(
      'png-scale',
      `A picture cannot be drawn at scale ${scale}`,
      'Give a scale in (0, 16].',
      {
        option: 'scale',
      },
    )
  }
  try {
    const family = 'DejaVu Sans'
    const font = {
      fontFiles,
      loadSystemFonts: systemFonts,
      defaultFontFamily: family,
      sansSerifFamily: family,
      monospaceFamily: 'DejaVu Sans Mono',
    }
    return new Resvg(svg, { fitTo: { mode: 'zoom', value: scale }, font, background, logLevel: 'off' })
      .render()
      .asPng()
  } catch (cause) {
    throw new SeptumError(
      'svg-invalid',
      `The drawing could not be rendered: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Check that the SVG is well-formed XML with a width and a height.',
      {},
      { cause },
    )
  }
}

/** A PNG data URI of 8-bit RGBA pixels, row-major [height, width, 4]. */
export async function pixelsToDataUri(pixels: Uint8Array, width: number, height: number): Promise<string> {
  const png = await sharp(pixels, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 9, effort: 7 })
    .toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}
