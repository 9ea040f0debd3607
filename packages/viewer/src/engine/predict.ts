import type { BundleMap, BundleModel } from '@septum/core'
import { networkSize, placementOf, type Size, toImage, toNetwork } from './fit.js'
import type { ClassMaps, RunRequest, RunResult, StageMap } from './messages.js'
import { networkInput } from './values.js'

export interface RunEvents {
  onProgress(done: number, total: number): void
  onStage(stage: StageMap): void
}

/**
 * Segments one picture with an opened bundle: values and size as in training, maps back on the picture's grid.
 * @throws SeptumError `viewer-channels` and whatever the bundle throws.
 */
export async function runBundle(
  bundle: BundleModel,
  { image, centre, samples, seed }: RunRequest,
  events: RunEvents,
): Promise<RunResult> {
  const started = performance.now()
  const { manifest } = bundle
  const size: Size = [image.shape[1]!, image.shape[2]!]
  const placement = placementOf(size, manifest.size, manifest.preprocessing, centre)
  const inner = networkSize(size, placement)
  const values = networkInput(image, manifest.channels, manifest.preprocessing)
  const input = new Float32Array(manifest.channels * inner[0] * inner[1])
  for (let c = 0; c < manifest.channels; c++) {
    input.set(toNetwork(planeOf(values, c, size), size, placement), c * inner[0] * inner[1])
  }
  const nextScale = manifest.model.kind === 'next-scale'
  const stages: StageMap[] = []
  const prediction = await bundle.predict(input, inner, {
    ...(nextScale && { samples, seed, stages: true }),
    onProgress: ({ done, total }) => events.onProgress(done, total),
    onStage: ({ name, index, total, classIndex, probabilities }) => {
      const probability = toImage(probabilities.data, size, placement, 'bilinear')
      const stage = { name, index, total, classIndex, probability }
      stages.push(stage)
      events.onStage(stage)
    },
  })
  const back = (map: BundleMap, index: number, mode: 'bilinear' | 'nearest') =>
    toImage(planeOf(map.data, index, inner), size, placement, mode)
  const count = prediction.samples.shape[0]!
  const classes = manifest.classes.map(
    (_, c): ClassMaps => ({
      samples: Array.from({ length: count }, (_, s) =>
        Uint8Array.from(back(prediction.samples, s * manifest.classes.length + c, 'nearest')),
      ),
      probability: back(prediction.probabilities, c, 'bilinear'),
    }),
  )
  return { classes, stages, seconds: (performance.now() - started) / 1000, seed }
}

function planeOf(data: Float32Array, index: number, [height, width]: Size): Float32Array {
  return data.subarray(index * height * width, (index + 1) * height * width)
}
