// Our side of the decoding benchmarks, as a process of its own: the number of decoding threads is fixed when Node starts.
// Protocol as bench/python/common.py: one JSON line when ready, one for each line `run`.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freeBatch } from '../../packages/septum/dist/datasets/batch.js'
import {
  CaseStore,
  DecodePool,
  openFolderDataset,
  TrainingLoader,
} from '../../packages/septum/dist/datasets/index.js'

const {
  dir,
  batch,
  batches,
  workers,
  threads,
  size,
  classes,
  preprocessing = null,
} = JSON.parse(process.argv[2])
const description = classes && join(mkdtempSync(join(tmpdir(), 'septum-bench-')), 'dataset.yaml')
if (description) writeFileSync(description, `classes: [${classes.join(', ')}]\n`)
const dataset = await openFolderDataset(dir, { check: 'quick', description })
const pool = threads ? new DecodePool(dataset, { workers }) : undefined
const decode = pool ? { decode: (entry, settings) => pool.decode(entry, settings) } : {}
const store = new CaseStore(dataset, { cacheBytes: 0, preprocessing, ...decode })
const loader = new TrainingLoader({ store, cases: dataset.cases, size, batchSize: batch, seed: 1, ahead: 2 })
let number = 0

async function block(count) {
  const start = performance.now()
  for (let k = 0; k < count; k++) freeBatch(await loader.batch(number++))
  return (performance.now() - start) / 1000
}

await block(2)
console.log(JSON.stringify({ ready: true, cases: dataset.cases.length }))
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'run') break
  const before = process.cpuUsage()
  const seconds = await block(batches)
  const { user, system } = process.cpuUsage(before)
  const processor = (user + system) / 1e6
  console.log(
    JSON.stringify({ seconds: [seconds], processor, peak_rss: process.resourceUsage().maxRSS * 1024 }),
  )
}
await pool?.close()
process.exit(0)
