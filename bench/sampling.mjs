// Sampling masks of one image with AR-Seg at the paper's size: cached, uncached, one mask, and plain PyTorch uncached.
import { readOptions } from './lib/environment.mjs'

const options = readOptions(
  'Sampling with AR-Seg, 128x128',
  { threads: 2, rounds: 4, steps: 1, warmup: 1 },
  {
    samples: { type: 'string', default: '16', help: 'masks drawn together' },
    repeats: { type: 'string', default: '20', help: 'repetitions of the memory check' },
  },
)
const { sampleMasks } = await import('@septum/core')
const { liveTensors, rand } = await import('@septum/torch')
const {
  finish,
  median,
  milliseconds,
  Neighbours,
  number,
  ourFacts,
  printHeader,
  printTargets,
  summary,
  table,
} = await import('./lib/measure.mjs')
const { arSegModel } = await import('./lib/models.mjs')
const { PythonSide } = await import('./lib/python.mjs')

const PARTS = ['encoder', 'transformer', 'draw', 'decoder']
const temperature = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1]
const model = arSegModel().eval()
const image = rand([1, 1, 128, 128])

/** Adds the seconds that each part of an engine takes to `times`. */
function watched(engine, times) {
  const timing =
    (part, method) =>
    (...args) => {
      const start = performance.now()
      const result = engine[method](...args)
      times[part] += (performance.now() - start) / 1000
      return result
    }
  return {
    scales: engine.scales,
    vocabulary: engine.vocabulary,
    encode: timing('encoder', 'encode'),
    begin: timing('transformer', 'begin'),
    logits: timing('transformer', 'logits'),
    accept: timing('transformer', 'accept'),
    decode: timing('decoder', 'decode'),
    release: timing('transformer', 'release'),
    releaseCondition: (condition) => engine.releaseCondition(condition),
  }
}

/** Seconds of one run, image to mask logits, by part; `draw` is top-k, softmax and the draw of the tokens. */
async function sample(samples, useCache) {
  const times = { encoder: 0, transformer: 0, draw: 0, decoder: 0, whole: 0 }
  const engine = watched(model.engine(useCache), times)
  const start = performance.now()
  const condition = engine.encode(image)
  await sampleMasks(engine, condition, { samples, seed: 1, temperature, topK: 100 })
  engine.releaseCondition(condition)
  times.whole = (performance.now() - start) / 1000
  times.draw = times.whole - times.encoder - times.transformer - times.decoder
  return times
}

const many = options.samples
const variants = [
  { name: `${many} cached`, run: () => sample(many, true), seen: [] },
  { name: `${many} uncached`, run: () => sample(many, false), seen: [] },
  { name: '1 cached', run: () => sample(1, true), seen: [] },
]
const python = await PythonSide.start(
  'plain_transformer.py',
  ['--sample', many, '--steps', options.steps],
  options,
)
printHeader(`AR-Seg, ${many} samples of one 128x128 image`, python.facts)
const neighbours = new Neighbours([python.pid])
for (const { run } of variants) for (let i = 0; i < options.warmup; i++) await run()
const plain = []
for (let round = 0; round < options.rounds; round++) {
  for (const { run, seen } of variants) for (let i = 0; i < options.steps; i++) seen.push(await run())
  plain.push(await python.block())
  console.error(`round ${round + 1} of ${options.rounds}`)
}
python.stop()

const results = variants.map(({ name, seen }) => ({
  name,
  whole: summary(seen.map((times) => times.whole)),
  parts: Object.fromEntries(PARTS.map((part) => [part, median(seen.map((times) => times[part]))])),
  fastestTransformer: Math.min(...seen.map((times) => times.transformer)),
}))
// PyTorch draws inside its transformer loop.
results.push({
  name: `${many} uncached, plain PyTorch`,
  whole: summary(plain.flatMap((block) => block.seconds)),
  parts: {
    ...Object.fromEntries(
      ['encoder', 'transformer', 'decoder'].map((part) => [
        part,
        median(plain.map((block) => block.parts[part])),
      ]),
    ),
    draw: 0,
  },
})

const part = (seconds, whole) =>
  seconds === 0 ? '-' : `${(seconds * 1000).toFixed(1)} ms (${((100 * seconds) / whole).toFixed(0)} %)`
console.log(
  table([
    ['', 'whole', 'encoder', 'transformer', 'token draw', 'mask decoder'],
    ...results.map(({ name, whole, parts }) => [
      name,
      milliseconds(whole),
      ...PARTS.map((each) => part(parts[each], whole.median)),
    ]),
  ]),
)
console.log('\nMedians (fastest to slowest). PyTorch draws its tokens inside the transformer loop.\n')

// Memory: after each repetition all that is left must be what was there before.
const memory = []
for (let i = 0; i < options.repeats; i++) {
  await sample(many, true)
  memory.push({ resident: process.memoryUsage.rss(), tensors: liveTensors() })
}
const [first, last] = [memory[Math.floor(memory.length / 4)], memory.at(-1)]
const growth = last.resident / first.resident - 1

const [cached, uncached, one, torch] = results
const ratios = {
  transformer: uncached.parts.transformer / cached.parts.transformer,
  whole: uncached.whole.median / cached.whole.median,
  wholeToPlain: torch.whole.median / cached.whole.median,
  manyToOne: cached.whole.median / one.whole.median,
}
const targets = [
  {
    name: `transformer part, ${many} uncached / ${many} cached`,
    value: ratios.transformer,
    bound: 'at least',
    limit: 3,
  },
  { name: `whole, ${many} cached / 1 cached`, value: ratios.manyToOne, bound: 'at most', limit: 10 },
  {
    name: `growth of resident memory, repetition ${Math.floor(memory.length / 4) + 1} to ${memory.length}`,
    value: growth,
    bound: 'at most',
    limit: 0.05,
  },
  { name: 'tensors left over', value: last.tensors - first.tensors, bound: 'at most', limit: 0 },
]
printTargets(targets)
console.log(`whole, ${many} uncached / ${many} cached: ${number(ratios.whole)}`)
console.log(`whole, plain PyTorch uncached / ours cached: ${number(ratios.wholeToPlain)}`)
const { libtorch, blas } = ourFacts()
finish('sampling', options, neighbours, {
  libtorch: { ours: libtorch, python: python.facts.torch },
  blas: { ours: blas, python: python.facts.blas },
  samples: many,
  results,
  ratios,
  memory,
  targets,
  reason: `Why: the image is encoded once and its 64 prefix tokens run once for all samples; then every scale feeds only
its own tokens, 204 in all, while without a cache the whole sequence runs again at each of the eight scales,
1052 positions a sample. The mask decoder is the same work either way, which is why the whole gains less than the transformer.`,
})
