/** Samples of one frame as stored, before bits are masked: colours pixel by pixel. */
export type StoredSamples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/** A decoded frame; `rgb` when the decoder has already turned YBR into RGB. */
export interface DecodedFrame {
  readonly samples: StoredSamples
  readonly rgb?: boolean
}

/** Puts colour planes (RRR… GGG… BBB…) pixel by pixel (RGBRGB…). */
export function interleavePlanes<T extends StoredSamples>(planes: T): T {
  const out = planes.slice() as T
  const pixels = planes.length / 3
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let colour = 0; colour < 3; colour++) out[3 * pixel + colour] = planes[colour * pixels + pixel]!
  }
  return out
}
