import type { Dataset } from './dataset.js'
import type { StoredSamples } from './pixels/stored.js'
import { broken, unsupported } from './problem.js'

/**
 * YBR of full range to RGB in place (PS3.3 C.7.6.3.1.2, after ITU-R BT.601).
 * @param samples pixel by pixel. @param bits stored for a sample.
 */
export function ybrToRgb(samples: StoredSamples, bits: number): void {
  const middle = 2 ** (bits - 1)
  const largest = 2 ** bits - 1
  const clip = (value: number) => Math.min(Math.max(Math.round(value), 0), largest)
  for (let at = 0; at < samples.length; at += 3) {
    const y = samples[at]!
    const blue = samples[at + 1]! - middle
    const red = samples[at + 2]! - middle
    samples[at] = clip(y + 1.402 * red)
    samples[at + 1] = clip(y - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587)
    samples[at + 2] = clip(y + 1.772 * blue)
  }
}

/** Three look-up tables: RGB of a stored index. */
export interface Palette {
  /** 8 or 16. */
  readonly bits: number
  /** Stored value that gets the first entry. */
  readonly first: number
  readonly tables: readonly [Uint16Array, Uint16Array, Uint16Array]
}

const COLOURS = ['Red', 'Green', 'Blue'] as const

/**
 * Reads the palette of a PALETTE COLOR image (PS3.3 C.7.6.3.1.5).
 * @throws SeptumError `dicom-broken`; `dicom-unsupported` for segmented palettes.
 */
export function readPalette(dataset: Dataset): Palette {
  const { file } = dataset
  if (dataset.has('SegmentedRedPaletteColorLookupTableData')) {
    unsupported(file, 'a segmented palette', 'Convert it to RGB.')
  }
  const described = COLOURS.map((colour) => dataset.numbers(`${colour}PaletteColorLookupTableDescriptor`))
  const [count, first, bits] = described[0] ?? []
  if (count === undefined || first === undefined || (bits !== 8 && bits !== 16)) {
    broken(file, 'its palette is not described')
  }
  // 0 entries mean 65,536, which does not fit the element (C.7.6.3.1.5).
  const entries = count === 0 ? 65536 : count
  const tables = COLOURS.map((colour) => {
    const raw = dataset.raw(`${colour}PaletteColorLookupTableData`)
    const wide = raw !== undefined && raw.length >= 2 * entries
    if (!raw || raw.length < entries || (bits === 16 && !wide)) broken(file, 'its palette is too short')
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
    return Uint16Array.from({ length: entries }, (_, i) =>
      wide ? view.getUint16(2 * i, dataset.littleEndian) & (2 ** bits - 1) : raw[i]!,
    )
  })
  return {
    bits,
    first: first > 32767 ? first - 65536 : first,
    tables: tables as [Uint16Array, Uint16Array, Uint16Array],
  }
}

/** @returns RGB pixel by pixel; indices outside the table get its nearest end. */
export function applyPalette(
  indices: StoredSamples,
  { bits, first, tables }: Palette,
): Uint8Array | Uint16Array {
  const out = bits === 8 ? new Uint8Array(indices.length * 3) : new Uint16Array(indices.length * 3)
  const last = tables[0].length - 1
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const entry = Math.min(Math.max(indices[pixel]! - first, 0), last)
    for (let colour = 0; colour < 3; colour++) out[3 * pixel + colour] = tables[colour]![entry]!
  }
  return out
}
