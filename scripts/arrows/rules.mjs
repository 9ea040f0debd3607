// The table: who may import whom. Arrows point down only; what is not listed is refused.
// Tests are free: they may read fixtures with node:fs and compose what the code keeps apart.

/** Packages: other packages of this repository, node: modules, and packages from npm. */
export const packageRules = {
  '@septum/core': { packages: [], node: false, npm: ['onnxruntime-common'] },
  '@septum/torch': { packages: ['@septum/core'], node: true, npm: [] },
  septum: { packages: ['@septum/core', '@septum/torch'], node: true, npm: 'any' },
  // Of septum only the door to what needs no Node.
  '@septum/viewer': { packages: ['@septum/core', 'septum/browser'], node: false, npm: 'any' },
}

/** The contract between methods and the rest: batches, recipes, predictions. It knows nobody. */
const contract = 'methods/method.ts'
/** ONNX Runtime for Node, without libtorch. */
const runtime = 'export/node-runtime.ts'
const data = ['formats', 'datasets']
const models = [contract, 'methods', 'blocks', 'losses']
const work = ['training', 'evaluation', 'comparison', 'export', runtime, 'inference', 'report']

/**
 * Inside packages/septum/src: a folder (or a file of its own standing) and what it may import besides itself.
 * `@septum/torch` must be listed too: what does without it also runs where no libtorch is.
 */
export const folderRules = {
  [contract]: ['@septum/torch'],
  [runtime]: [],
  formats: [],
  blocks: ['@septum/torch'],
  losses: ['@septum/torch'],
  datasets: ['@septum/torch', 'formats', contract],
  methods: ['@septum/torch', contract, 'blocks', 'losses'],
  // Runs without libtorch: of the data sets it takes files, not batches.
  evaluation: data,
  inference: [...data, runtime],
  training: ['@septum/torch', ...models, ...data],
  comparison: ['@septum/torch', ...models, ...data, 'training', 'evaluation'],
  export: ['@septum/torch', ...models, ...data, 'training', runtime],
  report: ['@septum/torch', ...models, ...data, 'evaluation', 'comparison'],
  server: [...data, 'inference'],
  cli: ['@septum/torch', ...models, ...data, ...work, 'server'],
  'browser.ts': [...data, 'inference'],
  'index.ts': ['@septum/torch', ...models, ...data, ...work, 'server', 'cli'],
}
