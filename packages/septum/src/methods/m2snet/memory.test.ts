import { readFileSync } from 'node:fs'
import { liveTensors, manualSeed, optim, rand, scope, setThreads } from '@septum/torch'
import { expect, it } from 'vitest'
import { predictOptions, squareTask } from '../testing.js'
import { M2SNet } from './model.js'
import { m2snetOptions } from './options.js'

setThreads(1)

/** Memory of the process's own making, without the pages of libraries, which come and go as the system likes. */
function anonymousBytes(): number {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!
  return 1024 * Number(kilobytes)
}

it('300 steps at changing sizes, with validation in between, leave memory flat', async () => {
  manualSeed(0)
  const options = { encoder: 'mobilenet-v2', encoderWidth: 0.25, channels: 8, lossNet: 'none' }
  const model = new M2SNet(m2snetOptions.parse(options), squareTask(96)).train()
  const [phase] = model.phases()
  const sgd = new optim.SGD(model.parameters(), { lr: 1e-3, momentum: 0.9 })
  const sizes = [64, 96, 32, 80, 48]
  const step = async (i: number) => {
    const side = sizes[i % sizes.length]!
    scope(() => {
      const images = rand([2, 1, side, side])
      const masks = rand([2, 1, side, side]).gt(0.5).to({ dtype: 'uint8' })
      sgd.zeroGrad()
      phase!.losses({ images, masks, cases: ['a', 'b'], step: i }).total.backward()
      sgd.step()
    })
    if (i % 50 === 49) {
      model.eval()
      const images = rand([2, 1, 96, 96])
      await model.predict(images, predictOptions())
      images.free()
      model.train()
    }
    // As the trainer does: Node gets its turn, and finalisers run.
    await new Promise((resolve) => setImmediate(resolve))
  }
  let [early, live] = [0, 0]
  for (let i = 0; i < 300; i++) {
    await step(i)
    if (i !== 99) continue
    early = anonymousBytes()
    live = liveTensors()
  }
  expect(liveTensors()).toBe(live)
  expect(anonymousBytes() / early - 1).toBeLessThan(0.05)
}, 120_000)
