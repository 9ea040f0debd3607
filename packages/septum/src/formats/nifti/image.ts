import type { ImageSamples } from '@septum/core'
import type { ImageHeader, ReadLimits } from '../format.js'
import { channelsFirst, countSamples } from '../volume/grid.js'
import {
  decodedBytes,
  decodeSamples,
  largestValue,
  sampleBytes,
  scaledBytes,
  scaleSamples,
} from '../volume/samples.js'
import type { NiftiHeader } from './header.js'
import { niftiGeometry } from './orientation.js'

/**
 * What a header says of its image. @throws SeptumError `volume-broken`, `volume-too-large`, `image-geometry`, `image-spacing`.
 */
export function describeNifti(header: NiftiHeader, file: string, limits: ReadLimits): ImageHeader {
  const { colours, sizes, sampleType, scaling } = header
  const bytesEach = scaling ? scaledBytes(sampleType) : decodedBytes(sampleType)
  countSamples([...sizes, colours], bytesEach, limits.maxBytes, file)
  const { geometry, notes } = niftiGeometry(header)
  const frames = sizes.slice(3).reduce((product, size) => product * size, 1)
  const space = sizes.length < 3 ? [sizes[1] ?? 1, sizes[0]!] : [sizes[2]!, sizes[1]!, sizes[0]!]
  return {
    format: `NIfTI-${header.version}`,
    shape: [frames * Math.min(colours, 3), ...space],
    geometry,
    maxValue: scaling ? 1 : largestValue(sampleType),
    sampleType,
    notes: [
      ...notes,
      ...(scaling ? [`Values are stored * ${scaling.slope} + ${scaling.intercept}.`] : []),
      ...(frames > 1 ? [`${frames} frames became channels.`] : []),
      ...(colours === 4 ? ['The alpha channel was dropped.'] : []),
    ],
  }
}

/** Bytes that the samples take in the file, inflated. */
export const storedBytes = ({ sizes, colours, sampleType }: NiftiHeader): number =>
  sizes.reduce((product, size) => product * size, colours * sampleBytes[sampleType])

/**
 * Stored bytes as the samples of an image: scaled, colours as channels.
 * @param bytes `storedBytes` of them; the caller gives them away.
 */
export function niftiSamples(
  { colours, sampleType, littleEndian, scaling, sizes }: NiftiHeader,
  bytes: Uint8Array,
  file: string,
): ImageSamples {
  const stored = decodeSamples(bytes, sampleType, littleEndian, file)
  if (scaling) return scaleSamples(stored, scaling.slope, scaling.intercept)
  return colours > 1 ? colourChannels(stored as Uint8Array, colours, sizes) : stored
}

/** [t, z, y, x, colour] to [t, colour, z, y, x] without alpha. */
function colourChannels(stored: Uint8Array, colours: number, sizes: readonly number[]): Uint8Array {
  const space = sizes.slice(0, 3).reduce((product, size) => product * size, 1)
  const frames = stored.length / space / colours
  const out = new Uint8Array(frames * space * 3)
  for (let frame = 0; frame < frames; frame++) {
    const picture = stored.subarray(frame * space * colours, (frame + 1) * space * colours)
    out.set(channelsFirst(picture, colours, 1).subarray(0, space * 3), frame * space * 3)
  }
  return out
}
