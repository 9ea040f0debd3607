// Our side of predict-onnx.mjs: a bundle on ONNX Runtime in a process without libtorch.
// Protocol as bench/python/common.py: one JSON line when ready, one for each line `run`.
import { createInterface } from 'node:readline'
import { openBundleFolder } from '../../packages/septum/dist/inference/index.js'

const { bundle, threads, steps, warmup, size, samples } = JSON.parse(process.argv[2])
const model = await openBundleFolder(bundle, threads)
const { channels, model: graphs } = model.manifest
const image = Float32Array.from({ length: channels * size ** 2 }, (_, i) => ((i * 7919) % 1000) / 1000)

async function pass() {
  if (graphs.kind === 'mask') await model.logits(image, [1, channels, size, size])
  else await model.predict(image, [size, size], { samples })
}

async function block(count) {
  const seconds = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await pass()
    seconds.push((performance.now() - start) / 1000)
    await new Promise(setImmediate)
  }
  return { seconds, peakRss: process.resourceUsage().maxRSS * 1024 }
}

await block(warmup)
console.log(JSON.stringify({ ready: true }))
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'quit') break
  console.log(JSON.stringify(await block(steps)))
}
