import type { FinishedCase } from '../../inference/index.js'
import type { PredictedCase } from '../../training/api.js'

/** A finished case as the figure of a case takes it: of a volume the plane where most is marked. */
export function previewOf({ name, image, result, classes }: FinishedCase): PredictedCase {
  const [height, width] = result.size.slice(-2) as [number, number]
  const pixels = height * width
  const total = result.labels.length
  const slice = fullestPlane(result.labels, pixels)
  const of = <T extends Uint8Array | Float32Array>(map: T, channel = 0): T =>
    map.subarray(channel * total + slice * pixels, channel * total + (slice + 1) * pixels) as T
  const channels = image.shape[0] === 3 ? 3 : 1
  const grey = new Float32Array(channels * pixels)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) grey[c * pixels + i] = image.data[c * total + slice * pixels + i]!
  }
  return {
    name,
    patient: name,
    width,
    height,
    channels,
    image: stretched(grey),
    classes: classes.map(({ name: className, label }, c) => {
      const marked = (map: Uint8Array) => of(map).map((value) => (value === label ? 1 : 0))
      const consensus = marked(result.labels)
      return {
        name: className,
        probability: result.probability ? of(result.probability, c) : Float32Array.from(consensus),
        uncertainty: result.uncertainty ? of(result.uncertainty, c) : new Float32Array(pixels),
        samples: result.samples.map(marked),
        stages: [],
        raters: [],
        scores: {},
      }
    }),
  }
}

function fullestPlane(labels: Uint8Array, pixels: number): number {
  const depth = labels.length / pixels
  let [most, best] = [0, depth >> 1]
  for (let z = 0; z < depth; z++) {
    let marked = 0
    for (let i = z * pixels; i < (z + 1) * pixels; i++) if (labels[i]! > 0) marked++
    if (marked > most) [most, best] = [marked, z]
  }
  return best
}

/** To [0, 1] between the 0.5th and 99.5th percentile, so that CT and MR can be seen; pictures hardly change. */
function stretched(values: Float32Array): Float32Array {
  const sorted = values.slice().sort()
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!
  const [low, high] = [at(0.005), at(0.995)]
  return values.map((value) => Math.min(1, Math.max(0, (value - low) / (high - low || 1))))
}
