import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBundleFolder } from '../../inference/index.js'
import { runWorker } from '../worker/run-worker.js'
import { commands } from './commands.js'

const marker = process.env.SEPTUM_TEST_MARKER

/** The real worker, but the first pixel of a window may tell it to fail in the ways that workers fail. */
runWorker(async (folder, threads) => {
  const model = await openBundleFolder(folder, threads)
  return {
    manifest: model.manifest,
    predict: model.predict.bind(model),
    release: () => model.release(),
    async logits(images, shape) {
      const command = Math.round(images[0]! * 255)
      if (command === commands.die) process.kill(process.pid, 'SIGKILL')
      if (command === commands.dieOnce && marker && !existsSync(marker)) {
        writeFileSync(marker, '')
        process.kill(process.pid, 'SIGKILL')
      }
      if (command === commands.slow) await sleep(700)
      if (command === commands.block) for (const end = Date.now() + 60_000; Date.now() < end; );
      return model.logits!(images, shape)
    },
  }
})
