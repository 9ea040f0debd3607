// Writes the bundle of an untrained model: node make-bundle.mjs JSON, with { out, method, options, task }.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { record } from '../../packages/septum/dist/export/export-run.js'
import { manifestOf } from '../../packages/septum/dist/export/manifest.js'
import { methodByName } from '../../packages/septum/dist/methods/index.js'

const { out, method: name, options, task } = JSON.parse(process.argv[2])
const method = methodByName(name)
const parsed = method.options.parse(options)
const model = method.build(parsed, task)
model.eval().requiresGrad_(false)
const { parts, files } = record({ model, config: { method: name } }, '0.0.0')
const facts = {
  septum: '0.0.0',
  method,
  options: parsed,
  parameters: model.parameterCount(),
  task,
  fit: 'crop',
  training: {
    dataset: 'none: untrained',
    licence: null,
    source: null,
    citation: [],
    raters: 1,
    seed: 0,
    seconds: null,
    fingerprint: null,
    cases: null,
  },
  metrics: {},
  licence: null,
}
const verification = { engine: 'none', images: 0, source: 'random', maxDifference: 0, tolerance: 1e-4 }
mkdirSync(out, { recursive: true })
for (const { file, bytes } of files) writeFileSync(join(out, file), bytes)
writeFileSync(join(out, 'model.json'), JSON.stringify(await manifestOf(facts, parts, files, verification)))
console.log(model.parameterCount())
