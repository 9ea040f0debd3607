import { threads as libtorchThreads, manualSeed, rand } from '@septum/torch'
import type { TrainedRun } from '../training/run-folder.js'
import type { Speed } from './types.js'

const WARM_UP = 2
/** Seconds after which measuring ends, once there are {@link LEAST} passes. */
const ENOUGH_SECONDS = 1
const LEAST = 3
const MOST = 50

/**
 * Images a second, one after the other, from the image as a tensor to the maps in memory: the median of several
 * passes, after some that do not count. Random images: none of the methods takes longer for some.
 */
export async function measureSpeed(
  { model, task }: Pick<TrainedRun, 'model' | 'task'>,
  {
    samples,
    device,
    signal,
  }: { readonly samples: number; readonly device: string; readonly signal: AbortSignal },
): Promise<Speed> {
  manualSeed(0)
  const images = rand([1, task.imageChannels, ...task.imageSize], { device })
  const seconds: number[] = []
  let drawn = 1
  try {
    const start = performance.now()
    for (let pass = -WARM_UP; pass < MOST; pass++) {
      signal.throwIfAborted()
      const before = performance.now()
      const { samples: masks } = await model.predict(images, {
        samples,
        seed: 0,
        firstImage: 0,
        rule: 'vote',
        stages: false,
        signal,
      })
      drawn = masks?.shape[0] ?? 1
      const now = performance.now()
      if (pass >= 0) seconds.push((now - before) / 1000)
      if (seconds.length >= LEAST && now - start > ENOUGH_SECONDS * 1000) break
    }
  } finally {
    images.free()
  }
  const middle = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)]!
  return { framesPerSecond: 1 / middle, device, threads: libtorchThreads(), samples: drawn }
}
