import type { MedicalImage } from '@septum/core'

/** One frame of a segmentation. */
export interface SegFrame {
  /** Counted from 1, as in the segment sequence. */
  readonly segment: number
  /** Counted from 0, in the order of the source series. */
  readonly slice: number
}

/** Fractions are kept in 255 steps: the largest value that fits a byte. */
export const FRACTION_STEPS = 255

/** Masks as segments and slices, whichever way they are given. */
export interface SegMasks {
  readonly segments: number
  readonly slices: number
  /** Samples of one slice. */
  readonly samples: number
  /** @returns 0 or 1, or 0 to 255 for fractions. */
  readonly sample: (frame: SegFrame, index: number) => number
}

/**
 * @param image [1, …] label values, or [segments, …] one mask or probability map for each.
 * @param slices number of slices; the rest of the shape is one slice.
 */
export function segMasks(
  { data, shape }: MedicalImage,
  segments: number,
  slices: number,
  fractional: boolean,
): SegMasks {
  const samples = data.length / (shape[0]! * slices)
  const own = (segment: number, slice: number) => ((segment - 1) * slices + slice) * samples
  const sample = fractional
    ? ({ segment, slice }: SegFrame, i: number) => Math.round(data[own(segment, slice) + i]! * FRACTION_STEPS)
    : shape[0] === 1
      ? ({ segment, slice }: SegFrame, i: number) => Number(data[slice * samples + i] === segment)
      : ({ segment, slice }: SegFrame, i: number) => Number(data[own(segment, slice) + i] !== 0)
  return { segments, slices, samples, sample }
}

/**
 * The frames with a foreground sample, segment by segment, slice by slice.
 * @returns at least one frame: DICOM has no image without.
 */
export function filledFrames({ segments, slices, samples, sample }: SegMasks): readonly SegFrame[] {
  const frames: SegFrame[] = []
  for (let segment = 1; segment <= segments; segment++) {
    for (let slice = 0; slice < slices; slice++) {
      const frame = { segment, slice }
      let i = 0
      while (i < samples && sample(frame, i) === 0) i++
      if (i < samples) frames.push(frame)
    }
  }
  return frames.length > 0 ? frames : [{ segment: 1, slice: 0 }]
}

/**
 * Pixel data of frames: bytes, or single bits with the lowest of a byte first and no padding between frames
 * (PS3.5 8.1.1).
 */
export function packFrames(
  masks: SegMasks,
  frames: readonly SegFrame[],
  binary: boolean,
): Uint8Array<ArrayBuffer> {
  const count = frames.length * masks.samples
  const bytes = binary ? Math.ceil(count / 8) : count
  const out = new Uint8Array(bytes + (bytes % 2))
  let at = 0
  for (const frame of frames) {
    for (let i = 0; i < masks.samples; i++, at++) {
      const value = masks.sample(frame, i)
      if (binary) out[at >> 3]! |= value << (at & 7)
      else out[at] = value
    }
  }
  return out
}
