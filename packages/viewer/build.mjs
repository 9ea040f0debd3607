// Builds the static page: packages/viewer/dist, to be served from any folder of any server.
//   node packages/viewer/build.mjs [--out FOLDER] [--model BUNDLE]…
// Without --model it takes every bundle under models/ of the repository.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../..')
const { values: given } = parseArgs({
  options: { out: { type: 'string' }, model: { type: 'string', multiple: true } },
})
const out = given.out ?? join(here, 'dist')
const source = (...path) => join(here, 'src', ...path)

/** The runtime stays in files of its own, as published: the page loads it in the worker only. */
const runtimes = {
  'onnxruntime-web/wasm': 'ort.wasm.min.mjs',
  // Fetched when somebody asks for WebGPU, and not before.
  'onnxruntime-web/webgpu': 'ort.webgpu.min.mjs',
}
const runtimeFiles = [
  ...Object.values(runtimes),
  ...['', '.asyncify'].flatMap((kind) => [
    `ort-wasm-simd-threaded${kind}.mjs`,
    `ort-wasm-simd-threaded${kind}.wasm`,
  ]),
]

/** Slices of test patients of examples/lidc, outlined by all four raters. */
const examples = [
  { id: 'LIDC-IDRI-0137_n2_s02', title: 'Lung nodule, raters differ' },
  { id: 'LIDC-IDRI-0219_n0_s02', title: 'Lung nodule, raters agree' },
  { id: 'LIDC-IDRI-0163_n0_s06', title: 'Lung nodule, large' },
]

/** A module without content. */
const nothing = '\0nothing'

async function bundle(entry) {
  const build = await rolldown({
    input: source(entry),
    platform: 'browser',
    tsconfig: false,
    resolve: {
      alias: {
        '@septum/core': join(root, 'packages/core/src/index.ts'),
        'septum/browser': join(root, 'packages/septum/src/browser.ts'),
      },
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
    treeshake: { moduleSideEffects: (id) => id.endsWith('main.ts') || id.endsWith('worker.ts') },
    plugins: [
      {
        name: 'runtime-beside-the-page',
        resolveId(id, importer) {
          if (id.startsWith('node:')) throw new Error(`${importer} imports ${id}, which no browser has`)
          // Unpackers of a format (OME-Zarr) that the page does not open.
          if (id.startsWith('numcodecs/')) return nothing
          return id in runtimes ? { id: `./ort/${runtimes[id]}`, external: true } : null
        },
        load: (id) => (id === nothing ? 'export default undefined' : null),
      },
    ],
  })
  return build
}

async function script(entry, file) {
  const build = await bundle(entry)
  // Parts that are imported on demand become files of their own.
  const name = file.replace('.js', '')
  await build.write({
    ...{ dir: out, format: 'esm', minify: true },
    ...{ entryFileNames: file, chunkFileNames: `${name}-[name].js` },
  })
  await build.close()
}

async function styles(file, names) {
  const parts = names.map((name) => source('style', `${name}.css`))
  const text = (await Promise.all(parts.map((part) => readFile(part, 'utf8')))).join('\n')
  await writeFile(join(out, file), text)
}

async function copyRuntime() {
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('onnxruntime-web/wasm'))
  await mkdir(join(out, 'ort'))
  for (const file of runtimeFiles) await cp(join(folder, file), join(out, 'ort', file))
}

async function copyExamples() {
  const lidc = join(root, 'examples/lidc')
  await mkdir(join(out, 'examples'))
  const images = []
  for (const { id, title } of examples) {
    const [image, masks] = [`${id}.png`, `${id}.masks.png`]
    await cp(join(lidc, 'images', `${id}.png`), join(out, 'examples', image))
    await cp(join(lidc, 'masks', `${id}.png`), join(out, 'examples', masks))
    images.push({ id, title, image, masks, raters: 4 })
  }
  const credit = {
    text: 'LIDC-IDRI, The Cancer Imaging Archive (Armato et al. 2011, Clark et al. 2013); cropped and windowed',
    licence: 'CC BY 3.0',
    url: 'https://creativecommons.org/licenses/by/3.0/',
  }
  await writeFile(join(out, 'examples/examples.json'), JSON.stringify({ credit, images }))
}

/** Bundles to ship: those named, or every models/NAME or models/NAME/model with a manifest. */
async function bundles() {
  // npm starts the script in packages/viewer; paths are those of the folder where npm was typed.
  if (given.model) return given.model.map((path) => resolve(process.env.INIT_CWD ?? '.', path))
  const names = await readdir(join(root, 'models'))
  const places = names.flatMap((name) => [join(root, 'models', name), join(root, 'models', name, 'model')])
  const found = await Promise.all(
    places.map((place) =>
      readFile(join(place, 'model.json')).then(
        () => [place],
        () => [],
      ),
    ),
  )
  return found.flat()
}

async function copyModels() {
  const models = []
  for (const place of await bundles()) {
    const manifest = JSON.parse(await readFile(join(place, 'model.json'), 'utf8'))
    const name = basename(place) === 'model' ? basename(dirname(place)) : basename(place)
    const target = join(out, 'models', name)
    await mkdir(target, { recursive: true })
    for (const file of ['model.json', ...manifest.files.map((entry) => entry.file)]) {
      await cp(join(place, file), join(target, file))
    }
    const finds = manifest.classes.map((each) => each.name).join(', ')
    models.push({ title: `${manifest.method.title}: ${finds}`, url: `models/${name}/` })
  }
  await writeFile(join(out, 'models.json'), JSON.stringify({ models }))
}

await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
await Promise.all([
  script('main.ts', 'viewer.js'),
  script('engine/worker.ts', 'worker.js'),
  script('training/main.ts', 'training.js'),
])
await Promise.all([
  styles('viewer.css', ['theme', 'base', 'layout', 'stage', 'panel']),
  styles('training.css', ['theme', 'base', 'training']),
  copyRuntime(),
  copyExamples(),
  copyModels(),
])
for (const file of ['index.html', 'training.html', 'icon.svg']) await cp(source(file), join(out, file))
