import type { BundleMap, BundleModel } from '@septum/core'
import { resizePlanes } from 'septum/browser'
import { networkSize, type Size, toImage, toNetwork } from './fit.js'
import type { ClassMaps, RunRequest, RunResult, StageMap } from './messages.js'
import { placeModel } from './place.js'
import { networkInput } from './values.js'

export interface RunEvents {
  onProgress(done: number, total: number): void
  onStage(stage: StageMap): void
}

/**
 * Segments one picture with an opened bundle: values, spacing and size as in training, maps back on the picture's grid.
 * @throws SeptumError `viewer-channels` and whatever the bundle throws.
 */
export async function runBundle(
  bundle: BundleModel,
  { image, centre, samples, seed }: RunRequest,
  events: RunEvents,
): Promise<RunResult> {
  const started = performance.now()
  const { manifest } = bundle
  const { image: values, size: seen, back } = networkInput(image, manifest)
  const size: Size = [seen[1], seen[2]]
  const { placement } = placeModel(image, manifest, centre)
  const inner = networkSize(size, placement)
  const input = new Float32Array(manifest.channels * inner[0] * inner[1])
  for (let c = 0; c < manifest.channels; c++) {
    input.set(toNetwork(planeOf(values, c, size), size, placement), c * inner[0] * inner[1])
  }
  const onImage = (map: Float32Array, mode: 'bilinear' | 'nearest') =>
    resizePlanes(toImage(map, size, placement, mode), 1, back[1], back[2])
  const nextScale = manifest.model.kind === 'next-scale'
  const stages: StageMap[] = []
  const prediction = await bundle.predict(input, inner, {
    ...(nextScale && { samples, seed, stages: true }),
    onProgress: ({ done, total }) => events.onProgress(done, total),
    onStage: ({ name, index, total, classIndex, probabilities }) => {
      const probability = onImage(probabilities.data, 'bilinear')
      const stage = { name, index, total, classIndex, probability }
      stages.push(stage)
      events.onStage(stage)
    },
  })
  const onPicture = (map: BundleMap, index: number, mode: 'bilinear' | 'nearest') =>
    onImage(planeOf(map.data, index, inner), mode)
  const count = prediction.samples.shape[0]!
  const classes = manifest.classes.map(
    (_, c): ClassMaps => ({
      // A resampled mask has shares of pixels: more than half counts, as in `septum predict`.
      samples: Array.from({ length: count }, (_, s) =>
        onPicture(prediction.samples, s * manifest.classes.length + c, 'nearest'),
      ).map((shares) => Uint8Array.from(shares, (share) => (share > 0.5 ? 1 : 0))),
      probability: onPicture(prediction.probabilities, c, 'bilinear'),
    }),
  )
  const { tokens } = prediction
  const seconds = (performance.now() - started) / 1000
  return { classes, stages, seconds, seed, ...(tokens && { tokens }) }
}

function planeOf(data: Float32Array, index: number, [height, width]: Size): Float32Array {
  return data.subarray(index * height * width, (index + 1) * height * width)
}
